"""How a run ends on a Slurm that is played: by its files, or by what Slurm says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from jobs import lifecycle
from jobs.budget import Budget
from jobs.dispatch.slurm import commands
from jobs.dispatch.slurm.site import Site
from jobs.models import Job, SlurmTask
from jobs.states import FailureKind, JobState
from jobs.watcher import Watcher
from jobs.watcher import following as following_module
from jobs.watcher.sending import bundle_of
from tests.stack import until

from .played import POINT, Cluster, Submit, leave, now, report, workdir

# --- how Slurm says that it ended ---


def test_what_the_watcher_and_a_run_tell_each_other_is_nothing_to_go_on_from(
    running: Callable[..., Job], watcher: Watcher
) -> None:
    job = running()
    report(job, POINT)
    leave(job, error={"kind": "science", "detail": "no"})
    watcher.look()

    assert "nothing to go on from" in lifecycle.why_no_restart(now(job))
    (workdir(job) / "checkpoint.xml").write_text("half")
    assert lifecycle.why_no_restart(job) == ""


@pytest.mark.parametrize(
    ("state", "status", "kind"),
    [
        ("NODE_FAIL", 0, FailureKind.LOST),
        ("BOOT_FAIL", 0, FailureKind.INFRASTRUCTURE),
        ("PREEMPTED", 0, FailureKind.INFRASTRUCTURE),
        ("FAILED", 9, FailureKind.LOST),
        ("FAILED", 139 << 8, FailureKind.LOST),
        ("FAILED", 1 << 8, FailureKind.LOST),
        ("FAILED", 72 << 8, FailureKind.INFRASTRUCTURE),
        ("FAILED", 75 << 8, FailureKind.LOST),
        ("FAILED", 78 << 8, FailureKind.INFRASTRUCTURE),
        ("FAILED", 127 << 8, FailureKind.INFRASTRUCTURE),
        ("COMPLETED", 0, FailureKind.LOST),
    ],
)
def test_what_says_nothing_of_the_job_is_tried_again(
    running: Callable[..., Job],
    cluster: Cluster,
    watcher: Watcher,
    state: str,
    status: int,
    kind: FailureKind,
) -> None:
    job = running()
    cluster.say(job, state, status=status)

    watcher.look()

    assert (now(job).state, job.attempt) == (JobState.QUEUED, 2)
    ended = job.attempts.get(number=1)
    assert (ended.failure_kind, ended.native_id) == (kind, "1")
    assert ended.details["slurm_state"] == state  # type: ignore[index]


def test_the_next_attempt_finds_what_the_one_before_left_and_their_number_is_limited(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher
) -> None:
    job = running(max_attempts=2)
    (workdir(job) / "checkpoint.xml").write_text("half")
    cluster.say(job, "PREEMPTED")
    watcher.look()  # requeued, and sent again

    assert (now(job).workdir(2) / ".previous" / "checkpoint.xml").read_text() == "half"
    cluster.say(job, "RUNNING")
    watcher.look()
    cluster.say(job, "PREEMPTED")
    watcher.look()
    assert (now(job).state, job.failure_kind) == (JobState.FAILED, FailureKind.INFRASTRUCTURE)


@pytest.mark.parametrize(
    ("state", "kind", "limit"),
    [
        ("TIMEOUT", FailureKind.TIMEOUT, "wall_time_s"),
        ("OUT_OF_MEMORY", FailureKind.MEMORY, "memory_mib"),
    ],
)
def test_a_limit_of_its_own_ends_it_and_is_named(
    running: Callable[..., Job],
    cluster: Cluster,
    watcher: Watcher,
    state: str,
    kind: FailureKind,
    limit: str,
) -> None:
    job = running(limits=Budget(wall_time_s=60, memory_mib=100))
    cluster.say(job, state)

    watcher.look()

    assert (now(job).state, job.failure_kind) == (JobState.FAILED, kind)
    assert (job.error or {})["fix"]["limits"][limit] > (job.error or {})["limit"][limit]


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_where_slurm_tells_of_a_signal_only_its_node_says_that_it_was_memory(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher, state: str
) -> None:
    job = running(limits=Budget(memory_mib=100))
    said = "slurmstepd-n1: error: StepId=2.batch exceeded memory limit (1926 > 1048), being killed"
    (bundle_of(SlurmTask.objects.get().token) / "0.out").write_text(said)
    cluster.say(job, state, status=9)

    watcher.look()

    assert (now(job).state, job.failure_kind) == (JobState.FAILED, FailureKind.MEMORY)


def test_what_writes_more_than_it_may_is_ended_and_told_so(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher
) -> None:
    frugal = running(limits=Budget(disk_mib=8))
    lavish = running(limits=Budget(disk_mib=2))
    for job in (frugal, lavish):
        (workdir(job) / "big.bin").write_bytes(b"x" * 4_000_000)

    until(lambda: watcher.look() or cluster.ended, "it is ended in Slurm")

    assert cluster.ended == [SlurmTask.objects.get(job=lavish).native_id]
    # What it wrote may be gone before anybody looks again.
    (workdir(lavish) / "big.bin").unlink()
    cluster.say(lavish, "CANCELLED")
    watcher.look()
    assert (now(lavish).state, lavish.failure_kind) == (JobState.FAILED, FailureKind.DISK)
    assert lavish.error["limit"] == {"disk_mib": 2}
    assert now(frugal).state == JobState.RUNNING


def test_a_limit_of_its_own_is_tried_again_if_asked(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher
) -> None:
    job = running(retry_on=[FailureKind.TIMEOUT])
    cluster.say(job, "TIMEOUT")

    watcher.look()

    assert (now(job).state, job.attempt) == (JobState.QUEUED, 2)


def test_where_the_cluster_gives_less_time_than_it_may_take_it_goes_on_in_turns(
    running: Callable[..., Job], cluster: Cluster, db: None
) -> None:
    job = running()
    cluster.say(job, "TIMEOUT")

    Watcher(Site(max_time_s=3600)).look()

    assert (now(job).state, job.attempt) == (JobState.QUEUED, 2)
    assert "--time=60" in cluster.sent[-1]


def test_one_that_was_given_less_time_while_it_ran_goes_on(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher
) -> None:
    job = running(limits=Budget(wall_time_s=3600))
    began = timezone.now()
    cluster.say(job, "TIMEOUT", starts_at=began, ends_at=began + timedelta(seconds=65))

    watcher.look()

    assert (now(job).state, job.attempt) == (JobState.QUEUED, 2)
    assert "gave it no more time" in job.attempts.get(number=1).evidence


def test_what_slurm_puts_back_into_its_queue_is_the_next_attempt_here(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher
) -> None:
    job = running()
    cluster.say(job, "PENDING", restarts=1)

    watcher.look()

    assert (now(job).state, job.attempt) == (JobState.QUEUED, 2)
    assert "put it back" in job.attempts.get(number=1).evidence
    watcher.look()
    assert "1" in cluster.ended


def test_who_cancels_it_in_slurm_has_cancelled_it(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher
) -> None:
    job = running()
    cluster.say(job, "CANCELLED", status=15)

    watcher.look()

    assert (now(job).state, job.failure_kind) == (JobState.CANCELLED, FailureKind.CANCELLED_BY)
    assert job.attempts.get().evidence == "It was cancelled in Slurm."


def test_who_cancels_in_slurm_what_waits_there_has_cancelled_it(
    submit: Submit, cluster: Cluster, watcher: Watcher
) -> None:
    job = submit()
    watcher.look()
    cluster.say(job, "CANCELLED")

    watcher.look()

    assert now(job).state == JobState.CANCELLED


def test_what_its_node_was_not_ready_for_was_cancelled_by_nobody(
    submit: Submit, cluster: Cluster, watcher: Watcher
) -> None:
    job = submit()
    watcher.look()
    cluster.node_reason = "Prolog error"
    cluster.say(job, "CANCELLED")

    watcher.look()

    assert (now(job).state, job.attempt) == (JobState.QUEUED, 2)
    ended = job.attempts.get(number=1)
    assert ended.failure_kind == FailureKind.INFRASTRUCTURE
    assert ended.evidence == "Its node could not be made ready for it."


def test_a_node_that_failed_many_is_asked_for_once(
    submit: Submit, cluster: Cluster, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(commands, "sinfo", lambda host: asked.append(host) or "Prolog error")
    jobs = [submit(), submit()]
    watcher.look()
    for job in jobs:
        cluster.say(job, "CANCELLED")

    watcher.look()

    assert [now(job).attempt for job in jobs] == [2, 2]
    assert len(asked) == 1


def test_of_many_that_end_together_one_that_may_not_takes_none_along(
    running: Callable[..., Job], watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = jobs = [running() for _ in range(3)]
    for job in jobs:
        report(job, POINT)
        leave(job, result={"total": 14})

    def collect(directory: Path) -> list[Any]:
        if directory == workdir(second):  # it is ours no more before that is told
            lifecycle.hand_over(second, 1, "Its worker is being stopped.")
        return []

    monkeypatch.setattr("jobs.artifacts.collect", collect)
    watcher.look()

    assert [now(job).state for job in (first, third)] == [JobState.SUCCEEDED] * 2
    assert (now(second).state, second.attempt, second.progress) == (JobState.QUEUED, 2, 0)
    for job in jobs:
        seqs = [*job.events.order_by("seq").values_list("seq", flat=True)]
        assert seqs == [*range(1, job.last_seq + 1)]


@pytest.mark.parametrize("has_directory", [True, False])
def test_a_cancel_is_over_when_its_process_is_gone_and_not_before(
    running: Callable[..., Job],
    cluster: Cluster,
    watcher: Watcher,
    alice: Any,
    monkeypatch: pytest.MonkeyPatch,
    has_directory: bool,
) -> None:
    monkeypatch.setattr(following_module, "GRACE_S", 0)
    job = running()
    if not has_directory:
        shutil.rmtree(workdir(job))
    lifecycle.request_cancel(job, by=alice)

    watcher.look()

    assert (workdir(job) / "cancel").exists() == has_directory
    assert cluster.ended == ["1"]
    assert now(job).state == JobState.RUNNING
    cluster.say(job, "CANCELLED", status=15)
    watcher.look()
    assert now(job).state == JobState.CANCELLED


def test_what_is_cancelled_and_fills_the_disk_takes_nobody_of_its_array_along(
    submit: Submit,
    cluster: Cluster,
    watcher: Watcher,
    alice: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following_module, "GRACE_S", 0)
    other, lavish = (submit(limits=Budget(disk_mib=2)) for _ in range(2))
    watcher.look()
    for job in (other, lavish):
        cluster.say(job, "RUNNING")
    watcher.look()
    (workdir(now(lavish)) / "big.bin").write_bytes(b"x" * 4_000_000)
    until(lambda: watcher.look() or cluster.ended, "its end is asked for")
    cluster.ended.clear()
    lifecycle.request_cancel(now(lavish), by=alice)

    watcher.look()

    assert cluster.ended == [SlurmTask.objects.get(job=lavish).native_id]


def test_how_long_it_ran_is_what_slurm_counted_however_late_we_look(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher
) -> None:
    job = running(limits=Budget(wall_time_s=60))
    began = timezone.now() - timedelta(hours=9)
    cluster.say(job, "TIMEOUT", starts_at=began, ends_at=began + timedelta(seconds=70))

    watcher.look()

    assert (now(job).error or {})["reached"] == {"wall_time_s": 70}
