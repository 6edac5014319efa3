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
        if isinstance(value, list) and len(value) > LONGEST_LIST and _fill_a_column(value):
            by_length[len(value)].append(name)
    for names in by_length.values():
        # What they are of comes first: the elements of the atoms.
        names.sort(key=lambda name: not isinstance(result[name][0], str))
        if _is_number(result[names[-1]][0]):
            yield _side_by_side({name: result[name] for name in names[:MOST_COLUMNS]}, model)


def _side_by_side(columns: dict[str, list[Any]], model: type[BaseModel] | None) -> Table:
    first = next(name for name, values in columns.items() if _is_number(values[0]))
    heads = [Cell(_head(name, model), _is_number(v[0])) for name, v in columns.items()]
    n = len(columns[first])
    rows = [
        [Cell(str(i + 1)), *(_cell(name, values[i]) for name, values in columns.items())]
        for i in range(min(n, MOST_ROWS))
    ]
    return Table(
        title=_title(first, model),
        heads=[Cell("No."), *heads],
        rows=rows,
        more=max(n - MOST_ROWS, 0),
    )


def _fill_a_column(values: list[Any]) -> bool:
    return all(map(_is_number, values)) or all(isinstance(each, str) for each in values)


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
