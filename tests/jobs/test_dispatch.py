"""The outbox: what is queued reaches a real Redis once, or waits in the database until it can."""

from __future__ import annotations

import os
import subprocess
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django_rq
import pytest
from django.db import OperationalError
from django.utils import timezone
from redis.exceptions import RedisError
from rq.executions import Execution
from rq.registry import ScheduledJobRegistry
from rq.utils import str_to_date

from jobs import dispatch, lifecycle, processes, turns
from jobs import reconciler as reconciler_module
from jobs.dispatch import rq as rq_backend
from jobs.models import Allowance, Job
from jobs.moments import written
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
    assert b"run_job" in zlib.decompress(raw)


def test_a_ticket_is_written_as_rq_writes_it(redis: Any, submit: Callable[..., Job]) -> None:
    ours, theirs = submit(), submit()

    lifecycle.hand_to_backend(ours)
    ticket = rq_backend._ticket(theirs) | {"unique": True, "job_timeout": rq_backend.NO_TIMEOUT}
    rq_backend._queue("cpu").enqueue(rq_backend.RUN_JOB, **ticket)

    assert waiting() == [ours.run_id, theirs.run_id]
    written = [redis.hgetall(f"rq:job:{job.run_id}") for job in (ours, theirs)]
    for each, job in zip(written, (ours, theirs), strict=True):
        assert str(job.pk).encode() in zlib.decompress(each.pop(b"data"))
        for moment in (b"created_at", b"enqueued_at"):
            assert str_to_date(each.pop(moment))
    assert written[0] == written[1]


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


