"""The rows of a job and of its attempts as they are now: read at each step of its way, by SQL that
is composed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from .models import Attempt, Job
from .prepared import Example, PreparedModel

JOB = PreparedModel(lambda id: Job.objects.order_by().filter(pk=id), id=Example.ID)
OF_OWNER = PreparedModel(
    lambda id, owner: Job.objects.order_by().filter(pk=id, owner=owner),
    id=Example.ID,
    owner=Example.NUMBER,
)
TOLD = ("state", "last_seq", "agent", "purpose")
"""What the wire form of an event and the end of a job are made from."""
TOLD_OF_JOB = PreparedModel(
    lambda id: Job.objects.order_by().only(*TOLD).filter(pk=id), id=Example.ID
)

WATCHED = PreparedModel(
    lambda id: Job.objects.order_by().only("state", "attempt", "cancel_requested_at").filter(pk=id),
    id=Example.ID,
)

ATTEMPT = PreparedModel(
    lambda job, number: Attempt.objects.filter(job=job, number=number),
    job=Example.ID,
    number=Example.COUNT,
)


def of_job(job_id: UUID) -> Job:
    """:raises Job.DoesNotExist: there is none."""
    found: Job = JOB.get(id=job_id)
    return found


def of_attempt(job: Job, number: int) -> Attempt | None:
    """None: it was never begun."""
    found: list[Attempt] = ATTEMPT.all(job=job.pk, number=number)
    return found[0] if found else None


def told_of_job(job_id: UUID) -> Job:
    """With `TOLD` alone.

    :raises Job.DoesNotExist: there is none.
    """
    found: Job = TOLD_OF_JOB.get(id=job_id)
    return found


def watched(job_id: UUID) -> Job:
    """With no more than tells whether an attempt still runs, and is to.

    :raises Job.DoesNotExist: there is none.
    """
    found: Job = WATCHED.get(id=job_id)
    return found


def of_job_seen_by(user: Any, job_id: UUID) -> Job:
    """As `Job.objects.visible_to(user).get(pk=job_id)`."""
    if user.is_superuser:
        return of_job(job_id)
    found: Job = OF_OWNER.get(id=job_id, owner=user.pk)
    return found


def read_again(job: Job) -> None:
    """As its `refresh_from_db`."""
    if job.get_deferred_fields():
        job.refresh_from_db()
    else:
        job.refresh_from_db(from_queryset=_Row(job.pk))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _Row:
    """As much of a query set as that asks for."""

    job_id: UUID

    def filter(self, *, pk: UUID) -> Self:
        assert pk == self.job_id
        return self

    def get(self) -> Job:
        return of_job(self.job_id)
