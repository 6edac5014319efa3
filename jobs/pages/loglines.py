"""The whole log of an attempt by lines: a page of it, or what is sought in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .snapshot import COLOUR_CODES

LINES_SHOWN = 1000
MOST_FOUND = 500
LONGEST_LINE = 4000
"""In bytes; a line of a gigabyte is still one line."""
LEVELS = {
    "error": re.compile(r"\b(error|fatal|critical|exception|traceback)\b", re.IGNORECASE),
    "warning": re.compile(r"\bwarn(ing|ings)?\b", re.IGNORECASE),
}
"""As far as an engine says them: told by the first that fits."""


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    text: str
    level: str = ""


@dataclass(slots=True, kw_only=True)
class Search:
    """:param sought: a text, whatever its case.
    :param level: one of `LEVELS`.
    """

    sought: str = ""
    level: str = ""

    def __bool__(self) -> bool:
        return bool(self.sought or self.level)

    def takes(self, line: Line) -> bool:
        if self.level and line.level != self.level:
            return False
        return self.sought.casefold() in line.text.casefold()


@dataclass(slots=True, kw_only=True)
class Pages:
    """What was read: everything is counted, and only some of it kept.

    :param n_found: exact, however many of them are shown.
    :param size_bytes: where a reader who follows goes on.
    """

    lines: list[Line] = field(default_factory=list)
    n_lines: int = 0
    n_found: int = 0
    by_level: dict[str, int] = field(default_factory=dict)
    size_bytes: int = 0

    @property
    def more_found(self) -> int:
        return self.n_found - len(self.lines)


def read(path: Path, first: int, search: Search, *, is_whole: bool) -> Pages:
    """So many lines from that number on; or, if anything is sought, all lines that have it.

    A number beyond the end shows the last page.

    :param is_whole: whether nothing will be added to it: else a line without its end waits.
    """
    pages = Pages()
    last: list[Line] = []
    for line in _lines(path, pages, is_whole):
        pages.n_lines += 1
        if line.level:
            pages.by_level[line.level] = pages.by_level.get(line.level, 0) + 1
        if search:
            _keep_found(pages, line, search)
        elif first <= line.number < first + LINES_SHOWN:
            pages.lines.append(line)
        elif not pages.lines:
            last = [*last, line] if line.number % LINES_SHOWN != 1 else [line]
    if not search and not pages.lines:
        pages.lines = last
    return pages


def _keep_found(pages: Pages, line: Line, search: Search) -> None:
    if not search.takes(line):
        return
    pages.n_found += 1
    if len(pages.lines) < MOST_FOUND:
        pages.lines.append(line)


def _lines(path: Path, pages: Pages, is_whole: bool) -> Iterator[Line]:
    """None of a log that nobody has begun to write."""
    try:
        # An engine's process could have put a link there, to a file that is none of its job's.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    with os.fdopen(descriptor, "rb") as stream:
        number = 1
        is_new = True
        while raw := stream.readline(LONGEST_LINE):
            if not (is_whole or raw.endswith(b"\n") or len(raw) == LONGEST_LINE):
                return
            pages.size_bytes += len(raw)
            if is_new:
                text = COLOUR_CODES.sub("", raw.decode("utf-8", "replace").rstrip("\r\n"))
                yield Line(number, text, level_of(text))
                number += 1
            # The rest of a line that is too long is passed over.
            is_new = raw.endswith(b"\n")


def level_of(text: str) -> str:
    return next((level for level, said in LEVELS.items() if said.search(text)), "")
