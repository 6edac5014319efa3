"""Cursors on the wire: where a reader had got to, in letters that nobody is tempted to count up."""

from __future__ import annotations

import base64
import binascii


def written(mark: str) -> str:
    return base64.urlsafe_b64encode(mark.encode()).decode().rstrip("=")


def read(cursor: str) -> str | None:
    """The mark in it; None: nobody wrote it. Whether it is a place is for its owner to say."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return base64.b64decode(padded, b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        return None
