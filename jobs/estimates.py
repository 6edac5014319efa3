"""What a job will take: the simulation's law, this machine's calibration, the jobs that ended."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from simulations import Checked, Simulation
from simulations.costs import Calibration, Finished, estimate
from simulations.costs.calibration import Unusable, read

from .models import Job
from .states import JobState

logger = logging.getLogger(__name__)

MEASURED = (
    "estimate__size", "started_at", "finished_at", "attempts__peak_memory_mib", "threads",
)  # fmt: skip
NEWEST = 60
"""How many finished jobs an estimate looks at: machines and versions change."""


def of(
    simulation: Simulation,
    checked: Checked,
    *,
    threads: int | None = None,
    history: list[Finished] | None = None,
) -> dict[str, Any] | None:
    """`size`, `seconds` and `memory_mib` as ranges or None, their `basis`, and `threads`.

    None for a simulation that declares no cost, or input whose size is not known. One query.

    :param history: what `finished` says, for whoever has asked it already.
    """
    if simulation.cost is None or checked.size is None:
        return None
    found = estimate(
        simulation.cost,
        simulation.name,
        checked.size,
        calibration(),
        finished(simulation.name) if history is None else history,
        threads or 1,
    )
    return {**found, "threads": threads or 1}


def core_hours(estimate: dict[str, Any] | None) -> float:
    """About what it takes; nothing, where nobody can tell."""
    if not estimate or not estimate["seconds"]:
        return 0.0
    return float(estimate["seconds"]["p50"]) * int(estimate["threads"]) / 3600


def finished(simulation: str) -> list[Finished]:
    """The newest jobs that did in one attempt what they were to do; they carry their size."""
    # What went on from a checkpoint or another job's files did not take its time for the whole.
    rows = (
        Job.objects.filter(
            simulation=simulation,
            state=JobState.SUCCEEDED,
            attempt=1,
            estimate__isnull=False,
            restarted_from=None,
        )
        .order_by("-finished_at", "id")
        .values_list(*MEASURED)
    )
    return [
        Finished(
            size=size,
            seconds=(end - start).total_seconds(),
            memory_mib=memory,
            threads=threads or 1,
        )
        for size, start, end, memory, threads in rows[:NEWEST]
        if start and end
    ]


def calibration() -> Calibration | None:
    """None where `make calibrate` was never run, or by another version."""
    path = Path(settings.CALIBRATION_FILE)
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None
    except (OSError, Unusable):
        # A damaged file takes the estimates away, not the jobs.
        logger.exception("the calibration cannot be used; run `make calibrate` again")
        return None


@lru_cache(maxsize=1)
def _read(path: Path, changed_at_ns: int) -> Calibration | None:
    return read(path)
