"""A simulation that says so leaves its process as it found it: what follows is the same to the
last digit, in each file that the user gets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import simulations
from simulations.execution import execute

from .recording import RecordingContext

BEFORE_AND_AFTER: dict[str, tuple[dict[str, Any], ...]] = {
    "conformer_search": (
        {"structure": "CCCO", "solvent": "water"}, {"structure": "CCO"}, {"structure": "OCCO"},
    ),
    "demo.sum_squares": ({"n": 9}, {"n": 10}),
    "xtb_frequencies": (
        {"structure": "[O][O]", "multiplicity": 3}, {"structure": "CCO"}, {"structure": "O"},
    ),
    "xtb_optimization": (
        {"structure": "CC(=O)[O-]", "charge": -1, "method": "GFN1-xTB", "solvent": "water"},
        {"structure": "CCO"},
        {"structure": "c1ccccc1"},
    ),
}  # fmt: skip
"""Of each that says so: the runs before, and the one that is looked at."""
DIFFERS = "provenance.json"
"""Which says when, and by which process."""


def test_each_that_says_so_is_tried() -> None:
    says_so = {each.name for each in simulations.all_simulations() if each.leaves_nothing}

    assert says_so == set(BEFORE_AND_AFTER)


@pytest.mark.engine
@pytest.mark.parametrize("name", sorted(BEFORE_AND_AFTER))
def test_what_follows_is_as_it_is_alone(name: str, tmp_path: Path) -> None:
    runs = BEFORE_AND_AFTER[name]

    alone = last_of(name, runs[-1:], tmp_path / "alone")
    behind = last_of(name, runs, tmp_path / "behind")

    assert behind == alone


def last_of(name: str, runs: tuple[dict[str, Any], ...], place: Path) -> dict[str, Any]:
    """What a process of its own says of the last of them."""
    place.mkdir()
    argv = [sys.executable, "-m", __name__, name, json.dumps(runs), str(place)]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(argv, stdout=subprocess.PIPE, env=env, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    files = {path.name: path.read_bytes() for path in place.iterdir() if path.name != DIFFERS}
    return found | files


def tell(name: str, runs: list[dict[str, Any]], place: Path) -> dict[str, Any]:
    for n, params in enumerate(runs, 1):
        workdir = place if n == len(runs) else place.with_name(f"{place.name}-{n}")
        workdir.mkdir(exist_ok=True)
        outcome = execute(name, params, RecordingContext(workdir))
    outcome.result.pop("wall_time_s", None)
    return {
        "result": outcome.result,
        "methods": outcome.methods,
        "folder": os.getcwd(),  # noqa: PTH109
        "environment": sorted(os.environ),
        "threads": threading.active_count(),
        "files open": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(tell(sys.argv[1], json.loads(sys.argv[2]), Path(sys.argv[3]))))
