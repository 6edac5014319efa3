"""No key has more than the one that made it has now: where one goes beyond, and how it is cut."""

from __future__ import annotations

import math
from collections.abc import Collection
from copy import copy
from datetime import datetime
from typing import Any

from .key_models import ApiKey
from .states import Approval, Scope

LIMITS = (
    "expires_at", "max_queued", "max_running", "core_hours", "core_hours_per_day", "deadline",
)  # fmt: skip
"""The less, the narrower; empty is no limit."""


class TooPowerful(Exception):
    """Who makes the key may not do that much."""


def refuse_more(maker: ApiKey, scopes: Collection[Scope], expires_at: datetime | None) -> None:
    """A key makes none that may more, nor one that may go on for longer."""
    if not (maker.is_usable and maker.may(Scope.KEYS)):
        raise TooPowerful("This key was revoked, has expired, or may make no keys any more.")
    if beyond := sorted({*map(str, scopes)} - {*maker.scopes}):
        raise TooPowerful(
            f"This key may not give what it does not have: {', '.join(beyond)}. "
            f"Expected scopes of {', '.join(maker.scopes)}."
        )
    if maker.has_a_budget:
        raise TooPowerful("A key with a budget makes no keys: theirs would come on top of its own.")
    if maker.expires_at and (expires_at is None or expires_at > maker.expires_at):
        raise TooPowerful(f"expires_at: expected {maker.expires_at.isoformat()} or before.")


def refuse_change(
    key: ApiKey, maker: ApiKey | None, columns: dict[str, Any], *, by: ApiKey | None = None
) -> None:
    """:raises TooPowerful: the key may not become like that."""
    if by is not None and by.pk == key.pk:
        raise TooPowerful("A key does not change itself; its owner does, or the key that made it.")
    if by is not None and not (maker and maker.is_usable and maker.may(Scope.KEYS)):
        raise TooPowerful("This key was revoked, has expired, or may change no keys any more.")
    if beyond := sorted({*columns.get("scopes", ())} - {*key.scopes}):
        raise TooPowerful(
            f"What a key opens only becomes less, and this one lacks {', '.join(beyond)}. "
            "Make another key for that."
        )
    wanted = copy(key)
    for name, value in columns.items():
        setattr(wanted, name, value)
    beyond = sorted(narrowed(wanted, maker).keys() & columns.keys()) if maker else []
    if maker and beyond:
        raise TooPowerful(
            f"{', '.join(beyond)}: this would be more than the key {maker.prefix}, which made it, "
            "has now. Expected no more than that; or give that one more first."
        )


def narrowed(key: ApiKey, maker: ApiKey) -> dict[str, Any]:
    """The columns in which the key has more than its maker, as they would be if it had as much."""
    found: dict[str, Any] = {}
    if not {*key.scopes} <= {*maker.scopes}:
        found["scopes"] = [scope for scope in key.scopes if scope in maker.scopes]
    for name in LIMITS:
        own, most = getattr(key, name), getattr(maker, name)
        if most is not None and (own is None or own > most):
            found[name] = most
    if _unasked(key) > _unasked(maker):
        found["approval"] = maker.approval
        found["approval_above_core_hours"] = maker.approval_above_core_hours
    return found


def _unasked(key: ApiKey) -> float:
    """Up to how many core-hours its jobs start without anybody's yes."""
    if key.approval == Approval.ABOVE:
        return key.approval_above_core_hours or 0.0
    return math.inf if key.approval == Approval.NEVER else -1.0
