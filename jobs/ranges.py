"""Parts of a file, as HTTP asks for them (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import BinaryIO

MOST_PARTS = 20
BYTES = re.compile(r"bytes=(.*)", re.IGNORECASE | re.ASCII)
ONE = re.compile(r"(\d{0,18})-(\d{0,18})", re.ASCII)


class Unsatisfiable(Exception):
    """None of the parts lies within the file."""


def wanted(header: str, size: int) -> list[range]:
    """The parts that are asked for. None of them: all of it is sent, as if nothing had been asked.

    :raises Unsatisfiable: parts were asked for, and there are none such.
    """
    found = BYTES.fullmatch(header.strip())
    specs = [ONE.fullmatch(each.strip()) for each in found[1].split(",")] if found else []
    asked = [_one(spec[1], spec[2], size) for spec in specs if spec]
    if not asked or len(asked) < len(specs) or None in asked:
        return []
    parts = [part for part in asked if part]
    if not parts:
        raise Unsatisfiable
    # Many small ones that overlap are asked for by nobody who means well.
    is_sane = len(parts) <= MOST_PARTS and sum(map(len, parts)) <= size
    return parts if is_sane else []


def _one(first: str, last: str, size: int) -> range | None:
    """Empty where it lies behind the end. None: that is no range at all."""
    if not first:
        return range(max(size - int(last), 0), size) if last else None
    if last and int(last) < int(first):
        return None
    stop = min(int(last) + 1, size) if last else size
    return range(int(first), max(stop, int(first)))


def content_range(part: range, size: int) -> str:
    return f"bytes {part.start}-{part.stop - 1}/{size}"


def multipart(
    parts: Sequence[range], size: int, media_type: str, boundary: str
) -> list[bytes | range]:
    """What a body of several parts consists of: text between, and pieces of the file."""
    pieces: list[bytes | range] = []
    for part in parts:
        told = f"Content-Type: {media_type}\r\nContent-Range: {content_range(part, size)}\r\n"
        pieces += [f"\r\n--{boundary}\r\n{told}\r\n".encode(), part]
    return [*pieces, f"\r\n--{boundary}--\r\n".encode()]


class Excerpt:
    """Reads like a file what was picked from one, and texts between."""

    def __init__(self, stream: BinaryIO, pieces: Sequence[bytes | range]) -> None:
        self._stream = stream
        self._left = [piece for piece in pieces if piece]
        self.length = sum(map(len, self._left))

    def read(self, size: int) -> bytes:
        if not self._left:
            return b""
        piece = self._left[0]
        if isinstance(piece, range):
            self._stream.seek(piece.start)
            found = self._stream.read(min(size, len(piece)))
        else:
            found = piece[:size]
        # Cut since it was opened: what is missing shows by the length that was promised.
        self._left = [rest for rest in (piece[len(found) :], *self._left[1:]) if rest and found]
        return found

    def close(self) -> None:
        self._stream.close()
