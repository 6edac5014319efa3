"""What a place that runs jobs must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from jobs.models import Job


class Unreachable(Exception):
    """The backend cannot be spoken to just now; the job waits in the database."""


class Backend(Protocol):
    def submit(self, job: Job, *, again: bool = False) -> None:
        """See to it that the job's current attempt runs, once, however often this is called.

        :param again: what it was told before is known to be gone.
        :raises Unreachable: it could not be told.
        """

    def submit_all(self, jobs: Sequence[Job]) -> None:
        """As `submit`, for jobs that it was never told of, in few words. Of very many it need not
        know all by now: for how many it lacks something, `lacking` tells.

        :raises Unreachable: it could not be told, or not of all of them.
        """

    def withdraw(self, job: Job) -> None:
        """Forget an attempt that has not started.

        :raises Unreachable: it could not be told.
        """

    def withdraw_all(self, jobs: Sequence[Job]) -> None:
        """As `withdraw`, for many.

        :raises Unreachable: it could not be told, or not of all of them.
        """

    def lacking(self, n_startable: int, queue: str) -> int:
        """For how many of so many jobs of that queue that may start nothing is on its way that
        would start them.

        :raises Unreachable: it could not be asked.
        """
