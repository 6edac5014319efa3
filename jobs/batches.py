"""Where a batch stands, told from its items. It only reads: the lifecycle does the writing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Avg, Count, F, IntegerField, Min, Prefetch, Q, QuerySet, Value, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from . import moments
from .batch_models import Batch, BatchEvent, BatchItem
from .models import Job
from .prepared import Example, Prepared
from .states import ACTIVE, FINAL, JobState

FIRST_FAILURES = 5
MANY = 1_000
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

    def stored(self) -> dict[str, Any]:
        """All that a batch which is over has to know of itself."""
        return {"states": self.states, "outcomes": self.outcomes}

    @classmethod
    def of_stored(cls, ended_as: dict[str, Any]) -> Counts:
        """In the order in which they are always told, which PostgreSQL does not keep."""
        states, outcomes = ended_as["states"], ended_as["outcomes"]
        return cls(
            states={state: states[state] for state in JobState.values},
            outcomes={outcome: outcomes[outcome] for outcome in Outcome.values},
            progress=1.0,
        )

    def as_dict(self) -> dict[str, Any]:
        return {**self.states, "refused": self.outcomes[Outcome.REFUSED]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a batch stands as of now.

    :param n_awaiting_approval: of those that are queued, how many somebody has to say yes to.
    :param over_in_s: at the pace so far of its own jobs; None where too few have ended to tell.
    """

    counts: Counts
    n_awaiting_approval: int
    over_in_s: float | None
    first_failures: list[BatchItem]


def standings(batches: Collection[Batch]) -> dict[UUID, Standing]:
    """Of one or of many, in as few queries."""
    counted = counts_of(batches)
    going = [batch for batch in batches if not batch.is_over]
    paces = _paces([each for each in going if counted[each.pk].n_ended >= ENOUGH_ENDED])
    awaited = _awaited([each for each in going if counted[each.pk].states[JobState.QUEUED]])
    failures = _first_failures([each for each in batches if counted[each.pk].states["failed"]])
    return {
        batch.pk: Standing(
            counts=counted[batch.pk],
            n_awaiting_approval=awaited.get(batch.pk, 0),
            over_in_s=_over_in_s(counted[batch.pk], *paces.get(batch.pk, (0, None))),
            first_failures=failures.get(batch.pk, []),
        )
        for batch in batches
    }


def counts(batch: Batch) -> Counts:
    return counts_of([batch])[batch.pk]


def counts_of(batches: Collection[Batch]) -> dict[UUID, Counts]:
    """As of now, in four queries at most; of those that are over, as they ended."""
    over = {each.pk: each.ended_as for each in batches if each.is_over}
    known = {pk: Counts.of_stored(ended_as) for pk, ended_as in over.items() if ended_as}
    known |= _counted_by_jobs(
        [each for each in batches if each.pk not in known and _is_plain(each)]
    )
    return known | _counted([batch.pk for batch in batches if batch.pk not in known])


def _is_plain(batch: Batch) -> bool:
    """Whether it is large, and each of its own jobs still answers the item that it was made for."""
    return batch.n_items > MANY and not _may_have_been_resumed(batch)


def _may_have_been_resumed(batch: Batch) -> bool:
    """Whether some of its jobs may answer no item any more. How often it was resumed is not known
    of a batch of before; those began after they were made."""
    return batch.n_resumed > 0 or batch.began_at > batch.created_at


