"""Writes what is to be sent, in the transaction of the event that it tells of."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from jobs.models import Job, JobEvent
from jobs.prepared import Example, Prepared
from jobs.states import Scope
from jobs.webhook_models import (
    OF_JOBS,
    DeliveryState,
    EventType,
    JobWebhook,
    WebhookDelivery,
    WebhookEndpoint,
)

KINDS: dict[str, EventType] = {each.partition(".")[2]: each for each in OF_JOBS}
"""The type of message, by the kind of a job's event. Progress is none: that is what events of a
job are for, as a stream or a socket."""
MOST_DATA_BYTES = 18_000
"""Messages are to stay below 20 kB; what is around the data takes less than one."""
MOST_DETAIL_CHARS = 1000
ACTIVE = Prepared(
    lambda owner: (
        WebhookEndpoint.objects.filter(owner=owner, disabled_at=None)
        .order_by()
        .values_list("pk")[:1]
    ),
    owner=Example.NUMBER,
)
SAID_BY_ITS_SENDER = {"name", "tags", "agent", "purpose", "batch_id"}


def announce(events: Sequence[JobEvent]) -> None:
    """Note down for each whom it is to be told to. One small query where that is nobody.

    :param events: each with its job, in the transaction that stores it.
    """
    told = [event for event in events if event.kind in KINDS]
    if not told:
        return
    if found := _active_of({event.job.owner_id for event in told}):
        store([*_of_all_jobs(told, found), *_of_single_jobs(told, found)])


def _active_of(owners: set[int]) -> list[WebhookEndpoint]:
    if len(owners) == 1 and not ACTIVE.rows(owner=next(iter(owners))):
        return []
    active = WebhookEndpoint.objects.filter(owner__in=owners, disabled_at=None)
    return list(active.select_related("key"))


def tell_of_now(job: Job, wanted: JobWebhook) -> None:
    """Of an end, or a wait for approval, to who asked only after it; if told before, again."""
    kind = "awaiting_approval" if job.awaits_approval else job.state
    event = job.events.filter(kind=kind).select_related("job").order_by("-seq").first()
    if event is None or KINDS.get(event.kind) not in wanted.events:
        return
    message = _message(event, wanted.endpoint, wanted.url)
    told = wanted.endpoint.deliveries.filter(message_id=message.message_id, url=message.url)
    if told.exists():
        told.filter(next_at=None).update(**again())
    else:
        store([message])


def again() -> dict[str, Any]:
    """The columns of a message that is to be sent anew, from the start of the ladder."""
    return {
        "state": DeliveryState.PENDING,
        "next_at": timezone.now(),
        "n_tries": 0,
        "ended_at": None,
    }


def store(messages: Sequence[WebhookDelivery]) -> None:
    """Those that are not there yet."""
    # A webhook is no reason why a job should not change: what is there already is there.
    WebhookDelivery.objects.bulk_create(messages, batch_size=500, ignore_conflicts=True)


def _of_all_jobs(
    events: Sequence[JobEvent], found: Sequence[WebhookEndpoint]
) -> Iterator[WebhookDelivery]:
    for event in events:
        for endpoint in found:
            if KINDS[event.kind] in endpoint.events and _hears_of(endpoint, event.job):
                yield _message(event, endpoint)


def _hears_of(endpoint: WebhookEndpoint, job: Job) -> bool:
    return not endpoint.is_for_single_jobs and may_hear_of(endpoint, job)


def may_hear_of(endpoint: WebhookEndpoint, job: Job) -> bool:
    """A person of all of theirs; a key of its own."""
    return endpoint.owner_id == job.owner_id and endpoint.key_id in (None, job.key_id)


def _of_single_jobs(
    events: Sequence[JobEvent], found: Sequence[WebhookEndpoint]
) -> Iterator[WebhookDelivery]:
    """What was asked for with single jobs, where somebody ever did."""
    endpoints = {each.pk: each for each in found if each.is_for_single_jobs}
    if not endpoints:
        return
    by_job: dict[UUID, list[JobWebhook]] = defaultdict(list)
    asked = JobWebhook.objects.filter(endpoint__in=endpoints, job__in={e.job_id for e in events})
    for wanted in asked.order_by("id"):
        by_job[wanted.job_id].append(wanted)
    for event in events:
        for wanted in by_job[event.job_id]:
            if KINDS[event.kind] in wanted.events:
                yield _message(event, endpoints[wanted.endpoint_id], wanted.url)


def _message(event: JobEvent, endpoint: WebhookEndpoint, url: str = "") -> WebhookDelivery:
    return WebhookDelivery(
        endpoint=endpoint,
        job=event.job,
        url=url,
        # Told twice, it is told under the same id.
        message_id=f"msg_{event.job_id.hex}_{event.seq}",
        type=KINDS[event.kind],
        at=event.at,
        data=thin(_seen_by(endpoint, event.job, _data(event))),
    )


def _data(event: JobEvent) -> dict[str, Any]:
    job = event.job
    data: dict[str, Any] = {
        "job_id": str(job.pk),
        "seq": event.seq,
        "state": str(event.data.get("state", job.state)),
        "simulation": job.simulation,
        "name": job.name,
        "tags": job.tags,
        "attempt": job.attempt,
    }
    more = {
        "batch_id": str(job.batch_id or ""),
        "agent": job.agent,
        "purpose": job.purpose,
        "summary": job.summary,
        "failure": _failure(job),
        "evidence": str(event.data.get("evidence", ""))[:MOST_DETAIL_CHARS],
    }
    return data | {name: value for name, value in more.items() if value}


def _seen_by(endpoint: WebhookEndpoint, job: Job, data: dict[str, Any]) -> dict[str, Any]:
    """A key that may not look hears how a job ends that it was answered with, not whose it is."""
    if endpoint.key is None or endpoint.key_id == job.key_id or endpoint.key.may(Scope.READ):
        return data
    return {name: value for name, value in data.items() if name not in SAID_BY_ITS_SENDER}


def _failure(job: Job) -> dict[str, str] | None:
    if not job.failure_kind:
        return None
    detail = str((job.error or {}).get("detail", ""))[:MOST_DETAIL_CHARS]
    return {"kind": str(job.failure_kind), "detail": detail}


def thin(data: dict[str, Any]) -> dict[str, Any]:
    """What may be long goes where it is too long; the job itself has it."""
    kept = dict(data)
    for name in ("summary", "tags", "evidence", "failure", "purpose"):
        if len(json.dumps(kept, ensure_ascii=False).encode()) <= MOST_DATA_BYTES:
            break
        if kept.pop(name, None):
            kept["left_out"] = [*kept.get("left_out", []), name]
    return kept
