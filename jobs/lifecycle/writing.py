"""How every change is written: compare-and-set, one numbered event, told after commit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from jobs import events
from jobs.models import Job, JobEvent
from jobs.states import JobState

CANNOT = {
    "cancel_requested": "it can no longer be cancelled",
    "started": "it cannot be started",
    "files_removed": "its files cannot be removed",
}
"""What an event that came too late would have done."""

NOTHING: Mapping[str, Any] = MappingProxyType({})


class IllegalTransition(Exception):
    """The job is not, or no longer, where this verb could take it from."""

    def __init__(self, job: Job, event: str) -> None:
        self.job = job
        super().__init__(
            f"The job is {JobState(job.state).label.lower()} (attempt {job.attempt}); "
            f"{CANNOT.get(event, f'{event} is not possible any more')}."
        )


def change(
    job: Job,
    kind: str,
    where: dict[str, Any],
    data: dict[str, Any] | None = None,
    **fields: Any,
) -> None:
    """Compare-and-set the row, number the event, and tell of it after commit."""
    with transaction.atomic():
        changed = Job.objects.filter(pk=job.pk, **where).update(
            last_seq=F("last_seq") + 1, **fields
        )
        job.refresh_from_db()
        if not changed:
            raise IllegalTransition(job, kind)
        record(job, kind, data)


def record(job: Job, kind: str, data: dict[str, Any] | None = None) -> None:
    JobEvent.objects.create(
        job=job, seq=job.last_seq, kind=kind, data={**events.snapshot(job), **(data or {})}
    )
    # Robust: the row is the truth, a deaf channel layer must not stop a simulation. No partial:
    # Django wants a __qualname__ for its log line, and raises where there is none.
    transaction.on_commit(lambda: events.nudge(job.pk), robust=True)


def fence(attempt: int) -> dict[str, Any]:
    """The fence: only the attempt that runs now may write."""
    return {"state": JobState.RUNNING, "attempt": attempt}


def lease_end() -> Any:
    return timezone.now() + timedelta(seconds=settings.JOB_LEASE_S)


def details_of(job: Job, attempt: int, details: Mapping[str, Any]) -> dict[str, Any]:
    """The evidence for a program: who ran it and was last heard when, and what is known beside."""
    found = job.attempts.filter(number=attempt)
    by = found.first()
    if by is None:
        return dict(details)
    heard_at = by.heartbeat_at and by.heartbeat_at.isoformat()
    who = {"host": by.host, "worker": by.worker, "pid": by.pid, "last_heartbeat_at": heard_at}
    return {**who, **details}
