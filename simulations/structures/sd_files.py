"""An SD file of many molecules, cut into their records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

END_OF_MOLECULE, END_OF_RECORD = "M  END", "$$$$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """:param line: where it begins in the file.
    :param title: its first line; may be empty.
    """

    line: int
    title: str
    text: str


def is_sd_file(text: str) -> bool:
    return END_OF_MOLECULE in text


def records(text: str) -> Iterator[Record]:
    """Those that are not blank, in their order."""
    first, begun = 1, list[str]()
    for number, line in enumerate([*text.splitlines(), END_OF_RECORD], start=1):
        if not line.startswith(END_OF_RECORD):
            begun.append(line)
            continue
        if any(each.strip() for each in begun):
            yield Record(line=first, title=begun[0].strip(), text="\n".join(begun) + "\n")
        first, begun = number + 1, []
