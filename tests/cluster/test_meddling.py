"""What the administrators of a cluster do to jobs of ours, on a Slurm that is played."""

from __future__ import annotations

from collections.abc import Callable

from jobs.models import Job, SlurmTask
from jobs.states import JobState
from jobs.watcher import Watcher

from .played import Cluster, now


def test_one_whose_comment_was_written_over_is_still_ours(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher
) -> None:
    job = running()
    task = SlurmTask.objects.get()
    cluster.tasks["1", 0] = cluster.tasks.pop((task.token, task.member))

    for _ in range(3):
        watcher.look()

    assert (now(job).state, job.attempt, job.is_unconfirmed) == (JobState.RUNNING, 1, False)
