"""Size, time and memory of a run that has not begun, and on what that rests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .calibration import Calibration, Measured
from .fit import Range, Run, predict
from .law import Cost, Law, Size, Term

ENOUGH_JOBS = 8
"""Without a calibration; fewer are an anecdote."""
ENOUGH_CALIBRATION = 2
THREADS = Term("n_threads", -0.5, 0.3)
"""What threads save is learned from the jobs: a calibration has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A job that succeeded in its first attempt.

    :param memory_mib: None where its system could not tell.
    """

    size: Size
    seconds: float
    memory_mib: float | None
    threads: int = 1


def estimate(
    cost: Cost,
    simulation: str,
    size: Size,
    calibration: Calibration | None,
    finished: Sequence[Finished],
    threads: int = 1,
) -> dict[str, Any]:
    """JSON: `seconds` and `memory_mib` are ranges, or None where there is nothing to go by."""
    measured = calibration.runs_of(simulation) if calibration else []
    measured = [run for run in measured if _is_alike(run.size, size, cost)]
    finished = [job for job in finished if _is_alike(job.size, size, cost)]
    is_enough = len(measured) >= ENOUGH_CALIBRATION or len(finished) >= ENOUGH_JOBS
    if not is_enough or cost.seconds.values(size) is None:
        return {"size": size, "seconds": None, "memory_mib": None, "basis": None}
    wanted = {**size, THREADS.name: threads}
    seconds = Law((*cost.seconds.terms, THREADS), cost.seconds.noise)
    start = calibration.start_of(simulation) if calibration else None
    return {
        "size": size,
        "seconds": _told(
            seconds, _seconds(measured, finished), wanted, start.seconds if start else 0.0
        ),
        "memory_mib": _told(
            cost.memory, _memory(measured, finished), size, start.memory_mib if start else 0.0
        ),
        "basis": _basis(calibration if measured else None, len(finished)),
    }


def _is_alike(one: Size, other: Size, cost: Cost) -> bool:
    """Whether the same law tells of both: of a kind, and with all figures."""
    return one.get("kind") == other.get("kind") and cost.seconds.values(one) is not None


def _seconds(measured: Sequence[Measured], finished: Sequence[Finished]) -> list[Run]:
    return [
        *(
            Run(size={**run.size, THREADS.name: 1}, cost=run.seconds, is_calibration=True)
            for run in measured
        ),
        *(
            Run(size={**job.size, THREADS.name: job.threads}, cost=job.seconds)
            for job in finished
            if job.seconds > 0
        ),
    ]


def _memory(measured: Sequence[Measured], finished: Sequence[Finished]) -> list[Run]:
    return [
        *(Run(size=run.size, cost=run.memory_mib, is_calibration=True) for run in measured),
        *(Run(size=job.size, cost=job.memory_mib) for job in finished if job.memory_mib),
    ]


def _told(law: Law, runs: Sequence[Run], size: Size, fixed: float) -> dict[str, float] | None:
    found: Range | None = predict(law, runs, size, fixed)
    return found.as_dict() if found else None


def _basis(calibration: Calibration | None, n_jobs: int) -> str:
    parts = [f"calibration of {calibration.date} on {calibration.host}"] if calibration else []
    if n_jobs:
        parts.append(f"{n_jobs} finished job{'s' if n_jobs > 1 else ''}")
    return ", ".join(parts)
