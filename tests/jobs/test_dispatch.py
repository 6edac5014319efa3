"""The outbox: what is queued reaches a real Redis once, or waits in the database until it can."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django_rq
import pytest
from django.utils import timezone
from redis.exceptions import RedisError
from rq.executions import Execution
from rq.registry import ScheduledJobRegistry

from jobs import dispatch, lifecycle
from jobs.dispatch import rq as rq_backend
from jobs.models import Job
from jobs.reconciler import SETTLING, Reconciler, reconcile
from jobs.states import JobState, Reason


@pytest.fixture
def age() -> Callable[[Job], None]:
    """As if the job had been queued a while ago."""

    def age(job: Job) -> None:
        Job.objects.filter(pk=job.pk).update(queued_at=timezone.now() - 2 * SETTLING)

    return age


def waiting() -> list[str]:
    ids: list[str] = django_rq.get_queue("default").get_job_ids()
    return ids


def test_the_queue_carries_ids_as_json(redis: Any, submit: Callable[..., Job]) -> None:
    job = submit()

    lifecycle.hand_to_backend(job)

    message = django_rq.get_queue("default").fetch_job(job.run_id)
    assert message.args == [str(job.pk), 1]
    assert (message.timeout, message.func_name) == (-1, "jobs.worker.run_job")
    raw = redis.hget(message.key, "data")
    assert b"run_job" in __import__("zlib").decompress(raw)


def test_dispatched_twice_it_waits_once(redis: Any, submit: Callable[..., Job]) -> None:
    job = submit()

    lifecycle.hand_to_backend(job)
    lifecycle.hand_to_backend(job)

    assert waiting() == [job.run_id]


def test_a_cancelled_job_leaves_the_queue(
    redis: Any, submit: Callable[..., Job], django_capture_on_commit_callbacks: Any
) -> None:
    job = submit()
    lifecycle.hand_to_backend(job)

    with django_capture_on_commit_callbacks(execute=True):
        lifecycle.request_cancel(job, by="alice")

    assert waiting() == []


def test_a_retry_waits_for_its_time_in_the_scheduler(
    redis: Any, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    lifecycle.lose(job, 1, "gone")

    lifecycle.hand_to_backend(job)

    assert waiting() == []
    queue = django_rq.get_queue("default")
    assert ScheduledJobRegistry(queue=queue).get_job_ids() == [job.run_id]


def test_a_redis_that_lost_its_memory_is_told_again(
    redis: Any, submit: Callable[..., Job], age: Callable[[Job], None]
) -> None:
    job = submit()
    lifecycle.hand_to_backend(job)
    redis.flushall()
    age(job)

    reconcile()
    reconcile()

    assert waiting() == [job.run_id]


def test_a_job_queued_a_moment_ago_is_left_alone(redis: Any, submit: Callable[..., Job]) -> None:
    submit()

    reconcile()

    assert waiting() == []


def test_without_redis_the_job_is_accepted_says_why_it_waits_and_starts_later(
    redis: Any,
    submit: Callable[..., Job],
    age: Callable[[Job], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreachable(*args: Any, **kwargs: Any) -> None:
        raise RedisError("connection refused")

    job = submit()
    with monkeypatch.context() as gone:
        gone.setattr(rq_backend, "_queue", unreachable)
        lifecycle.hand_to_backend(job)
    assert (job.state, job.reason) == (JobState.QUEUED, Reason.QUEUE_UNREACHABLE)
    age(job)

    reconcile()

    job.refresh_from_db()
    assert (waiting(), job.reason) == ([job.run_id], Reason.NO_FREE_WORKER)


def test_a_message_stuck_between_queue_and_worker_is_sent_again(
    redis: Any,
    submit: Callable[..., Job],
    age: Callable[[Job], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that dies right after fetching leaves it in RQ's intermediate queue for good."""
    job = submit()
    lifecycle.hand_to_backend(job)
    queue = django_rq.get_queue("default")
    redis.lmove(queue.key, f"{queue.key}:intermediate", "LEFT", "RIGHT")
    age(job)
    dispatch.backend.cache_clear()

    reconcile()
    assert waiting() == []  # it may be starting just now

    monkeypatch.setattr(rq_backend, "LIMBO_S", 0)
    reconcile()
    assert waiting() == [job.run_id]


def test_a_message_of_a_dead_execution_is_sent_again(
    redis: Any,
    submit: Callable[..., Job],
    age: Callable[[Job], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = submit()
    lifecycle.hand_to_backend(job)
    queue = django_rq.get_queue("default")
    message = queue.fetch_job(job.run_id)
    with redis.pipeline() as pipeline:
        Execution.create(message, ttl=600, pipeline=pipeline)
        pipeline.lrem(queue.key, 1, job.run_id)
        pipeline.execute()
    age(job)
    dispatch.backend.cache_clear()

    reconcile()
    assert waiting() == []

    monkeypatch.setattr(rq_backend, "LIMBO_S", 0)
    reconcile()
    assert waiting() == [job.run_id]


def test_after_a_stalled_database_no_worker_is_blamed_before_a_lease_has_passed(
    redis: Any, submit: Callable[..., Job], start: Callable[[Job], Job], settings: Any
) -> None:
    moments = iter([0.0, 2.0, 4.0, 5.0 + settings.JOB_LEASE_S, 7.0 + 2 * settings.JOB_LEASE_S])
    reconciler = Reconciler(clock=lambda: next(moments))
    job = start(submit())
    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))

    def state() -> str:
        reconciler.look()
        job.refresh_from_db()
        return str(job.state)

    assert [state(), state(), state()] == ["running"] * 3  # it does not know what was before
    assert state() == "running"  # and for one lease nobody could write
    reconciler._wrote_at = 6.0 + 2 * settings.JOB_LEASE_S
    assert state() == "queued"


def test_a_lease_that_ran_out_is_settled_once(
    redis: Any, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))

    reconcile()
    reconcile()

    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.QUEUED, 2)
    assert "No word from its worker" in job.attempts.get().evidence
