"""The Slurm backend: jobs wait and run in a cluster's own queue.

One process talks to Slurm, the watcher (`jobs.watcher`): it finds in the database what there is to
send, so that no request waits for a scheduler and the web needs no Slurm client. What is left to
do for everybody else is to see that there is a watcher, and to leave word for what is cancelled.

PSI/J, which speaks to several schedulers, was tried first (0.9.11). It holds psutil and packaging
at versions older than ours, has no arrays, and takes a job that `squeue` lists no more for one that
succeeded. What we need of Slurm is four commands: see `commands`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jobs.dispatch.base import Unreachable
from jobs.slurm_models import SlurmWatch
from simulations.command.context import CANCEL_NAME

if TYPE_CHECKING:
    from jobs.models import Job


class SlurmBackend:
    def submit(self, job: Job, *, again: bool = False) -> None:
        _see_that_somebody_watches()

    def submit_all(self, jobs: Sequence[Job]) -> None:
        _see_that_somebody_watches()

    def withdraw(self, job: Job) -> None:
        self.withdraw_all([job])

    def withdraw_all(self, jobs: Sequence[Job]) -> None:
        """Whatever of it starts before the watcher has it taken out of the queue stops at once."""
        try:
            for job in jobs:
                directory = job.workdir(job.attempt)
                if directory.is_dir():
                    (directory / CANCEL_NAME).touch()
        except OSError as exc:
            raise Unreachable(f"the directory of a job cannot be written to: {exc}") from exc

    def lacking(self, n_startable: int, queue: str = "") -> int:
        """None: the watcher sees by itself what is not sent."""
        _see_that_somebody_watches()
        return 0


def _see_that_somebody_watches() -> None:
    if wrong := SlurmWatch.what_is_wrong():
        raise Unreachable(wrong)
