"""What is done to many jobs in a few statements: whoever asks says who they are, and why."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from jobs.models import Job
from jobs.states import ACTIVE, FailureKind, JobState, Priority

from .backends import withdraw_all
from .writing import change_all


def cancel_each(job_ids: Sequence[UUID], *, by: str, why: str) -> int:
    """Cancel what waits of these, ask what runs to stop; returns how many of both there were.

    Of a batch of theirs that is over by this, the reconciler takes notice.
    """
    now = timezone.now()
    detail = f"Cancelled by {by}: {why}"
    error = {"kind": FailureKind.CANCELLED_BY, "detail": detail}
    with transaction.atomic():
        hold(Job.objects.filter(pk__in=job_ids))
        some = Job.objects.filter(pk__in=job_ids, finished_at=None)
        told = {"by": by, "why": why}
        cancelled = cancel_waiting(
            some.filter(state=JobState.QUEUED), told, error=error, cancel_requested_at=now
        )
        asked = change_all(
            some.filter(state=JobState.RUNNING, cancel_requested_at=None),
            "cancel_requested",
            lambda job: told,
            cancel_requested_at=now,
        )
    return len(cancelled) + len(asked)


def prioritise_each(job_ids: Sequence[UUID], priority: Priority, *, by: str, why: str) -> int:
    """Those of them that still wait; returns how many."""
    waiting = Job.objects.unfinished(JobState.QUEUED).filter(pk__in=job_ids)
    told = {"priority": priority.name.lower(), "by": by, "why": why}
    changed = change_all(
        waiting.exclude(priority=priority), "priority", lambda job: told, priority=priority
    )
    return len(changed)


def hold(jobs: QuerySet[Job]) -> None:
    """Nothing passes from what runs to what waits while first the one is looked at, then the other.

    What is requeued between the two would be in neither.
    """
    active = jobs.filter(state__in=ACTIVE).order_by("id")
    list(active.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))


def cancel_waiting(waiting: QuerySet[Job], told: dict[str, Any], **fields: Any) -> list[Job]:
    """:param waiting: queued jobs."""
    cancelled = change_all(
        waiting,
        str(JobState.CANCELLED),
        lambda job: told,
        state=JobState.CANCELLED,
        reason="",
        message="",
        failure_kind=FailureKind.CANCELLED_BY,
        lease_expires_at=None,
        finished_at=timezone.now(),
        **fields,
    )
    transaction.on_commit(partial(withdraw_all, cancelled))
    return cancelled