def _counted_by_jobs(batches: Collection[Batch]) -> dict[UUID, Counts]:
    """By its jobs, whose states an index tells; not by a look at the row of each item's job."""
    if not batches:
        return {}
    tallies = {batch.pk: _Tally() for batch in batches}
    own = Job.objects.filter(batch__in=batches).order_by()
    running = own.filter(finished_at=None, state=JobState.RUNNING)
    means = dict(running.values_list("batch").annotate(mean=Avg("progress")))
    for batch_id, state, n in own.values_list("batch", "state").annotate(n=Count("*")):
        # One that is back in line has not begun this time, and is not looked at for how far it was.
        mean = means.get(batch_id) if state == JobState.RUNNING else 0.0
        tallies[batch_id].add(Outcome.ACCEPTED, state, n, mean)
    others = BatchItem.objects.filter(batch__in=batches).exclude(outcome=Outcome.ACCEPTED)
    rest = others.order_by().values_list("batch", "outcome", "job__state")
    for batch_id, *group in rest.annotate(n=Count("id"), mean=Avg("job__progress")):
        tallies[batch_id].add(*group)
    return {batch_id: tally.counts() for batch_id, tally in tallies.items()}


def _counted(batch_ids: Collection[UUID]) -> dict[UUID, Counts]:
    tallies = {batch_id: _Tally() for batch_id in batch_ids}
    if not tallies:
        return {}
    items = BatchItem.objects.filter(batch__in=list(tallies)).order_by()
    found = items.values_list("batch", "outcome", "job__state")
    for batch_id, *group in found.annotate(n=Count("id"), mean=Avg("job__progress")):
        tallies[batch_id].add(*group)
    return {batch_id: tally.counts() for batch_id, tally in tallies.items()}


class _Tally:
    def __init__(self) -> None:
        self._states: dict[str, int] = dict.fromkeys(JobState.values, 0)
        self._outcomes: dict[str, int] = dict.fromkeys(Outcome.values, 0)
        self._advanced = 0.0

    def add(self, outcome: str, state: str | None, n: int, mean: float | None) -> None:
        self._outcomes[outcome] += n
        if state is not None:
            self._states[state] += n
            # What has ended has no way to go, however it ended.
            self._advanced += n * (1.0 if state in FINAL else mean or 0.0)

    def counts(self) -> Counts:
        n_jobs = sum(self._states.values())
        progress = round(self._advanced / n_jobs, 6) if n_jobs else 1.0
        return Counts(states=self._states, outcomes=self._outcomes, progress=progress)


def _paces(batches: Collection[Batch]) -> dict[UUID, tuple[int, datetime | None]]:
    """How many of their own jobs have ended since they began, and when the first was started."""
    if not batches:
        return {}
    own = Job.objects.filter(batch__in=batches, queued_at__gte=F("batch__began_at")).order_by()
    ended = Count("id", filter=Q(state__in=[JobState.SUCCEEDED, JobState.FAILED]))
    told = own.values_list("batch").annotate(ended=ended, began=Min("started_at"))
    return {batch_id: (n, began) for batch_id, n, began in told}


def _over_in_s(now: Counts, n_ended: int, began: datetime | None) -> float | None:
    if began is None or n_ended < ENOUGH_ENDED:
        return None
    ran_s = (timezone.now() - began).total_seconds()
    # Not since then, by a clock that was set back: there is no pace to tell.
    return round(now.n_open * ran_s / n_ended, 1) if ran_s > 0 else None


def _awaited(batches: Collection[Batch]) -> dict[UUID, int]:
    """How many of their own jobs wait for somebody's yes."""
    if not batches:
        return {}
    own = Job.objects.awaiting_approval().filter(batch__in=batches).order_by()
    return dict(own.values_list("batch").annotate(n=Count("*")))


def _first_failures(batches: Collection[Batch]) -> dict[UUID, list[BatchItem]]:
    if not batches:
        return {}
    found: dict[UUID, list[BatchItem]] = {batch.pk: [] for batch in batches}
    failed = BatchItem.objects.filter(batch__in=list(found), job__state=JobState.FAILED)
    rank = Window(RowNumber(), partition_by="batch", order_by="index")
    first = failed.annotate(rank=rank).filter(rank__lte=FIRST_FAILURES).order_by("index")
    for item in first.select_related("job"):
        found[item.batch_id].append(item)
    return found


@dataclass(frozen=True, slots=True)
class Member:
    """One item at a glance: where it stands, and one figure of its summary."""

    index: int
    outcome: str
    state: str | None
    value: Any


