"""The two jobs, as functions: for queues that run any function. The second one is ours, called as a
script would call it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from simulations import registry
from simulations.command.context import LOG_NAME, DirectoryContext

OPTIMIZATION = "xtb_optimization"


def nothing(n: int) -> int:
    """What `demo.sum_squares` finds."""
    return sum(i * i for i in range(1, n + 1))


def molecule(xyz: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / LOG_NAME).open("w") as log:
            context = DirectoryContext(folder, log)
            return registry.get(OPTIMIZATION).run({"structure": xyz}, context)


def figure(result: Any) -> float:
    """By which a result is known to be right."""
    return float(result["energy_hartree"] if isinstance(result, dict) else result)


def preload() -> None:
    registry.preload(OPTIMIZATION)


ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""There is a worker a core."""


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, **ONE_THREAD, **more}


def path_of(python: str) -> str:
    """For peers that start programs by name: those of their own environment come first."""
    return f"{Path(python).parent}:{os.environ['PATH']}"
