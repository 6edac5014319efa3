"""The jobs in numbers, for Prometheus: counted from the tables whenever they are asked for.

So they are the same whichever web process answers, and no restart sets a counter back.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import accumulate
from typing import Any

from django.db.models import (
    Case,
    Count,
    F,
    FloatField,
    Func,
    IntegerField,
    Min,
    Q,
    Sum,
    Value,
    When,
)
from django.utils import timezone
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from .line import AsOf, due
from .models import Attempt, Job
from .states import NO_WORD, JobState
from .webhook_models import WebhookDelivery

BUCKETS_S = (1, 3, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600)
OVER = len(BUCKETS_S)
NEVER_RAN = -1


class Seconds(Func):
    """From the first moment to the second one, by the database itself."""

    output_field = FloatField()
    template = "EXTRACT(EPOCH FROM (%(expressions)s))"
    arg_joiner = " - "

    def __init__(self, start: str, end: str) -> None:
        super().__init__(F(end), F(start))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # Django's own difference calls back into Python for each row.
        end, start = (compiler.compile(each) for each in self.get_source_expressions())
        sql = f"((julianday({end[0]}) - julianday({start[0]})) * 86400.0)"
        return sql, (*end[1], *start[1])


class JobsCollector:
    """Four queries, whatever the number of jobs; the past is read from an index alone."""

    def collect(self) -> Iterator[Metric]:
        yield from _active()
        yield from _ended()
        yield from _attempts()
        yield from _webhooks()


def _active() -> Iterator[Metric]:
    at = AsOf.current()
    silent = Q(state=JobState.RUNNING, lease_expires_at__lt=at.now)
    rows = list(
        Job.objects.filter(finished_at=None)
        .order_by()
        .values("state", "reason")
        .annotate(
            n=Count("pk"), oldest=Min("queued_at", filter=due(at)), silent=Count("pk", silent)
        )
    )
    waiting = GaugeMetricFamily(
        "backplane_jobs_waiting", "Jobs that wait, by reason.", labels=["reason"]
    )
    for row in rows:
        if row["state"] == JobState.QUEUED:
            waiting.add_metric([row["reason"]], row["n"])
    yield waiting
    running = [row for row in rows if row["state"] == JobState.RUNNING]
    yield _gauge("backplane_jobs_running", "Jobs that run.", sum(row["n"] for row in running))
    yield _gauge(
        "backplane_jobs_silent",
        "Jobs that run by name, their lease over and not yet taken from them.",
        sum(row["silent"] for row in running),
    )
    yield _gauge(
        "backplane_oldest_waiting_seconds",
        "How long the longest has waited of those that may start; 0 if none does.",
        _age_s([row["oldest"] for row in rows if row["state"] == JobState.QUEUED], at.now),
    )


def _age_s(moments: list[datetime | None], now: datetime) -> float:
    oldest = min((moment for moment in moments if moment), default=now)
    return max((now - oldest).total_seconds(), 0)


def _ended() -> Iterator[Metric]:
    """How jobs ended, why those failed that did, and how long they took from their start."""
    took_s = Seconds("started_at", "finished_at")
    whens = [When(took_s__lte=bound, then=Value(at)) for at, bound in enumerate(BUCKETS_S)]
    never = When(started_at=None, then=Value(NEVER_RAN))
    rows = (
        Job.objects.filter(finished_at__isnull=False)
        .order_by()
        .annotate(took_s=took_s)
        .annotate(bucket=Case(never, *whens, default=Value(OVER), output_field=IntegerField()))
        .values("simulation", "state", "failure_kind", "bucket")
        .annotate(n=Count("*"), sum_s=Sum("took_s"))
    )
    ended = CounterMetricFamily(
        "backplane_jobs_ended",
        "Jobs that ended, by how and why.",
        labels=["simulation", "state", "failure_kind"],
    )
    took = HistogramMetricFamily(
        "backplane_job_duration_seconds",
        "From a job's first start to its end.",
        labels=["simulation", "state"],
    )
    totals: Counter[tuple[str, str, str]] = Counter()
    histograms: dict[tuple[str, str], Histogram] = defaultdict(Histogram)
    for row in rows:
        simulation, state, bucket = row["simulation"], row["state"], row["bucket"]
        totals[simulation, state, row["failure_kind"]] += row["n"]
        if bucket != NEVER_RAN:
            histograms[simulation, state].add(bucket, row["n"], row["sum_s"])
    for named, n in sorted(totals.items()):
        ended.add_metric(named, n)
    for of, histogram in sorted(histograms.items()):
        took.add_metric(of, histogram.cumulative(), histogram.sum_s)
    yield ended
    yield took


class Histogram:
    def __init__(self) -> None:
        self.sum_s = 0.0
        self._counts = [0] * (OVER + 1)

    def add(self, bucket: int, n: int, sum_s: float) -> None:
        self._counts[bucket] += n
        self.sum_s += sum_s

    def cumulative(self) -> list[tuple[str, float]]:
        bounds = [*(str(float(bound)) for bound in BUCKETS_S), "+Inf"]
        return list(zip(bounds, accumulate(self._counts), strict=True))


def _attempts() -> Iterator[Metric]:
    rows = (
        Attempt.objects.exclude(outcome="")
        .order_by()
        .values("outcome", "failure_kind")
        .annotate(n=Count("pk"), expired=Count("pk", filter=Q(evidence__startswith=NO_WORD)))
    )
    ended = CounterMetricFamily(
        "backplane_attempts_ended",
        "Attempts that ended; `requeued` are those after which the job was tried again.",
        labels=["outcome", "failure_kind"],
    )
    expired = 0
    for row in rows:
        ended.add_metric([row["outcome"], row["failure_kind"]], row["n"])
        expired += row["expired"]
    yield ended
    told = "Attempts that were taken from a worker which had gone silent."
    yield CounterMetricFamily("backplane_leases_expired", told, value=expired)


def _webhooks() -> Iterator[Metric]:
    now = timezone.now()
    waiting = WebhookDelivery.objects.filter(next_at__isnull=False)
    found = waiting.aggregate(n=Count("pk"), oldest=Min("next_at"))
    yield _gauge("backplane_webhooks_waiting", "Webhooks that are still to arrive.", found["n"])
    yield _gauge(
        "backplane_webhooks_overdue_seconds",
        "For how long the next one should have been sent; 0 if none is due.",
        _age_s([found["oldest"]], now),
    )


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=value)
