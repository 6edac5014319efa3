"""What is asked again and again costs by what is open, not by all that ever was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from jobs import keys, lifecycle, outlook, throughput
from jobs.batch_models import Batch, BatchItem
from jobs.lifecycle.storing import insert_all
from jobs.models import Allowance, Attempt, Job
from jobs.reconciler import Reconciler
from jobs.states import JobState, Priority, Scope

N_FINAL = 50_000
N_QUEUED = 950
N_RUNNING = 50
IN_A_BATCH = 100
MOST_ROWS = 3 * (N_QUEUED + N_RUNNING)
LARGE = re.compile(r"jobs_(job|attempt|batchitem|batch|jobevent|idempotencykey)\b|\b[UWVT]\d\b")
OPEN = re.compile(
    r"USING (COVERING )?INDEX (job_line|job_not_ended|job_by_reason|job_of_key|batch_open)\b"
    r"|^SEARCH .* INDEX (job_ended_lately|attempt_started|webhook_due)\b"
    r"|^SEARCH .*\((id|job_id|batch_id|key_id)=\?|^SCAN V0$|^SEARCH .* PRIMARY KEY"
)
"""Steps of a plan that go through no more than is open, or one row or batch; V0 are the keys."""


@pytest.fixture
def years(db: None, alice: Any, bob: Any) -> None:
    """A site of years: nearly all that it knows is over."""
    now = timezone.now()
    users = [alice, bob, *(get_user_model().objects.create_user(f"user{n}") for n in range(8))]
    Allowance.objects.bulk_create(Allowance(user=user) for user in users)
    limited, _ = keys.issue(owner=alice, name="few", scopes=[Scope.SUBMIT], max_running=2)
    batches = [
        Batch(owner=users[n % 10], n_items=IN_A_BATCH, finished_at=None if n % 50 == 0 else now)
        for n in range(N_FINAL // IN_A_BATCH)
    ]
    Batch.objects.bulk_create(batches)

    def job(n: int, state: JobState, **columns: Any) -> Job:
        owner = users[n % 10]
        return Job(
            owner=owner,
            simulation="demo.sum_squares",
            params={"n": n},
            wall_time_limit_s=60,
            state=state,
            key=limited if owner == alice and n % 20 else None,
            priority=Priority(n % 3 - 1),
            queued_at=now - timedelta(minutes=n + 1),
            created_at=now - timedelta(minutes=n + 1),
            estimate={"seconds": {"p10": 1.0, "p50": 2.0, "p90": 3.0}},
            **columns,
        )

    final = [
        job(n, JobState.SUCCEEDED, batch=batches[n // IN_A_BATCH], finished_at=now)
        for n in range(N_FINAL)
    ]
    running = [
        job(n, JobState.RUNNING, lease_expires_at=now, started_at=now) for n in range(N_RUNNING)
    ]
    queued = [
        job(n, JobState.QUEUED, batch=batches[n % 10 * 50], reason="queue_unreachable")
        for n in range(N_QUEUED)
    ]
    insert_all(Job, [*final, *running, *queued])
    insert_all(
        Attempt,
        [
            Attempt(job=job, number=1, backend="rq", ended_at=job.finished_at)
            for job in [*final, *running]
        ],
    )
    insert_all(
        BatchItem,
        [
            BatchItem(batch=job.batch, index=n, outcome="accepted", job=job)
            for n, job in enumerate([*final, *queued])
        ],
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@contextmanager
def asked() -> Iterator[dict[str, Any]]:
    """What is asked of the database meanwhile, with what was put in last."""
    found: dict[str, Any] = {}

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT"):
            found[sql] = params
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


def visited(sql: str, params: Any) -> list[str]:
    """Whatever the query would go through that is of all that ever was."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
            steps = [str(row[3]) for row in cursor.fetchall()]
            return [step for step in steps if LARGE.search(step) and not OPEN.search(step)]
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
        return [
            f"{node['Node Type']} of {n} rows of {node['Relation Name']}"
            for node in _nodes(cursor.fetchone()[0][0]["Plan"])
            if LARGE.search(node.get("Relation Name", "")) and (n := _n_rows(node)) > MOST_ROWS
        ]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def _n_rows(node: dict[str, Any]) -> int:
    removed = node.get("Rows Removed by Filter", 0)
    removed += node.get("Rows Removed by Index Recheck", 0)
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])


@pytest.mark.slow
def test_what_is_asked_again_and_again_costs_by_what_is_open(redis: Any, years: None) -> None:
    reconciler = Reconciler()

    with asked() as queries:
        reconciler.look()
        reconciler.look()
        lifecycle.take_next("rq", worker="w", host="h", pid=1)
        jobs = list(Job.objects.filter(finished_at=None).order_by("queued_at")[:50])
        seen = outlook.Outlook(jobs)
        assert any(seen.why(job) for job in jobs)

    assert len(queries) > 15
    told = {sql: steps for sql, params in queries.items() if (steps := visited(sql, params))}
    assert not told


@pytest.mark.slow
def test_the_operators_screen_costs_by_what_is_open_and_what_ended_lately(years: None) -> None:
    long_ago = timezone.now() - timedelta(days=30)
    Job.objects.filter(finished_at__isnull=False).update(finished_at=long_ago)
    Attempt.objects.update(started_at=long_ago)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    with asked() as queries:
        throughput.waiting()
        throughput.running()
        throughput.lately()
        throughput.failures()
        throughput.last_end()
        throughput.webhooks_due()
        throughput.n_ended_since(timezone.now() - timedelta(hours=1))

    assert len(queries) >= 7
    told = {sql: steps for sql, params in queries.items() if (steps := visited(sql, params))}
    assert not told
