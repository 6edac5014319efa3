"""The wire form of a job's events, and the doorbell that says there are new ones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from . import bells, moments
from .models import Job, JobEvent
from .prepared import Example, PreparedModel


def group_name(job_id: UUID | str) -> str:
    return f"job.{job_id}"


def batch_group_name(batch_id: UUID | str) -> str:
    return f"batch.{batch_id}"


def inbox_group_name(owner_id: int | str) -> str:
    return f"inbox.{owner_id}"


def snapshot(job: Job) -> dict[str, Any]:
    """Where the job stands: what every event repeats, so that one event is enough to draw by."""
    return {
        "state": str(job.state),
        "reason": str(job.reason),
        "progress": job.progress,
        "message": job.message,
        "stage": job.stage,
    }


def to_wire(event: JobEvent, job: Job) -> dict[str, Any]:
    """With who sent the job, and what for: each event stands by itself, wherever it gets to."""
    sender = {"agent": job.agent, "purpose": job.purpose}
    told = {"seq": event.seq, "kind": event.kind, "at": moments.written(event.at)}
    return {**told, **{name: said for name, said in sender.items() if said}, **event.data}


def is_seq(text: str) -> bool:
    """Whether a client's text is a number that an event could have."""
    return text.isascii() and text.isdecimal() and len(text) < 10


def after(job: Job, seq: int, limit: int = 1000) -> list[JobEvent]:
    """The events that follow `seq`, oldest first."""
    return _after(limit).all(job=job.pk, seq=seq)


@cache
def _after(limit: int) -> PreparedModel:
    def make(job: UUID, seq: int) -> QuerySet[JobEvent]:
        return JobEvent.objects.filter(job=job, seq__gt=seq).order_by("seq")[:limit]

    return PreparedModel(make, job=Example.ID, seq=Example.COUNT)


def nudge(job_id: UUID) -> None:
    """Say that there is news of the job. It says no more, so losing it loses nothing."""
    bells.ring(group_name(job_id))


def nudge_batch(batch_id: UUID) -> None:
    bells.ring(batch_group_name(batch_id))


def nudge_inbox(owner_id: int) -> None:
    bells.ring(inbox_group_name(owner_id))


def points(job: Job) -> Iterator[dict[str, Any]]:
    """Every point that was reported, oldest first; a resumed attempt goes on where one ended."""
    found = job.events.filter(kind="progress", seq__lte=job.last_seq)
    for data in found.order_by("seq").values_list("data", flat=True).iterator():
        yield from data["points"]
