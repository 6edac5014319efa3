"""What becomes of a job whose worker is dead for good: its end says so, and its files are kept."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobs import lifecycle, processes, reconciler
from jobs.models import Job
from jobs.reconciler import reconcile

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def run(redis: Any, submit: Callable[..., Job], worker: subprocess.Popen[bytes]) -> Any:
    """A job that runs in that process, and has written a log."""

    def run(**more: Any) -> Job:
        job = submit(**more)
        lifecycle.start(
            job, 1, worker="w", host="here", pid=worker.pid,
            machine=processes.machine(), pid_started=processes.started(worker.pid),
        )  # fmt: skip
        job.workdir(1).mkdir(parents=True)
        (job.workdir(1) / "job.log").write_text("half way")
        return job

    return run


def kill(worker: subprocess.Popen[bytes]) -> None:
    worker.kill()
    worker.wait()
    reconcile()


def test_a_cancel_whose_worker_died_is_over_with_its_evidence_and_files(
    run: Any, worker: subprocess.Popen[bytes]
) -> None:
    job = run()
    lifecycle.request_cancel(job, by="alice")
    reconcile()
    assert Job.objects.get(pk=job.pk).is_cancelling

    kill(worker)

    job.refresh_from_db()
    assert (job.state, job.failure_kind) == ("cancelled", "cancelled_by")
    told = job.events.get(kind="cancelled").data
    assert "is gone" in told["evidence"]
    assert (told["details"]["process"], told["details"]["host"]) == ("gone", "here")
    assert told["details"]["last_heartbeat_at"]
    assert [(each.name, each.is_partial) for each in job.artifacts.all()] == [("job.log", True)]


@pytest.mark.parametrize(("most", "kept"), [(1, ["job.log"]), (2, [])])
def test_files_are_kept_where_no_attempt_follows(
    run: Any, worker: subprocess.Popen[bytes], most: int, kept: list[str]
) -> None:
    job = run(max_attempts=most)

    kill(worker)

    job.refresh_from_db()
    assert job.state == ("failed" if kept else "queued")
    assert [each.name for each in job.artifacts.all()] == kept


def test_one_that_cannot_be_settled_keeps_no_other_back(
    run: Any, worker: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = run(), run(params={"n": 4})
    settle = reconciler._settle

    def fail_for_the_first(job: Job, *args: Any) -> None:
        if job.pk == first.pk:
            raise ValueError("a defect")
        settle(job, *args)

    monkeypatch.setattr(reconciler, "_settle", fail_for_the_first)
    kill(worker)

    states = [Job.objects.get(pk=each.pk).state for each in (first, second)]
    assert states == ["running", "queued"]
