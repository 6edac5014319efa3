"""What the administrators of a cluster do to jobs of ours, on a Slurm that is played."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jobs.models import Job, SlurmTask
from jobs.states import JobState
from jobs.watcher import Watcher

from .played import Cluster, Submit, now


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
