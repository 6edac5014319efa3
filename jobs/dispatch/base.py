"""What a place that runs jobs must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from jobs.models import Job


class Unreachable(Exception):
    """The backend cannot be spoken to just now; the job waits in the database."""


class Backend(Protocol):
    def submit(self, job: Job) -> None:
        """See to it that the job's current attempt runs, once, however often this is called.

        :raises Unreachable: it could not be told.
        """

    def withdraw(self, job: Job) -> None:
        """Forget an attempt that has not started.

        :raises Unreachable: it could not be told.
        """

    def missing(self, jobs: Sequence[Job]) -> list[Job]:
        """Which of these queued jobs it does not know of, and so would never run.

        :raises Unreachable: it could not be asked.
        """
