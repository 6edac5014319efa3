"""When a waiting job may start: what runs and what goes before it, by their estimates.

Only where every one of them has an estimate: a forecast that leaves out what it does not know
would be a guess.
"""

from __future__ import annotations

import heapq
from itertools import chain
from typing import Any

from django.utils import timezone

from . import turns
from .models import Job
from .states import JobState

LONGEST_LINE = 200
"""Further back than that a forecast says nothing."""
QUANTILES = ("p10", "p50", "p90")


def starts_in_s(job: Job) -> dict[str, float] | None:
    """Seconds until the job starts, as p10, p50 and p90. None where history supports none."""
    if job.state != JobState.QUEUED or turns.place(job) > LONGEST_LINE:
        return None
    running = list(Job.objects.unfinished(JobState.RUNNING).filter(backend=job.backend))
    if not running or not all(map(_seconds, running)):
        return None
    ahead = _ahead(job)
    if not all(map(_seconds, ahead)):
        return None
    return {name: _until_free(running, ahead, name) for name in QUANTILES}


def _ahead(job: Job) -> list[Job]:
    """The owner's own before it, and as many of every other user."""
    own = list(turns.ahead_of(job))
    line = turns.waiting(job.backend).order_by(*turns.NEXT_FIRST).defer("params", "structure")
    owners = line.exclude(owner=job.owner_id).order_by().values_list("owner", flat=True).distinct()
    # Of a line of thousands only what counts is read.
    theirs = (line.filter(owner=owner)[: len(own) + 1] for owner in owners)
    return [*own, *chain.from_iterable(theirs)]


def _until_free(running: list[Job], ahead: list[Job], quantile: str) -> float:
    """As many workers as jobs run; each takes the next one as soon as it is free."""
    free_in = [_remaining_s(job, quantile) for job in running]
    heapq.heapify(free_in)
    for job in ahead:
        heapq.heapreplace(free_in, free_in[0] + _seconds(job)[quantile])
    return round(free_in[0], 1)


def _remaining_s(job: Job, quantile: str) -> float:
    if job.started_at is None:
        return _seconds(job)[quantile]
    passed_s = (timezone.now() - job.started_at).total_seconds()
    return max(_seconds(job)[quantile] - passed_s, 0.0)


def _seconds(job: Job) -> dict[str, Any]:
    return (job.estimate or {}).get("seconds") or {}
