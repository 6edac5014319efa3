"""What of a result fills a table of its own: rows of poses, and columns that belong together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from .formats import plain, split_unit
from .tables import LONGEST_LIST

MOST_ROWS = 60
"""That are printed; the files have them all."""
MOST_COLUMNS = 10


UNTOLD = {"notes"}
"""Is told in words elsewhere."""


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    is_number: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """:param more: rows that are left out."""

    title: str
    heads: list[Cell]
    rows: list[list[Cell]]
    more: int = 0


def result_tables(result: dict[str, Any], model: type[BaseModel] | None) -> list[Table]:
    return [*_of_rows(result, model), *_of_columns(result, model)]


def _of_rows(result: dict[str, Any], model: type[BaseModel] | None) -> Iterator[Table]:
    for name, value in result.items():
        if not isinstance(value, list) or not value or not isinstance(value[0], dict):
            continue
        if name in UNTOLD:
            continue
        keys = [key for key, each in value[0].items() if not isinstance(each, list | dict)]
        keys = keys[:MOST_COLUMNS]
        if keys:
            cells = [[_cell(key, row.get(key)) for key in keys] for row in value[:MOST_ROWS]]
            yield Table(
                title=_title(name, model),
                heads=[Cell(_head(key, None), _is_number(value[0][key])) for key in keys],
                rows=cells,
                more=max(len(value) - MOST_ROWS, 0),
            )


def _of_columns(result: dict[str, Any], model: type[BaseModel] | None) -> Iterator[Table]:
    """Lists of numbers that are equally long are about the same things: the modes, the atoms."""
    by_length: dict[int, list[str]] = defaultdict(list)
    for name, value in result.items():
        if isinstance(value, list) and len(value) > LONGEST_LIST and _are_numbers(value):
            by_length[len(value)].append(name)
    for n, names in by_length.items():
        names = names[:MOST_COLUMNS]
        rows = [
            [Cell(str(i + 1)), *(_cell(name, result[name][i]) for name in names)]
            for i in range(min(n, MOST_ROWS))
        ]
        yield Table(
            title=_title(names[0], model),
            heads=[Cell("No."), *(Cell(_head(name, model)) for name in names)],
            rows=rows,
            more=max(n - MOST_ROWS, 0),
        )


def _are_numbers(values: list[Any]) -> bool:
    return all(map(_is_number, values))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _title(name: str, model: type[BaseModel] | None) -> str:
    info = model.model_fields.get(name) if model else None
    return (info.title if info else None) or split_unit(name)[0].replace("_", " ").capitalize()


def _head(name: str, model: type[BaseModel] | None) -> str:
    info = model.model_fields.get(name) if model else None
    extra = info.json_schema_extra if info and isinstance(info.json_schema_extra, dict) else {}
    unit = extra.get("unit") or split_unit(name)[1]
    return f"{_title(name, model)}, {unit}" if unit else _title(name, model)


def _cell(name: str, value: Any) -> Cell:
    return Cell(plain(value, split_unit(name)[2]), _is_number(value))
