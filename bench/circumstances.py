"""What a reader of saved figures has to know to judge them, and where they are saved."""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

MEASURED = Path(__file__).parent / "measured"


def told(packages: Sequence[str]) -> dict[str, Any]:
    return {
        "command": " ".join(["python -m", f"bench.{Path(sys.argv[0]).stem}", *sys.argv[1:]]),
        "date": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
    }


def load() -> float:
    """Of the machine, over the last minute."""
    return round(os.getloadavg()[0], 2)


def save(name: str, found: dict[str, Any]) -> None:
    MEASURED.mkdir(exist_ok=True)
    (MEASURED / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")


def saved(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((MEASURED / f"{name}.json").read_text())
    return found


def own_mib(process: psutil.Process) -> float:
    """What it would give back if it ended: what it shares with others is not counted."""
    return float(process.memory_full_info().uss) / 2**20


def share_mib(process: psutil.Process) -> float:
    """Its own, and its part of what several have."""
    return float(process.memory_full_info().pss) / 2**20


def cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def children_s() -> float:
    """Of the processor, by those that this process has started and seen end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
