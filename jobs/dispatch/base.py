"""What a place that runs jobs must be able to do."""

from __future__ import annotations

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

    def withdraw(self, job: Job) -> None:
        """Forget an attempt that has not started.

        :raises Unreachable: it could not be told.
        """

    def lacking(self, n_startable: int) -> int:
        """For how many of so many jobs that may start nothing is on its way that would start them.

        :raises Unreachable: it could not be asked.
        """
