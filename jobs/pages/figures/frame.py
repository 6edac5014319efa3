"""What every result figure is: a drawing's numbers, a table of them, and a sentence for both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.models import Artifact, Job
from jobs.pages.formats import number, plain

Cell = float | int | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a figure shows in numbers; its files carry them whole, the page as they may be read.

    :param header: with units: `Frequency (cm⁻¹)`.
    :param digits: decimals of each column that mean something; None lets the number say.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    digits: Sequence[int | None] = ()

    @property
    def texts(self) -> list[list[str]]:
        digits = [*self.digits, *[None] * (len(self.header) - len(self.digits))]
        return [[_text(cell, n) for cell, n in zip(row, digits, strict=True)] for row in self.rows]


def _text(cell: Cell, digits: int | None) -> str:
    if digits is None or not isinstance(cell, float):
        return plain(cell)
    return number(cell, digits=digits)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFigure:
    """One figure of a finished job.

    :param key: stable, and its own on the page: `infrared`.
    :param kind: whose template (`jobs/figures/KIND.html`) and script (`js/figures/KIND.js`) it has.
    :param sentence: what it shows, for who cannot see it; generated from its numbers.
    :param data: what the script draws from.
    :param units: of the quantities in `data`, by their names.
    :param table_open: its table is shown from the beginning.
    :param replaces: the y of the live plot that it takes the place and the number of.
    :param number: of the figure on its page, the same for every job of a type.
    """

    key: str
    kind: str
    title: str
    caption: str
    sentence: str
    table: Table
    data: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    wide: bool = False
    table_open: bool = False
    replaces: str = ""
    number: int = 0

    @property
    def template(self) -> str:
        return f"jobs/figures/{self.kind}.html"

    @property
    def told(self) -> dict[str, Any]:
        """Everything that the script needs, as JSON."""
        return {
            "key": self.key,
            "kind": self.kind,
            "title": self.title,
            "caption": self.caption,
            "sentence": self.sentence,
            "number": self.number,
            "data": self.data,
            "units": self.units,
            "table": {
                "header": self.table.header,
                "rows": self.table.rows,
                "digits": self.table.digits,
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What a figure may be made from.

    :param files: of the newest attempt that left each, by name.
    """

    job: Job
    result: Mapping[str, Any]
    files: Mapping[str, Artifact]


Maker = Callable[[Finished], ResultFigure | None]
"""None where the result holds nothing of it: no infrared spectrum of a single atom."""
