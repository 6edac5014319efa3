"""The log of one attempt, read from anywhere in it, also while it grows."""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass
from pathlib import Path

LEAST_BYTES = 16
"""No character takes more, so that every piece leads further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some of a log. Characters are whole: a piece ends before one that is not all there."""

    text: str
    offset: int
    next_offset: int
    size_bytes: int


def read(path: Path, offset: int, limit: int, *, is_whole: bool) -> Piece:
    """At most `limit` bytes from there on; a negative offset counts from the end.

    A log that nobody has begun to write is empty.

    :param is_whole: whether nothing will be added to it.
    """
    try:
        # An engine's process could have put a link there, to a file that is none of its job's.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return Piece(text="", offset=0, next_offset=0, size_bytes=0)
    with os.fdopen(descriptor, "rb") as stream:
        size = os.fstat(descriptor).st_size
        start = min(offset, size) if offset >= 0 else max(size + offset, 0)
        stream.seek(start)
        raw = stream.read(max(limit, LEAST_BYTES))
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(raw, final=is_whole and start + len(raw) >= size)
    n_held_back = len(decoder.getstate()[0])
    return Piece(
        text=text,
        offset=start,
        next_offset=start + len(raw) - n_held_back,
        size_bytes=max(size, start + len(raw)),
    )
