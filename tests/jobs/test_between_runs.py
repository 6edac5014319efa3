"""A worker between two brief runs: told to stop, left without tickets, or put to rest."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import Any

import django_rq
import pytest
from rq.exceptions import StopRequested
from rq.timeouts import HorseMonitorTimeoutException
from rq.worker import WorkerStatus

from jobs import lifecycle
from jobs.models import Job
from jobs.worker import process
from jobs.worker.process import JobWorker


class Free:
    """A series that has done what it was told."""

    is_free, has_waited_long = True, False

    def __init__(self, end: Callable[[], None] = lambda: None) -> None:
        self.end = end


@pytest.fixture
def worker(redis: Any) -> Iterator[JobWorker]:
    """One that has just done a run, and keeps its process."""
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    made = JobWorker([django_rq.get_queue("default")])
    made.register_birth()
    made.set_state(WorkerStatus.BUSY)
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)


def stop(worker: JobWorker) -> None:
    """As the handler of SIGTERM does."""
    worker.request_stop(signal.SIGTERM, None)


def draw(worker: JobWorker, job: Job) -> Any:
    """The ticket of this one, which waits, and its queue."""
    lifecycle.hand_to_backend(job)
    return worker.dequeue_job_and_maintain_ttl(None)


def test_one_that_is_told_to_stop_as_its_series_ends_draws_no_more(worker: JobWorker) -> None:
    worker._series = Free(lambda: stop(worker))  # type: ignore[assignment]

    with pytest.raises(StopRequested):
        worker.dequeue_job_and_maintain_ttl(None)


def test_nor_does_one_that_was_told_a_moment_before(worker: JobWorker) -> None:
    stop(worker)

    with pytest.raises(StopRequested):
        worker.dequeue_job_and_maintain_ttl(None)


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the jobs that were, before there was a process for them."""
    told: list[str] = []

    class Warden(process.Warden):
        def hand_over(self) -> None:
            told.append(str(self._job_id))
            self.give_back()

    monkeypatch.setattr(process, "Warden", Warden)
    monkeypatch.setattr(JobWorker, "prepare_execution", lambda *_: None)
    monkeypatch.setattr(JobWorker, "fork_work_horse", lambda *_: None)
    monkeypatch.setattr(JobWorker, "monitor_work_horse", lambda *_: None)
    return told


@pytest.mark.django_db
def test_what_it_took_before_it_was_told_is_handed_over(
    worker: JobWorker, submit: Callable[..., Job], handed_over: list[str]
) -> None:
    """Not left to its lease: the process of another user's run ends meanwhile."""
    job = submit()
    drawn = draw(worker, job)
    other = Free(lambda: stop(worker))
    other.takes = lambda job: False  # type: ignore[attr-defined]
    worker._series = other  # type: ignore[assignment]

    worker.execute_job(*drawn)

    assert handed_over == [str(job.pk)]
    job.refresh_from_db()
    assert job.state == "queued"


@pytest.mark.django_db
def test_so_is_what_it_takes_while_it_is_told(
    worker: JobWorker,
    submit: Callable[..., Job],
    handed_over: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between what the database has written down and the worker that is to know of it."""
    job = submit()
    drawn = draw(worker, job)
    take = lifecycle.take_next

    def told_meanwhile(*args: Any, **kwargs: Any) -> Job | None:
        mine = take(*args, **kwargs)
        stop(worker)
        return mine

    monkeypatch.setattr(lifecycle, "take_next", told_meanwhile)

    worker.execute_job(*drawn)

    assert handed_over == [str(job.pk)]
    job.refresh_from_db()
    assert job.state == "queued"


@pytest.mark.django_db
def test_one_that_was_told_before_it_took_anything_takes_nothing(
    worker: JobWorker, submit: Callable[..., Job]
) -> None:
    job = submit()
    drawn = draw(worker, job)
    worker._stop_requested = True

    with pytest.raises(StopRequested):
        worker.execute_job(*drawn)

    job.refresh_from_db()
    assert (job.state, job.attempts.count()) == ("queued", 0)


def test_one_that_is_suspended_keeps_no_process(worker: JobWorker) -> None:
    ended: list[bool] = []
    worker._series = Free(lambda: ended.append(True))  # type: ignore[assignment]

    worker.set_state(WorkerStatus.SUSPENDED)

    assert ended == [True]


def test_while_its_run_goes_on_no_alarm_is_due(worker: JobWorker) -> None:
    """It would come at any time: also between an answer and who is told of it."""
    still: list[float] = []
    running = Free()
    running.wait = lambda at_most_s: still.append(signal.getitimer(signal.ITIMER_REAL)[0])  # type: ignore[attr-defined]
    worker._series = running  # type: ignore[assignment]

    rqs_own = worker.death_penalty_class(30, HorseMonitorTimeoutException)
    with pytest.raises(HorseMonitorTimeoutException), rqs_own:
        worker.wait_for_horse()

    assert still == [0]