def members(batch: Batch, figure: str) -> list[Member]:
    """All items in order, in one query that reads nothing large.

    :param figure: a field of the summaries; empty for none.
    """
    value = f"job__summary__{figure}" if figure else Value(None, IntegerField())
    found = batch.items.order_by("index").values_list("index", "outcome", "job__state", value)
    return [Member(*row) for row in found.iterator(chunk_size=2000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Items of a batch that failed in the same way, the first of them, and how many there are."""

    kind: str
    count: int
    first: list[BatchItem]


def failures_by_kind(batch: Batch) -> list[Failures]:
    """The most frequent first, in one query."""
    failed = batch.items.filter(job__state=JobState.FAILED)
    told = failed.annotate(
        rank=Window(RowNumber(), partition_by="job__failure_kind", order_by="index"),
        count=Window(Count("id"), partition_by="job__failure_kind"),
    )
    groups: dict[str, Failures] = {}
    for item in told.filter(rank__lte=FIRST_FAILURES).select_related("job").order_by("index"):
        assert item.job is not None  # only a job fails
        kind = item.job.failure_kind
        groups.setdefault(kind, Failures(kind=kind, count=item.count, first=[])).first.append(item)
    return sorted(groups.values(), key=lambda group: -group.count)


def items_at(batch: Batch, indexes: Collection[int]) -> dict[int, BatchItem]:
    """These items with their jobs, of what is large only what they are about."""
    large = [f"job__{name}" for name in (*NOT_SHOWN, "result") if name != "structure"]
    found = batch.items.filter(index__in=list(indexes)).select_related("job").defer(*large)
    return {item.index: item for item in found}


def standing(batch: Batch) -> str:
    if batch.is_over:
        if batch.stopped_at:
            return "stopped"
        return "cancelled" if batch.cancel_requested_at else "finished"
    return "cancelling" if batch.cancel_requested_at else "running"


OPEN = Prepared(
    lambda batch: (
        Job.objects.unfinished(*ACTIVE).filter(batch=batch).order_by().values_list("pk")[:1]
    ),
    batch=Example.ID,
)
REUSED_OPEN = Prepared(
    lambda batch: (
        BatchItem.objects.filter(batch=batch, outcome=Outcome.REUSED, job__finished_at=None)
        .order_by()
        .values_list("pk")[:1]
    ),
    batch=Example.ID,
)


def has_open(batch: Batch) -> bool:
    """Whether any of its jobs is on its way, another's that answers one of its items included."""
    return bool(OPEN.rows(batch=batch.pk) or REUSED_OPEN.rows(batch=batch.pk))


def n_failed(batch: Batch) -> int:
    """Of its own jobs, since it was submitted or last resumed."""
    failed = Job.objects.filter(batch=batch, state=JobState.FAILED)
    if _may_have_been_resumed(batch):
        failed = failed.filter(finished_at__gte=batch.began_at)
    return failed.count()


def items_after(batch: Batch, index: int, limit: int, **only: Any) -> list[BatchItem]:
    """The items that follow that index, with their jobs but without what is large in these."""
    large = [f"job__{name}" for name in (*NOT_SHOWN, "result")]
    found = batch.items.filter(index__gt=index, **only).select_related("job").defer(*large)
    return list(found.order_by("index")[:limit])


def items_with_input(batch: Batch, index: int, limit: int) -> list[BatchItem]:
    """The items that follow that index, with what their jobs were given and how they ended."""
    large = [name for name in NOT_SHOWN if name != "params"]
    jobs = Job.objects.defer(*large, "result")
    found = batch.items.filter(index__gt=index).prefetch_related(Prefetch("job", jobs))
    return list(found.order_by("index")[:limit])


def is_any_stopped(batch: Batch, kinds: Collection[str]) -> bool:
    """Whether the job of some item ended in one of these ways."""
    ended = [JobState.FAILED, JobState.CANCELLED]
    return batch.items.filter(job__state__in=ended, job__failure_kind__in=kinds).exists()


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
