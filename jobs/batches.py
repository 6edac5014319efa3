"""Where a batch stands, told from its items. It only reads: the lifecycle does the writing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, Min, QuerySet
from django.utils import timezone

from . import moments
from .batch_models import Batch, BatchEvent, BatchItem
from .models import Job
from .states import ACTIVE, FINAL, JobState

FIRST_FAILURES = 5
ENOUGH_ENDED = 5
"""Fewer say nothing about the pace."""
ROWS_AT_ONCE = 200
NOT_SHOWN = ("params", "structure", "notes", "estimate", "metrics", "provenance", "methods")
Outcome = BatchItem.Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many items stand where. A refused one has no job.

    :param progress: of all jobs, the mean.
    """

    states: dict[str, int]
    outcomes: dict[str, int]
    progress: float

    @property
    def n_open(self) -> int:
        return sum(self.states[state] for state in ACTIVE)

    @property
    def n_ended(self) -> int:
        return sum(self.states[state] for state in FINAL)

    def as_dict(self) -> dict[str, Any]:
        return {**self.states, "refused": self.outcomes[Outcome.REFUSED]}


def counts(batch: Batch) -> Counts:
    """As of now, in one query."""
    states: dict[str, int] = dict.fromkeys(JobState.values, 0)
    outcomes: dict[str, int] = dict.fromkeys(Outcome.values, 0)
    advanced, n_jobs = 0.0, 0
    found = batch.items.order_by().values_list("outcome", "job__state")
    for outcome, state, n, mean in found.annotate(n=Count("id"), mean=Avg("job__progress")):
        outcomes[outcome] += n
        if state is not None:
            states[state] += n
            n_jobs += n
            # What has ended has no way to go, however it ended.
            advanced += n * (1.0 if state in FINAL else mean)
    return Counts(
        states=states, outcomes=outcomes, progress=round(advanced / n_jobs, 6) if n_jobs else 1.0
    )


def standing(batch: Batch) -> str:
    if batch.is_over:
        if batch.stopped_at:
            return "stopped"
        return "cancelled" if batch.cancel_requested_at else "finished"
    return "cancelling" if batch.cancel_requested_at else "running"


def has_open(batch: Batch) -> bool:
    """Whether any of its jobs is on its way, another's that answers one of its items included."""
    if Job.objects.unfinished(*ACTIVE).filter(batch=batch).exists():
        return True
    return batch.items.filter(outcome=Outcome.REUSED, job__finished_at=None).exists()


def n_failed(batch: Batch) -> int:
    """Of its own jobs, since it was submitted or last resumed."""
    failed = Job.objects.filter(batch=batch, state=JobState.FAILED)
    return failed.filter(finished_at__gte=batch.began_at).count()


def first_failures(batch: Batch) -> list[BatchItem]:
    failed = batch.items.filter(job__state=JobState.FAILED).select_related("job")
    return list(failed.order_by("index")[:FIRST_FAILURES])


def over_in_s(batch: Batch, now: Counts) -> float | None:
    """At the pace so far of its own jobs; None where too few of them have ended to tell."""
    own = Job.objects.filter(batch=batch, queued_at__gte=batch.began_at)
    ended = own.filter(state__in=[JobState.SUCCEEDED, JobState.FAILED]).count()
    began = own.aggregate(at=Min("started_at"))["at"]
    if batch.is_over or began is None or ended < ENOUGH_ENDED:
        return None
    return round(now.n_open * (timezone.now() - began).total_seconds() / ended, 1)


def items_after(batch: Batch, index: int, limit: int, **only: Any) -> list[BatchItem]:
    """The items that follow that index, with their jobs but without what is large in these."""
    large = [f"job__{name}" for name in (*NOT_SHOWN, "result")]
    found = batch.items.filter(index__gt=index, **only).select_related("job").defer(*large)
    return list(found.order_by("index")[:limit])


def items_with_input(batch: Batch, index: int, limit: int) -> list[BatchItem]:
    """The items that follow that index, with what their jobs were given and how they ended."""
    large = [f"job__{name}" for name in NOT_SHOWN if name != "params"]
    found = batch.items.filter(index__gt=index).select_related("job").defer(*large, "job__result")
    return list(found.order_by("index")[:limit])


def n_stopped(batch: Batch, kinds: Collection[str]) -> int:
    """Items whose jobs ended in one of these ways."""
    ended = [JobState.FAILED, JobState.CANCELLED]
    return batch.items.filter(job__state__in=ended, job__failure_kind__in=kinds).count()


def items_with_results(batch: Batch) -> Iterator[BatchItem]:
    """Every item in order, a portion at a time: however many there are, few are in memory."""
    at = -1
    while some := _portion(batch, at):
        yield from some
        at = some[-1].index


def _portion(batch: Batch, index: int) -> list[BatchItem]:
    found: QuerySet[BatchItem] = batch.items.filter(index__gt=index).select_related("job")
    return list(found.order_by("index")[:ROWS_AT_ONCE])


def events_after(batch: Batch, seq: int, limit: int) -> list[BatchEvent]:
    return list(batch.events.filter(seq__gt=seq).order_by("seq")[:limit])


def event_to_wire(event: BatchEvent) -> dict[str, Any]:
    return {"seq": event.seq, "kind": event.kind, "at": moments.written(event.at), **event.data}
