"""What runs have written: Slurm holds no job to that, so that the watcher does."""

from __future__ import annotations

import time
from collections.abc import Iterable

from jobs.slurm_models import SlurmTask
from jobs.worker.tree import disk_mib

LOOK_SHARE = 0.05
"""Of the watcher's time, for all runs together: on a shared file system each file is asked for."""


class Disk:
    """What was found of each, and when to look again."""

    def __init__(self) -> None:
        self._next: dict[int, float] = {}
        self._excess: dict[int, float] = {}

    def is_exceeded(self, task: SlurmTask) -> bool:
        """Whether it was seen to have written more than it may."""
        began = time.monotonic()
        if began >= self._next.get(task.pk, began):
            self._measure(task)
            # Set first, that it counts among those who share the time.
            self._next[task.pk] = began
            took_s = time.monotonic() - began
            self._next[task.pk] += took_s * len(self._next) / LOOK_SHARE
        return task.pk in self._excess

    def written_mib(self, task: SlurmTask) -> float:
        """The most that is known of: one that is made to stop may remove what it wrote."""
        written_mib = self._measure(task)
        return max(written_mib, self._excess.get(task.pk, 0.0))

    def keep(self, tasks: Iterable[SlurmTask]) -> None:
        """Know nothing of others any more."""
        kept = {task.pk for task in tasks}
        self._next = {pk: at for pk, at in self._next.items() if pk in kept}
        self._excess = {pk: mib for pk, mib in self._excess.items() if pk in kept}

    def _measure(self, task: SlurmTask) -> float:
        written_mib = disk_mib(task.job.workdir(task.attempt))
        limit = task.job.budget.disk_mib
        if limit is not None and written_mib > limit:
            self._excess[task.pk] = written_mib
        return written_mib
