"""Input and result of a job as rows: what it is called, its value, its unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

from jobs import references

from .formats import plain, split_unit

LONGEST_LIST = 8
LONGEST_TEXT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """:param whole: the whole text, where `value` only says what there is."""

    label: str
    value: str
    unit: str = ""
    help: str = ""
    whole: str = ""


def rows(data: dict[str, Any], model: type[BaseModel] | None) -> list[Row]:
    """Everything in `data` that a table can hold, in the order and words of its model."""
    fields = model.model_fields if model else {}
    names = [name for name in fields if name in data] + [n for n in data if n not in fields]
    return [row for name in names for row in _rows(name, data[name], fields.get(name))]


def _rows(name: str, value: Any, info: Any) -> Iterator[Row]:
    extra = info.json_schema_extra if info and isinstance(info.json_schema_extra, dict) else {}
    if extra.get("unused") and value is None:
        return
    bare, unit, digits = split_unit(name)
    label = (info.title if info else None) or _in_words(bare)
    if isinstance(value, dict) and set(value) == {"format", "text"}:
        value = value["text"]
    if references.is_reference(value):
        value = references.called(value)
    if isinstance(value, dict) and all(isinstance(each, str) for each in value.values()):
        value = ", ".join(f"{key} {each}" for key, each in value.items())
        yield Row(label=label, value=value)
    elif isinstance(value, dict):
        yield from (_within(label, row) for row in rows(value, _model_in(info)))
    elif not _is_large(value):
        yield _row(label, value, str(extra.get("unit") or unit), digits, info)


def _in_words(name: str) -> str:
    """Of how many it is says the number itself: `n_atoms` are atoms."""
    return name.removeprefix("n_").replace("_", " ").capitalize()


def _model_in(info: Any) -> type[BaseModel] | None:
    """What tells the words of a field that has fields of its own, where it is of one kind."""
    kind = info.annotation if info else None
    found = [
        each
        for each in (kind, *get_args(kind))
        if isinstance(each, type) and issubclass(each, BaseModel)
    ]
    return found[0] if len(found) == 1 else None


def _row(label: str, value: Any, unit: str, digits: int | None, info: Any) -> Row:
    text = plain(value, digits)
    is_long = len(text) > LONGEST_TEXT or "\n" in text
    return Row(
        label=label,
        value=f"{text.count(chr(10)) + 1} lines of text" if "\n" in text else shortened(text),
        unit=unit if value is not None else "",
        help=(info.description if info else None) or "",
        whole=text if is_long else "",
    )


def shortened(text: str) -> str:
    """Cut between two items or words: half a number would read as another number."""
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT].rpartition(' ')[0] or text[:LONGEST_TEXT]} …"


def _within(label: str, row: Row) -> Row:
    return Row(
        label=f"{label}, {row.label.lower()}", value=row.value, unit=row.unit, whole=row.whole
    )


def _is_large(value: Any) -> bool:
    """Arrays and lists of objects are for the files."""
    if not isinstance(value, list):
        return False
    return len(value) > LONGEST_LIST or any(isinstance(item, list | dict) for item in value)
