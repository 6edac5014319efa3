"""How every change is written: compare-and-set, one numbered event, told after commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType, SimpleNamespace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from jobs import events, inbox, moments, rows
from jobs.key_models import InboxItem
from jobs.models import Attempt, Job, JobEvent
from jobs.states import JobState
from jobs.webhooks import outbox

from .storing import insert, insert_all, update_where
from .together import follow

CANNOT = {
    "cancel_requested": "it can no longer be cancelled",
    "started": "it cannot be started",
    "files_removed": "its files cannot be removed",
    "approved": "it does not wait for approval",
    "rejected": "it does not wait for approval",
}
"""What an event that came too late would have done."""

TOLD = (
    "owner", "key", "batch", "simulation", "name", "tags", "agent", "purpose", "consent",
    "backend", "queue", "attempt", "state", "reason", "progress", "message", "stage", "summary",
    "failure_kind", "error",
    "last_seq", "cancel_requested_at", "finished_at", "reserved_core_s",
)  # fmt: skip
"""All that is told of a job, or decided by, when many are changed at once."""
ROWS_AT_ONCE = 500
MOST_NUDGED = 200
"""Of more jobs at once the readers learn when they next look by themselves."""
NOTHING: Mapping[str, Any] = MappingProxyType({})
SUBMITTED = "submitted"
"""The first event of a job: before it is answered nobody knows its id, and can wait for news."""


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
        changed = update_where(Job, {"pk": job.pk, **where}, fields, counted="last_seq")
        rows.read_again(job)
        if not changed:
            raise IllegalTransition(job, kind)
        record(job, kind, data)


def update_attempt(job: Job, attempt: int, **fields: Any) -> None:
    update_where(Attempt, {"job": job.pk, "number": attempt}, fields)


def record(job: Job, kind: str, data: dict[str, Any] | None = None) -> None:
    record_all([job], kind, lambda job: data or {})


def _put_in_inbox(stored: Sequence[JobEvent]) -> None:
    items = inbox.items_of(stored)
    if items:
        insert_all(InboxItem, items)
    for owner_id in {item.owner_id for item in items}:
        _nudge_inbox_after_commit(owner_id)


def _nudge_inbox_after_commit(owner_id: int) -> None:
    transaction.on_commit(lambda: follow(_nudge_inboxes, owner_id), robust=True)


def _nudge_after_commit(job_id: UUID) -> None:
    # Robust: the row is the truth, a deaf channel layer must not stop a simulation. No partial:
    # Django wants a __qualname__ for its log line, and raises where there is none.
    transaction.on_commit(lambda: follow(_nudge, job_id), robust=True)


def _nudge(job_ids: Sequence[UUID]) -> None:
    for job_id in [*dict.fromkeys(job_ids)][:MOST_NUDGED]:
        events.nudge(job_id)


def _nudge_inboxes(owner_ids: Sequence[int]) -> None:
    for owner_id in dict.fromkeys(owner_ids):
        events.nudge_inbox(owner_id)


def change_all(
    jobs: QuerySet[Job],
    kind: str,
    data: Callable[[Job], dict[str, Any]] = lambda job: {},
    **fields: Any,
) -> list[Job]:
    """As `change`, for all that the query finds, in a few statements; returns whom it changed."""
    with transaction.atomic():
        # Locked in one order, so that two of these never wait for each other.
        found = list(jobs.order_by("id").select_for_update(of=("self",), no_key=True).only(*TOLD))
        for at in range(0, len(found), ROWS_AT_ONCE):
            some = [job.pk for job in found[at : at + ROWS_AT_ONCE]]
            Job.objects.filter(pk__in=some).update(last_seq=F("last_seq") + 1, **fields)
        for job in found:
            job.last_seq += 1
            for name, value in fields.items():
                setattr(job, name, value)
        record_all(found, kind, data)
    return found


def record_all(
    jobs: Sequence[Job], kind: str, data: Callable[[Job], dict[str, Any]] = lambda job: {}
) -> None:
    if kind in outbox.KINDS or kind in inbox.KINDS:
        made = [
            JobEvent(job=job, seq=job.last_seq, kind=kind, data=told)
            for job, told in _told_of_each(jobs, data)
        ]
        if len(made) == 1:
            insert(made[0])
        else:
            JobEvent.objects.bulk_create(made, batch_size=ROWS_AT_ONCE)
        outbox.announce(made)
        _put_in_inbox(made)
    else:
        # Nobody looks at them here, and to make one of the model takes longer than to write it.
        insert_all(
            JobEvent,
            (
                SimpleNamespace(
                    job_id=job.pk, seq=job.last_seq, at=timezone.now(), kind=kind, data=told
                )
                for job, told in _told_of_each(jobs, data)
            ),
        )
    if kind != SUBMITTED:
        for job in jobs[:MOST_NUDGED]:
            _nudge_after_commit(job.pk)


def _told_of_each(
    jobs: Sequence[Job], data: Callable[[Job], dict[str, Any]]
) -> Iterator[tuple[Job, dict[str, Any]]]:
    """What the event of each says; the very same where it is what that of the one before says."""
    last: dict[str, Any] | None = None
    for job in jobs:
        told = {**events.snapshot(job), **data(job)}
        last = last if told == last else told
        yield job, last


def fence(attempt: int) -> dict[str, Any]:
    """The fence: only the attempt that runs now may write."""
    return {"state": JobState.RUNNING, "attempt": attempt}


def lease_end() -> Any:
    return timezone.now() + timedelta(seconds=settings.JOB_LEASE_S)


def details_of(job: Job, attempt: int, details: Mapping[str, Any]) -> dict[str, Any]:
    """The evidence for a program: who ran it and was last heard when, and what is known beside."""
    by = rows.of_attempt(job, attempt)
    if by is None:
        return dict(details)
    heard_at = by.heartbeat_at and moments.written(by.heartbeat_at)
    who = {"host": by.host, "worker": by.worker, "pid": by.pid, "last_heartbeat_at": heard_at}
    return {**who, **details}
