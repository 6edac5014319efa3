"""When a waiting job may start: what runs and what goes before it, by their estimates.

Only where every one of them has an estimate, and has not outrun it: a forecast that leaves out
what it does not know would be a guess.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from simulations.costs.remaining import QUANTILES, remaining_s

from . import census, maintenance, turns
from .line import owner_by_owner
from .models import Job
from .prepared import Example, Prepared, as_json, as_moment
from .states import JobState, Reason
from .turns import Standing, Waiting

LONGEST_LINE = 200
"""Further back than that a forecast says nothing."""
FEW_OWNERS = 20
Seconds = dict[str, float]
Seen = tuple[UUID, int]


class Outlook:
    """What is told of jobs that wait, looked at once however often and of however many it is told.

    :param jobs: those that will be asked for, so that they are looked at together.
    """

    def __init__(self, jobs: Iterable[Job] = ()) -> None:
        self._to_come = list(jobs)
        self._seen: dict[Seen, tuple[Waiting | None, Seconds | None]] = {}

    def why(self, job: Job) -> Waiting | None:
        """Why it waits. None: it does not."""
        return self._of(job)[0]

    def starts_in_s(self, job: Job) -> Seconds | None:
        """Seconds until it starts, as p10, p50 and p90. None where history supports none."""
        return self._of(job)[1]

    def _of(self, job: Job) -> tuple[Waiting | None, Seconds | None]:
        if _seen_as(job) not in self._seen:
            self._look_at({job.pk: job for job in [*self._to_come, job]})
            self._to_come = []
        return self._seen[_seen_as(job)]

    def _look_at(self, jobs: Mapping[UUID, Job]) -> None:
        why = turns.explain_each(jobs.values())
        # Whoever waits for jobs of their own to end does not take the next worker that is free;
        # and one that no worker can serve takes none.
        in_line = {pk: each for pk, each in why.items() if each.reason != Reason.QUOTA}
        starts = starts_in_s_each(
            {pk: each.standing for pk, each in in_line.items() if each.standing}, jobs
        )
        for pk, job in jobs.items():
            self._seen[_seen_as(job)] = (why.get(pk), starts.get(pk))


class InsideLock(Outlook):
    """Told while others wait for us: nobody looks at a line of thousands then."""

    def _look_at(self, jobs: Mapping[UUID, Job]) -> None:
        for job in jobs.values():
            reason = Reason(job.reason or Reason.NO_FREE_WORKER)
            waits = Waiting(reason=str(reason), text=str(reason.label))
            is_queued = job.state == JobState.QUEUED
            self._seen[_seen_as(job)] = (waits if is_queued else None, None)


def _seen_as(job: Job) -> Seen:
    return job.pk, job.last_seq


def starts_in_s(job: Job, standing: Standing | None = None) -> Seconds | None:
    """Seconds until the job starts, were it in line. None where history supports none."""
    if job.state != JobState.QUEUED:
        return None
    standing = standing or turns.standing_of(job)
    return starts_in_s_each({job.pk: standing}, {job.pk: job}).get(job.pk)


def starts_in_s_each(
    standings: Mapping[UUID, Standing], jobs: Mapping[UUID, Job]
) -> dict[UUID, Seconds]:
    """By three queries a backend, however many there are. What is not known is left out."""
    if not standings or maintenance.told().resting:
        return {}
    near = {pk: each for pk, each in standings.items() if each.place <= LONGEST_LINE}
    found = {}
    for backend in {jobs[pk].backend for pk in near}:
        some = {pk: each for pk, each in near.items() if jobs[pk].backend == backend}
        free_in = [_remaining_s(*each) for each in _running(backend)]
        if not free_in or not all(free_in):
            continue
        owners = {jobs[pk].owner_id for pk in some}
        lines = _lines(backend, 1 + max(each.own_ahead for each in some.values()), owners)
        for pk, standing in some.items():
            ahead = [_seconds(each) for each in _ahead(lines, jobs[pk].owner_id, standing)]
            if all(ahead):
                found[pk] = {name: _until_free(free_in, ahead, name) for name in QUANTILES}
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Draining:
    """When all that runs will have ended.

    :param seconds: as p10, p50 and p90. None: of some that run nobody knows how long they take.
    """

    n_running: int
    n_unknown: int
    seconds: Seconds | None


def until_drained() -> Draining:
    """By the estimates of what runs; of one that is past its estimate nobody knows."""
    running = Job.objects.unfinished(JobState.RUNNING).values_list("estimate", "started_at")
    found = [_remaining_s(*each) for each in running]
    unknown = sum(1 for each in found if not each)
    seconds = None
    if not unknown:
        seconds = {q: round(max((each[q] for each in found), default=0.0), 1) for q in QUANTILES}
    return Draining(n_running=len(found), n_unknown=unknown, seconds=seconds)


def _running(backend: str) -> list[tuple[Any, Any]]:
    """The estimate of each that runs, and since when it does."""
    return [(as_json(estimate), as_moment(at)) for estimate, at in RUNNING.rows(backend=backend)]


def _running_on(backend: str) -> QuerySet[Any, Any]:
    running = Job.objects.unfinished(JobState.RUNNING).filter(backend=backend)
    return running.values_list("estimate", "started_at")


RUNNING = Prepared(_running_on, backend=Example.BACKEND)


def _lines(backend: str, most: int, asking: Collection[int]) -> dict[int, list[Any]]:
    """The estimates of what goes first of each user: of a line of thousands only what counts.

    :param asking: owners who are among them, though they came after it was looked through.
    """
    known = census.known(backend)
    owners = {*(known or census.line_of(backend)).n_waiting, *asking}
    # To compose the query for all of them takes as long as to ask of some dozens.
    if known or len(owners) <= FEW_OWNERS:
        return {owner: _first_of(backend, owner)[:most] for owner in owners}
    everybody_s = owner_by_owner(turns.waiting(backend))
    line: Any = census.numbered(everybody_s).filter(number__lte=most)
    lines: dict[int, list[Any]] = {}
    for owner, estimate in line.order_by("owner", "number").values_list("owner", "estimate"):
        lines.setdefault(owner, []).append(estimate)
    return lines


def _first_of(backend: str, owner_id: int) -> list[Any]:
    return [as_json(each) for each in turns.first_of(backend, owner_id, "estimate", LONGEST_LINE)]


def _ahead(lines: Mapping[int, list[Any]], owner_id: int, standing: Standing) -> list[Any]:
    """The owner's own before it, and as many of every other user."""
    own = lines.get(owner_id, [])[: standing.own_ahead]
    others = (line for owner, line in lines.items() if owner != owner_id)
    return [*own, *chain.from_iterable(line[: standing.own_ahead + 1] for line in others)]


def _until_free(running: Sequence[Seconds], ahead: Sequence[Seconds], quantile: str) -> float:
    """As many workers as jobs run; each takes the next one as soon as it is free."""
    free_in = [seconds[quantile] for seconds in running]
    heapq.heapify(free_in)
    for seconds in ahead:
        heapq.heapreplace(free_in, free_in[0] + seconds[quantile])
    return round(free_in[0], 1)


def _remaining_s(estimate: Any, started_at: datetime | None) -> Seconds:
    """Empty where nothing tells."""
    expected = _seconds(estimate)
    ran_s = (timezone.now() - started_at).total_seconds() if started_at else 0.0
    return (remaining_s(expected, ran_s) if expected else None) or {}


def _seconds(estimate: Any) -> Seconds:
    return (estimate or {}).get("seconds") or {}