def test_a_pause_from_before_the_clock_was_set_back_is_over_for_its_ticket_too(
    redis: Any, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    """Or the line says that the job may start, and its tickets come an hour later."""
    job = start(submit())
    lifecycle.lose(job, 1, "gone")
    # As if the clock had been an hour ahead until now.
    job.not_before += timedelta(hours=1)
    job.save(update_fields=["not_before"])

    lifecycle.hand_to_backend(job)

    assert waiting() == [job.run_id]
    told = turns.explain(job)
    assert told
    assert told.reason == Reason.NO_FREE_WORKER


def test_a_redis_that_lost_its_memory_is_told_again(
    redis: Any, submit: Callable[..., Job], age: Callable[[Job], None]
) -> None:
    job = submit()
    lifecycle.hand_to_backend(job)
    redis.flushall()
    age(job)

    reconcile()
    reconcile()

    (ticket,) = waiting()
    assert ticket.startswith(job.run_id)


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
    (ticket,) = waiting()
    assert (ticket.startswith(job.run_id), job.reason) == (True, Reason.NO_FREE_WORKER)


def test_a_batch_that_was_accepted_without_redis_says_the_truth_once_it_is_back(
    redis: Any, alice: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    """Of those too that it is not told of yet, for more wait than their owner may have running."""

    def unreachable(*args: Any, **kwargs: Any) -> None:
        raise RedisError("connection refused")

    Allowance.objects.create(user=alice, max_running=1)
    wanted = [lifecycle.Wanted(simulation="demo.sum_squares", params={"n": n}) for n in (1, 2, 3)]
    with monkeypatch.context() as gone, django_capture_on_commit_callbacks(execute=True):
        gone.setattr(rq_backend, "_queue", unreachable)
        batch = lifecycle.submit_batch(owner=alice, wanted=wanted)
    jobs = batch.jobs.order_by("queued_at", "id")
    assert {job.reason for job in jobs} == {Reason.QUEUE_UNREACHABLE}
    jobs.update(queued_at=timezone.now() - 2 * SETTLING)
    with monkeypatch.context() as gone:
        gone.setattr(rq_backend, "_queue", unreachable)
        reconcile()
    assert {job.reason for job in jobs.all()} == {Reason.QUEUE_UNREACHABLE}

    reconcile()

    assert {job.reason for job in jobs.all()} == {Reason.NO_FREE_WORKER}
    assert {job.events.last().data["reason"] for job in jobs.all()} == {"no_free_worker"}
    assert len(waiting()) == 1
    before = [job.last_seq for job in jobs.all()]
    reconcile()
    assert [job.last_seq for job in jobs.all()] == before


def test_it_does_so_while_nothing_may_start(
    redis: Any,
    alice: Any,
    submit: Callable[..., Job],
    start: Callable[[Job], Job],
    age: Callable[[Job], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start(submit())
    job = submit(params={"n": 4})
    Allowance.objects.filter(user=alice).update(max_running=1)
    Job.objects.filter(pk=job.pk).update(reason=Reason.QUEUE_UNREACHABLE)
    age(job)

    reconcile()

    job.refresh_from_db()
    assert (job.reason, waiting()) == (Reason.NO_FREE_WORKER, [])


def test_a_ticket_stuck_between_queue_and_worker_is_sent_again(
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
    (ticket,) = waiting()
    assert ticket.startswith(job.run_id)


def test_a_ticket_on_which_another_job_runs_is_made_up_for(
    redis: Any, submit: Callable[..., Job], age: Callable[[Job], None]
) -> None:
    job = submit()
    lifecycle.hand_to_backend(job)
    queue = django_rq.get_queue("default")
    with redis.pipeline() as pipeline:
        Execution.create(queue.fetch_job(job.run_id), ttl=600, pipeline=pipeline)
        pipeline.lrem(queue.key, 1, job.run_id)
        pipeline.execute()
    age(job)

    reconcile()

    (ticket,) = waiting()
    assert ticket.startswith(job.run_id)


def test_no_more_tickets_are_made_than_jobs_may_start(
    redis: Any, alice: Any, submit: Callable[..., Job], age: Callable[[Job], None]
) -> None:
    Allowance.objects.update_or_create(user=alice, defaults={"max_running": 2})
    for _ in range(5):
        age(submit())

    reconcile()
    reconcile()

    assert len(waiting()) == 2


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def beat(job: Job) -> None:
    assert lifecycle.extend_lease(Job.objects.get(pk=job.pk), job.attempt)


def silent_for(job: Job, seconds: float, settings: Any) -> None:
    """As if its lease had run out so long ago."""
    lease = timezone.now() - timedelta(seconds=seconds)
    Job.objects.filter(pk=job.pk).update(lease_expires_at=lease)
    job.refresh_from_db()


def test_a_worker_that_speaks_is_alive_whatever_the_clocks_say(
    redis: Any, submit: Callable[..., Job], start: Callable[[Job], Job], settings: Any
) -> None:
    clock = Clock()
    reconciler = Reconciler(clock)
    job = start(submit())
    for hours in (-1, 1, -1):  # each time as the clock of the worker jumps
        lease = timezone.now() + timedelta(hours=hours)
        Job.objects.filter(pk=job.pk).update(lease_expires_at=lease)
        reconciler.look()
        clock.now += settings.JOB_LEASE_S / 3

        reconciler.look()

    job.refresh_from_db()
    assert (job.state, job.reason) == ("running", "")


def test_a_lease_that_stays_the_same_is_silence_even_if_it_names_the_future(
    redis: Any, submit: Callable[..., Job], start: Callable[[Job], Job], settings: Any
) -> None:
    clock = Clock()
    reconciler = Reconciler(clock)
    job = start(submit())
    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() + timedelta(hours=1))

    seen = []
    for _ in range(10):
        reconciler.look()
        job.refresh_from_db()
        seen.append((job.state, job.reason))
        clock.now += settings.JOB_LEASE_S / 3

    assert seen[:4] == [("running", "")] * 4
    assert seen[4] == ("running", "unconfirmed")
    assert seen[-1] == ("queued", "backing_off")


@pytest.mark.parametrize("hindrance", ["it was away", "the database refused"])
def test_after_a_stall_no_worker_is_blamed_before_a_lease_has_passed(
    redis: Any,
    submit: Callable[..., Job],
    start: Callable[[Job], Job],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    hindrance: str,
) -> None:
    clock = Clock()
    reconciler = Reconciler(clock)
    job = start(submit())
    reconciler.look()
    clock.now += settings.JOB_LEASE_S - 1
    if hindrance == "it was away":
        clock.now += settings.JOB_LEASE_S
    else:
        with monkeypatch.context() as down:
            down.setattr(reconciler_module, "settle_lost_jobs", refuse)
            with pytest.raises(OperationalError):
                reconciler.look()
        clock.now += 2

    reconciler.look()  # nobody could write, the worker neither

    job.refresh_from_db()
    assert (job.state, job.reason) == ("running", "")
    clock.now += settings.JOB_LEASE_S - 1
    reconciler.look()
    clock.now += 2
    reconciler.look()
    job.refresh_from_db()
    assert (job.state, job.reason) == ("running", "unconfirmed")


def refuse(*_: Any) -> None:
    raise OperationalError("database is locked")


def test_a_silent_worker_is_doubted_first_and_replaced_later(
    redis: Any, submit: Callable[..., Job], start: Callable[[Job], Job], settings: Any
) -> None:
    job = start(submit())
    silent_for(job, 1, settings)

    reconcile()
    reconcile()

    job.refresh_from_db()
    assert (job.state, job.reason, job.attempt) == ("running", "unconfirmed", 1)
    (told,) = job.events.filter(kind="unconfirmed")
    assert told.data["details"].items() >= {"host": "host", "worker": "host:1", "pid": 1}.items()
    assert told.data["details"]["lease_expired_s"] == pytest.approx(1, abs=0.5)

    silent_for(job, settings.JOB_UNCONFIRMED_S + 1, settings)
    reconcile()
    reconcile()

    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.QUEUED, 2)
    lost = job.attempts.get()
    assert "No word from its worker" in lost.evidence
    assert lost.details["last_heartbeat_at"] == written(lost.heartbeat_at)


def test_a_word_in_time_clears_the_doubt(
    redis: Any, submit: Callable[..., Job], start: Callable[[Job], Job], settings: Any
) -> None:
    job = start(submit())
    silent_for(job, 1, settings)
    reconcile()

    beat(job)
    reconcile()

    job.refresh_from_db()
    assert (job.state, job.reason) == ("running", "")
    kinds = list(job.events.order_by("seq").values_list("kind", flat=True))
    assert kinds == ["submitted", "started", "unconfirmed", "confirmed"]


def test_a_worker_seen_dead_on_this_host_is_replaced_at_once(
    redis: Any, submit: Callable[..., Job]
) -> None:
    worker = subprocess.Popen(["sleep", "60"])
    born = processes.started(worker.pid)
    job = submit()
    by = {"worker": "w", "host": "here", "machine": processes.machine()}
    lifecycle.start(job, 1, pid=worker.pid, pid_started=born, **by)
    reconcile()
    job.refresh_from_db()
    assert job.state == "running"
    worker.kill()
    worker.wait()

    reconcile()

    job.refresh_from_db()
    assert (job.state, job.attempt) == ("queued", 2)
    assert job.attempts.get().details["process"] == "gone"


@pytest.mark.parametrize("where", [{"machine": "another boot"}, {"machine": ""}, {}])
def test_no_process_is_looked_for_on_another_machine(
    redis: Any, submit: Callable[..., Job], where: dict[str, str]
) -> None:
    job = submit()
    lifecycle.start(job, 1, worker="w", host="there", pid=2**22 + 1, pid_started=1, **where)

    reconcile()

    job.refresh_from_db()
    assert job.state == "running"


def test_a_number_that_another_process_bears_by_now_is_no_sign_of_life() -> None:
    mine = processes.started(os.getpid())

    assert mine is not None
    assert not processes.is_gone(processes.machine(), os.getpid(), mine)
    assert processes.is_gone(processes.machine(), os.getpid(), mine - 1)
