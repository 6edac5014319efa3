"""Moments on the wire: RFC 3339, in UTC, with a Z."""

from __future__ import annotations

from datetime import UTC, datetime


def written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
