"""What becomes of jobs on a cluster, and of their files, by other hands: a Slurm that is played."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.models import Job, SlurmTask
from jobs.states import JobState
from jobs.watcher import Watcher

from .played import Cluster, Submit, leave, now, workdir


def test_one_whose_comment_was_written_over_is_still_ours(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher
) -> None:
    job = running()
    task = SlurmTask.objects.get()
    cluster.tasks["1", 0] = cluster.tasks.pop((task.token, task.member))

    for _ in range(3):
        watcher.look()

    assert (now(job).state, job.attempt, job.is_unconfirmed) == (JobState.RUNNING, 1, False)


@pytest.mark.parametrize("state", ["RESV_DEL_HOLD", "SPECIAL_EXIT"])
def test_what_is_held_in_the_queue_does_not_run(
    submit: Submit, cluster: Cluster, watcher: Watcher, state: str
) -> None:
    job = submit()
    watcher.look()
    cluster.say(job, state, reason="ReservationDeleted")

    watcher.look()

    assert now(job).state == JobState.QUEUED
    assert "its reservation was deleted" in job.message


def test_files_that_cannot_be_read_keep_no_other_job_back(
    running: Callable[..., Job], watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable, other = running(), running()
    for job in (unreadable, other):
        leave(job, result={"total": 14})

    def collect(directory: Path) -> list[Any]:
        if directory == workdir(unreadable):
            raise PermissionError(directory)
        return []

    monkeypatch.setattr("jobs.artifacts.collect", collect)
    watcher.look()

    assert (now(unreadable).state, now(other).state) == (JobState.RUNNING, JobState.SUCCEEDED)


def test_a_directory_that_cannot_be_looked_into_keeps_no_other_job_back(
    running: Callable[..., Job], watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale, other = running(), running()
    leave(other, result={"total": 14})
    exists = Path.exists

    def asked(path: Path) -> bool:
        if path.parent == workdir(stale):
            raise OSError(errno.ESTALE, "Stale file handle")
        return exists(path)

    monkeypatch.setattr(Path, "exists", asked)
    watcher.look()

    assert (now(stale).state, now(other).state) == (JobState.RUNNING, JobState.SUCCEEDED)


def test_a_folder_that_cannot_be_written_keeps_jobs_waiting_and_no_other_one_unseen(
    running: Callable[..., Job],
    submit: Submit,
    watcher: Watcher,
    cluster: Cluster,
    settings: Any,
    tmp_path: Path,
) -> None:
    other = running()
    settings.VAR_DIR = tmp_path
    folder = tmp_path / "slurm"
    folder.touch()
    waiting = submit()
    leave(other, result={"total": 14})

    watcher.look()

    assert (now(waiting).state, now(other).state) == (JobState.QUEUED, JobState.SUCCEEDED)
    assert len(cluster.sent) == 1
    folder.unlink()
    watcher.look()
    assert len(cluster.sent) == 2
