"""Writes down that a batch is over, for who is to be told of it: one message, not ten thousand."""

from __future__ import annotations

from jobs.batch_models import BatchEvent
from jobs.webhook_models import EventType, WebhookDelivery, WebhookEndpoint

from . import outbox

KINDS = {"finished": EventType.BATCH_FINISHED}


def announce(event: BatchEvent) -> None:
    """:param event: in the transaction that stores it."""
    kind = KINDS.get(event.kind)
    if kind is None:
        return
    found = WebhookEndpoint.objects.filter(owner=event.batch.owner_id, disabled_at=None)
    outbox.store(
        [
            _message(event, endpoint, kind)
            for endpoint in found.exclude(url="")
            if kind in endpoint.events and _hears_of(endpoint, event)
        ]
    )


def _hears_of(endpoint: WebhookEndpoint, event: BatchEvent) -> bool:
    if endpoint.key_id is None:
        return True
    return event.batch.jobs.filter(key=endpoint.key_id).exists()


def _message(event: BatchEvent, endpoint: WebhookEndpoint, kind: EventType) -> WebhookDelivery:
    batch = event.batch
    data = {
        "batch_id": str(batch.pk),
        "seq": event.seq,
        "state": event.data["state"],
        "name": batch.name,
        "tags": batch.tags,
        "counts": event.data["counts"],
    }
    return WebhookDelivery(
        endpoint=endpoint,
        message_id=f"msg_{batch.pk.hex}_{event.seq}",
        type=kind,
        at=event.at,
        data=outbox.thin(data),
    )
