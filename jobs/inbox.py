"""What awaits an agent that was away: the events of its jobs that matter, until it has them.

A number is given when somebody first looks, under the lock of the owner's `Inbox`, and not when the
event is written. For on PostgreSQL two transactions may commit in another order than they wrote:
a number drawn while writing could become visible below one that was acknowledged already, and be
lost. So a number always lies above all that anybody has seen before, and the writers wait for
nobody.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from . import cursors
from .key_models import ApiKey, Follower, Inbox, InboxItem
from .models import JobEvent

KINDS = frozenset(
    {"awaiting_approval", "approved", "rejected", "requeued", "succeeded", "failed", "cancelled"}
)
MOST = 500
NUMBERED_AT_ONCE = 1000
OLDEST = "oldest"
WHOSE = "Backplane-Inbox"
"""The header by which Django tells who waits in front of it whose bell to listen for."""


class BadCursor(Exception):
    """It was not given out by this inbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """:param cursor: what to acknowledge once all of `items` are dealt with."""

    items: list[InboxItem]
    cursor: str
    acknowledged: str
    has_more: bool


def items_of(events: Iterable[JobEvent]) -> list[SimpleNamespace]:
    """Those that belong in the inbox, as rows to be written in the transaction that wrote them.

    :param events: stored, their jobs at hand.
    """
    return [
        SimpleNamespace(
            owner_id=event.job.owner_id,
            key_id=event.job.key_id,
            job_id=event.job_id,
            event_id=event.pk,
            kind=event.kind,
            number=None,
        )
        for event in events
        if event.kind in KINDS
    ]


def read(
    owner_id: Any,
    key: ApiKey | None,
    *,
    cursor: str | None = None,
    kinds: Collection[str] = KINDS,
    limit: int = MOST,
) -> Page:
    """The oldest events after the cursor, or else after what was acknowledged.

    :param key: only those of its jobs, and of those it was answered with; None: of all the owner's.
    :raises BadCursor: the cursor is none of this inbox.
    """
    last = _number_new(owner_id)
    acknowledged = _acknowledged(owner_id, key)
    after = acknowledged if cursor is None else _number_of(cursor, last)
    items = _of(owner_id, key).filter(number__gt=after, number__lte=last, kind__in=kinds)
    found = list(items.select_related("event", "job").order_by("number")[: limit + 1])
    page, has_more = found[:limit], len(found) > limit
    reached = (page[-1].number or 0) if has_more else last
    return Page(
        items=page,
        cursor=_cursor(max(reached, after)),
        acknowledged=_cursor(acknowledged),
        has_more=has_more,
    )


def acknowledge(owner_id: Any, key: ApiKey | None, cursor: str) -> str:
    """From here on they are not told again, unless asked for by a cursor; never goes back."""
    last = Inbox.objects.filter(user=owner_id).values_list("last_number", flat=True).first()
    number = _number_of(cursor, last or 0)
    mine: QuerySet[Any] = ApiKey.objects.filter(pk=key.pk) if key else _box(owner_id)
    mine.filter(acknowledged__lt=number).update(acknowledged=number)
    return _cursor(_acknowledged(owner_id, key))


def _of(owner_id: Any, key: ApiKey | None) -> QuerySet[InboxItem]:
    items = InboxItem.objects.filter(owner=owner_id)
    if key is None:
        return items
    followed = Follower.objects.filter(key=key, job=OuterRef("job"))
    return items.filter(Q(key=key) | Exists(followed))


def _number_new(owner_id: Any) -> int:
    """Number what has come since anybody looked; returns the last number given."""
    unnumbered = InboxItem.objects.filter(owner=owner_id, number=None).order_by("id")
    while unnumbered.exists():
        with transaction.atomic():
            box, _ = Inbox.objects.select_for_update().get_or_create(user_id=owner_id)
            # Read once the lock is ours: another reader may have numbered them meanwhile.
            items = list(unnumbered[:NUMBERED_AT_ONCE])
            for number, item in enumerate(items, box.last_number + 1):
                item.number = number
            InboxItem.objects.bulk_update(items, ["number"], batch_size=250)
            box.last_number += len(items)
            box.save(update_fields=["last_number"])
    return _box(owner_id).values_list("last_number", flat=True).first() or 0


def _box(owner_id: Any) -> QuerySet[Inbox]:
    return Inbox.objects.filter(user=owner_id)


def _acknowledged(owner_id: Any, key: ApiKey | None) -> int:
    mine: QuerySet[Any] = ApiKey.objects.filter(pk=key.pk) if key else _box(owner_id)
    return mine.values_list("acknowledged", flat=True).first() or 0


def _cursor(number: int) -> str:
    return cursors.written(f"inbox:{number}")


def _number_of(cursor: str, last: int) -> int:
    if cursor == OLDEST:
        return 0
    match = re.fullmatch(r"inbox:([0-9]{1,18})", cursors.read(cursor) or "")
    if match is None or int(match[1]) > last:
        raise BadCursor(
            f"The cursor is none of this inbox. Expected one that it gave you, or {OLDEST}."
        )
    return int(match[1])
