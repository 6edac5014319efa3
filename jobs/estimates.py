"""What a job will take: the simulation's law, this machine's calibration, the jobs that ended."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from simulations import Checked, Simulation
from simulations.costs import Calibration, Finished, estimate
from simulations.costs.calibration import Unusable, read

from .models import Job
from .prepared import Example, Prepared, as_json, as_moment
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
    history: Callable[[str], list[Finished]] | None = None,
) -> dict[str, Any] | None:
    """`size`, `seconds` and `memory_mib` as ranges or None, their `basis`, and `threads`.

    None for a simulation that declares no cost, or input whose size is not known. One query.

    :param history: says what `finished` does, for whoever may have asked it already.
    """
    if simulation.cost is None or checked.size is None:
        return None
    found = estimate(
        simulation.cost,
        simulation.name,
        checked.size,
        calibration(),
        (history or finished)(simulation.name),
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
    rows = [
        (as_json(size), as_moment(start), as_moment(end), memory, threads)
        for size, start, end, memory, threads in FINISHED.rows(simulation=simulation)
    ]
    return [
        Finished(
            size=size,
            seconds=(end - start).total_seconds(),
            memory_mib=memory,
            threads=threads or 1,
        )
        for size, start, end, memory, threads in rows
        if start and end
    ]


def _finished(simulation: str) -> QuerySet[Job, Any]:
    # What went on from a checkpoint or another job's files did not take its time for the whole.
    done = Job.objects.filter(
        simulation=simulation,
        state=JobState.SUCCEEDED,
        attempt=1,
        estimate__isnull=False,
        restarted_from=None,
    )
    return done.order_by("-finished_at", "id").values_list(*MEASURED)[:NEWEST]


FINISHED = Prepared(_finished, simulation=Example.WORD)


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
