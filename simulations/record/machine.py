"""On what a run runs: versions of programs, the processor, and what it took of it."""

from __future__ import annotations

import os
import platform
import socket
import sys
import time
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

DISTRIBUTIONS = {"pyscf.dispersion": "pyscf-dispersion"}
"""Where a module's distribution has another name than its first part."""
CPUINFO = Path("/proc/cpuinfo")


def software(requires: tuple[str, ...]) -> dict[str, str]:
    """Versions of Python, of the engines, and of what the engines compute with."""
    beneath = ("numpy", "scipy") if requires else ()
    names = {DISTRIBUTIONS.get(module, module.partition(".")[0]) for module in requires}
    versions = {name: _version(name) for name in sorted({*names, *beneath})}
    return {"python": platform.python_version(), **versions}


@cache
def _version(distribution: str) -> str:
    return version(distribution)


def blas() -> str | None:
    """The linear algebra that NumPy was built with; None for a run that did not use NumPy."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    known = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{known.get('name', 'unknown')} {known.get('version', '')}".strip()


@cache
def machine() -> dict[str, Any]:
    return {
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
    }


def _cpu_model() -> str:
    lines = CPUINFO.read_text().splitlines() if CPUINFO.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine()


@dataclass(frozen=True, slots=True)
class Clock:
    """A moment in the wall's time and in the processor's."""

    wall_s: float
    cpu_s: float

    @classmethod
    def now(cls) -> Clock:
        times = os.times()
        # Children count once they have ended and were waited for.
        cpu = times.user + times.system + times.children_user + times.children_system
        return cls(time.monotonic(), cpu)

    def spent(self) -> dict[str, float]:
        now = self.now()
        return {
            "wall_s": round(now.wall_s - self.wall_s, 3),
            "cpu_s": round(now.cpu_s - self.cpu_s, 3),
        }


def peak_resident_mib() -> float:
    """Of this process so far, or of its largest child if that is more.

    Pages that it shares with others count in full: it can be more than a limit that was kept.
    """
    import resource

    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(each).ru_maxrss for each in who)
    # Linux counts in KiB, macOS in bytes.
    return round(peak / (1024**2 if sys.platform == "darwin" else 1024), 1)
