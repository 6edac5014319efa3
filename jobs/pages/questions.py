"""What a field of a pydantic model asks of a person, and how its answer reads back."""

from __future__ import annotations

import enum
import json
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from simulations.units import WrongUnit, convert

from .formats import split_unit

LEVELS = ("main", "more", "expert")
SUBJECTS = {
    "Structure": ("structure", "charge", "multiplicity"),
    "Ligand and site": ("ligand", "receptor_pdb", "box_"),
    "Reaction": ("reactants", "products"),
}
"""What is computed, by the beginnings of the names of its fields; the others say how."""
HOW = "Calculation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One field to draw.

    :param kind: `number`, `text`, `textarea`, `choice`, `bool`, `structure` or `json`.
    :param choices: what each option of a select stands for, by the text it posts.
    :param takes_none: leaving it blank means "none".
    :param drawn: whether it makes sense to draw it by hand.
    :param level: `main`, `more` or `expert`: how soon somebody has to think of it.
    """

    name: str
    label: str
    kind: str
    help: str
    unit: str
    required: bool
    takes_none: bool
    default: Any
    choices: dict[str, Any]
    labels: dict[str, str]
    attrs: dict[str, Any]
    examples: list[str]
    hidden: bool
    level: str
    drawn: bool

    @property
    def group(self) -> str:
        """Under which heading it stands."""
        of = (title for title, begun in SUBJECTS.items() if self.name.startswith(begun))
        return next(of, HOW)

    def is_same(self, one: Any, other: Any) -> bool:
        """Whether two answers mean the same, as texts: 300 is 300.0."""
        if self.kind == "bool":
            return bool(one) == bool(other)
        one, other = str(one or "").strip(), str(other or "").strip()
        if one == other or self.kind not in {"number", "json"}:
            return one == other
        return bool(as_value(self, one) == as_value(self, other))

    def in_words(self, text: Any) -> str:
        """An answer as a sentence names it."""
        if self.kind == "bool":
            return "on" if text else "off"
        label = self.labels.get(str(text), str(text)) if text not in ("", None) else ""
        short = label if len(label) <= 60 else f"{label[:60]}…"
        return short.replace("\n", " ") or "blank"


def questions(model: type[BaseModel], n_main: int = 6) -> Iterator[Question]:
    """The fields in their order; those beyond the first `n_main` are for "More settings"."""
    asked = 0
    for name, info in model.model_fields.items():
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        if extra.get("unused"):
            continue
        level = str(extra.get("level") or ("main" if asked < n_main else "more"))
        asked += 1
        yield _question(name, info, extra, level)


def _question(name: str, info: FieldInfo, extra: dict[str, Any], level: str) -> Question:
    inner, takes_none = _without_none(info.annotation)
    kind, choices = _kind(inner, extra)
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    is_number = kind == "number"
    return Question(
        name=name,
        label=info.title or name.replace("_", " ").capitalize(),
        kind=kind,
        help=info.description or "",
        unit=str(extra.get("unit") or split_unit(name)[1]),
        required=info.is_required(),
        takes_none=takes_none,
        default=default,
        choices=choices,
        labels=dict(extra.get("labels") or {}),
        attrs=_bounds(info, step="1" if inner is int else "any") if is_number else {},
        examples=[str(each) for each in extra.get("examples") or info.examples or []],
        hidden=extra.get("widget") == "hidden",
        level=level,
        drawn=bool(extra.get("drawn", True)),
    )


def as_text(question: Question, value: Any) -> Any:
    """A stored value as the form shows it."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if isinstance(value, enum.Enum):
        value = value.value
    if question.kind == "bool":
        return bool(value)
    if value is None:
        return ""
    if question.kind == "structure":
        return value["text"] if isinstance(value, dict) else value
    if question.kind == "choice":
        return next((text for text, each in question.choices.items() if each == value), value)
    return value if isinstance(value, str) else json.dumps(value)


def as_value(question: Question, text: Any) -> Any:
    """What was typed, as pydantic wants it; it alone judges whether that is right."""
    if question.kind == "choice":
        return question.choices.get(text, text)
    if question.kind not in {"json", "number"}:
        return text
    try:
        number = convert(text, question.unit) if isinstance(text, str) else None
    except WrongUnit:
        return text
    return _read(text) if number is None else number


def _read(text: Any) -> Any:
    """As JSON, where it is any."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def is_left_out(question: Question, text: Any) -> bool:
    """A blank answer takes the default; where there is none, only text may be blank."""
    return text in ("", None) and not (question.required and question.kind in TEXTS)


TEXTS = {"text", "textarea", "structure"}


def structure_formats(model: type[BaseModel], name: str) -> list[str]:
    """The formats that a structure may be said to be in."""
    inner, _ = _without_none(model.model_fields[name].annotation)
    return [str(each) for each in get_args(inner.model_fields["format"].annotation)]


def _kind(inner: Any, extra: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if get_origin(inner) is Literal:
        return "choice", {str(each): each for each in get_args(inner)}
    if inner is bool:
        return "bool", {}
    if inner in (int, float):
        return "number", {}
    if inner is str:
        return ("textarea" if extra.get("widget") == "textarea" else "text"), {}
    if isinstance(inner, type) and issubclass(inner, enum.Enum):
        return "choice", {str(each.value): each.value for each in inner}
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return ("structure" if {"format", "text"} <= set(inner.model_fields) else "json"), {}
    return "json", {}


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    rest = [each for each in get_args(annotation) if each is not type(None)]
    takes_none = len(rest) < len(get_args(annotation))
    return (rest[0] if len(rest) == 1 else Union[tuple(rest)]), takes_none  # noqa: UP007


def _bounds(info: FieldInfo, step: str) -> dict[str, Any]:
    """The HTML min, max and step of a number field."""
    attrs: dict[str, Any] = {"step": step}
    for rule in info.metadata:
        match rule:
            case Ge(ge=bound) | Gt(gt=bound):
                attrs["min"] = bound
            case Le(le=bound) | Lt(lt=bound):
                attrs["max"] = bound
    return attrs
