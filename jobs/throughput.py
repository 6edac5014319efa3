"""How it goes, for the operators' screen: what waits, runs and ended of late.

Each by one query that looks at what is open, or at the index of what ended lately; never at all
the jobs there ever were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Func, IntegerField, Max, Min, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from .models import Attempt, Job
from .states import FINAL, FailureKind, JobState, Reason
from .webhook_models import WebhookDelivery

QUARTER_S = 900
N_QUARTERS = 16
FAILURES_OF = timedelta(hours=24)
HELD_BACK = frozenset({Reason.AWAITING_APPROVAL, Reason.BACKING_OFF})
"""Who waits for that is not slow to be served."""


class Quarter(Func):
    """The number of its quarter of an hour, counted from 1970, by the database itself."""

    output_field = IntegerField()
    template = f"CAST(FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / {QUARTER_S}) AS integer)"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # A percent sign, after two who take it for theirs.
        seconds = "CAST(strftime('%%%%s', %(expressions)s) AS integer)"
        return self.as_sql(compiler, connection, template=f"{seconds} / {QUARTER_S}", **context)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """:param oldest: since when the first of them waits."""

    reason: str
    label: str
    n: int
    oldest: datetime

    @property
    def is_held_back(self) -> bool:
        return self.reason in HELD_BACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """A quarter of an hour; the last one is not over.

    :param ended: how many by their final state.
    """

    at: datetime
    started: int
    ended: Counter[str]

    @property
    def succeeded(self) -> int:
        return self.ended[JobState.SUCCEEDED]

    @property
    def failed(self) -> int:
        return self.ended[JobState.FAILED]

    @property
    def cancelled(self) -> int:
        return self.ended[JobState.CANCELLED]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Of one kind, and the newest of them to look at."""

    kind: str
    label: str
    n: int
    example: Job | None

    @property
    def detail(self) -> str:
        error = (self.example.error if self.example else None) or {}
        return str(error.get("detail", ""))[:300]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A job at work, and who works at it."""

    job_id: UUID
    simulation: str
    owner: str
    worker: str
    host: str
    done: float
    started_at: datetime
    heartbeat_at: datetime | None
    lease: datetime | None

    @property
    def is_silent(self) -> bool:
        return self.lease is not None and self.lease < timezone.now()


@dataclass(frozen=True, slots=True, kw_only=True)
class LastEnd:
    at: datetime
    job_id: UUID


def waiting() -> list[Waiting]:
    """By what they wait for, the most first."""
    rows = (
        Job.objects.unfinished(JobState.QUEUED)
        .order_by()
        .values("reason")
        .annotate(n=Count("*"), oldest=Min("queued_at"))
    )
    found = [Waiting(label=_label(row["reason"]), **row) for row in rows]
    return sorted(found, key=lambda each: -each.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What waits and runs of one queue of a backend.

    :param oldest: since when the first of those waits that nothing holds back.
    """

    backend: str
    queue: str
    n_waiting: int
    n_running: int
    oldest: datetime | None


def lines() -> list[Line]:
    """By backend and queue; those in which nothing is have none."""
    waits, runs = Q(state=JobState.QUEUED), Q(state=JobState.RUNNING)
    rows = (
        Job.objects.unfinished(JobState.QUEUED, JobState.RUNNING)
        .order_by()
        .values("backend", "queue")
        .annotate(
            n_waiting=Count("id", filter=waits),
            n_running=Count("id", filter=runs),
            oldest=Min("queued_at", filter=waits & ~Q(reason__in=HELD_BACK)),
        )
    )
    return [Line(**row) for row in rows.order_by("backend", "queue")]


def _label(reason: str) -> str:
    return str(Reason(reason).label) if reason else "Waiting for a worker"


def running() -> list[Running]:
    """By the attempt that runs, the longest first."""
    rows = (
        Attempt.objects.filter(
            job__finished_at=None, job__state=JobState.RUNNING, number=F("job__attempt")
        )
        .order_by("started_at", "id")
        .values(
            "job_id", "worker", "host", "started_at", "heartbeat_at",
            simulation=F("job__simulation"), owner=F("job__owner__username"),
            done=F("job__progress"), lease=F("job__lease_expires_at"),
        )
    )  # fmt: skip
    return [Running(**row) for row in rows]


def lately() -> list[Lately]:
    """The last quarters of an hour, oldest first."""
    now = int(timezone.now().timestamp()) // QUARTER_S
    first = now - N_QUARTERS + 1
    since = _moment(first)
    started, ended = _started(since), _ended(since)
    return [
        Lately(at=_moment(number), started=started[number], ended=ended.get(number, Counter()))
        for number in range(first, now + 1)
    ]


def _moment(number: int) -> datetime:
    return datetime.fromtimestamp(number * QUARTER_S, UTC)


def _started(since: datetime) -> Counter[int]:
    rows = Attempt.objects.filter(started_at__gte=since).order_by()
    counted = rows.annotate(quarter=Quarter("started_at")).values("quarter").annotate(n=Count("*"))
    return Counter(dict(counted.values_list("quarter", "n")))


def _ended(since: datetime) -> dict[int, Counter[str]]:
    rows = Job.objects.filter(finished_at__isnull=False, finished_at__gte=since).order_by()
    # Grouped by nothing that has an index of its own: SQLite would go through all of that.
    counts = {str(state): Count("state", filter=Q(state=state)) for state in FINAL}
    quarters: Any = (
        rows.annotate(quarter=Quarter("finished_at")).values("quarter").annotate(**counts)
    )
    return {row["quarter"]: Counter({name: row[name] for name in counts}) for row in quarters}


def failures() -> list[Failures]:
    """Of the last day, by kind, the most first."""
    since = timezone.now() - FAILURES_OF
    failed = Job.objects.filter(
        finished_at__isnull=False, finished_at__gte=since, state=JobState.FAILED
    ).order_by()
    # No column but an expression, for the same reason.
    kinds = failed.annotate(kind=Coalesce("failure_kind", Value(""))).values_list("kind")
    rows = list(kinds.annotate(n=Count("*"), newest=Max("finished_at")))
    examples = dict(_examples([newest for _, _, newest in rows]))
    found = [
        Failures(kind=kind, label=str(FailureKind(kind).label), n=n, example=examples.get(kind))
        for kind, n, _ in rows
    ]
    return sorted(found, key=lambda each: -each.n)


def _examples(moments: list[datetime]) -> Iterator[tuple[str, Job]]:
    if moments:
        jobs = Job.objects.filter(
            finished_at__isnull=False, finished_at__in=moments, state=JobState.FAILED
        )
        for job in jobs.only("name", "simulation", "formula", "failure_kind", "error"):
            yield job.failure_kind, job


def n_ended_since(moment: datetime) -> int:
    return Job.objects.filter(finished_at__isnull=False, finished_at__gte=moment).count()


def last_end() -> LastEnd | None:
    ended = Job.objects.filter(finished_at__isnull=False).order_by("-finished_at")
    newest = ended.values_list("finished_at", "pk").first()
    return LastEnd(at=newest[0], job_id=newest[1]) if newest else None  # type: ignore[arg-type]


def webhooks_due() -> tuple[int, datetime | None]:
    """How many are still to be sent, and when the next one should be."""
    due = WebhookDelivery.objects.filter(next_at__isnull=False).order_by()
    found = due.aggregate(n=Count("pk"), oldest=Min("next_at"))
    return found["n"], found["oldest"]
