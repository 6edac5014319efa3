"""Turns what pydantic says of bad params into sentences that name the field and the mend."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, TypeVar

import pydantic
from pydantic import BaseModel

from .errors import FieldError, InvalidParams

Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], data: Any) -> Model:
    """:raises InvalidParams: naming each field that is wrong."""
    try:
        return model.model_validate(data)
    except pydantic.ValidationError as exc:
        raise InvalidParams(field_errors(exc, model)) from None


BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def field_errors(exc: pydantic.ValidationError, model: type[BaseModel]) -> list[FieldError]:
    return [_field_error(error, model) for error in exc.errors(include_url=False)]


def _field_error(error: Any, model: type[BaseModel]) -> FieldError:
    path = tuple(error["loc"])
    name = str(path[-1]) if path else "params"
    given = error.get("input")
    context = error.get("ctx") or {}
    match error["type"]:
        case "extra_forbidden":
            return _unknown_field(path, name, model)
        case "missing":
            detail = f"{name} is required."
        case "literal_error":
            return _not_one_of(path, name, given, context["expected"])
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            ((bound, limit),) = context.items()
            wanted = f"{BOUNDS[bound]} {limit:g}{_unit(model, name)}"
            detail = f"{name} is {given!r}; it must be {wanted}."
        case "value_error":
            detail = str(context["error"])
        case _:
            detail = f"{name}: {_lower(error['msg'])}, but got {_shorten(given)}."
    return FieldError(path=path, code=error["type"], detail=detail)


def _unknown_field(path: tuple[str | int, ...], name: str, model: type[BaseModel]) -> FieldError:
    known = list(model.model_fields)
    close = get_close_matches(name, known, n=1)
    mend = f"Did you mean {close[0]}?" if close else f"It takes {', '.join(known)}."
    return FieldError(
        path=path, code="unknown_field", detail=f"There is no parameter {name} here. {mend}"
    )


def _not_one_of(path: tuple[str | int, ...], name: str, given: Any, expected: str) -> FieldError:
    choices = [choice.strip("'") for choice in expected.replace(" or ", ", ").split(", ")]
    by_lower = {choice.lower(): choice for choice in choices}
    found = get_close_matches(str(given).lower(), by_lower, n=1, cutoff=0.5)
    close = [by_lower[lower] for lower in found]
    mend = f" Did you mean {close[0]}?" if close else ""
    return FieldError(
        path=path,
        code="unknown_choice",
        detail=f"{name} is {_shorten(given)}; expected one of {', '.join(choices)}.{mend}",
        fix={name: close[0]} if close else None,
    )


def notes_on_unused(model: BaseModel) -> list[dict[str, str]]:
    """A note for each given param that the simulation accepts and has no use for."""
    return [
        {
            "code": "not_used",
            "message": f"{name} = {getattr(model, name)} was given and is not used: "
            f"{info.description}",
        }
        for name, info in type(model).model_fields.items()
        if isinstance(info.json_schema_extra, dict)
        and info.json_schema_extra.get("unused")
        and getattr(model, name) is not None
    ]


def _unit(model: type[BaseModel], name: str) -> str:
    """The unit of the field that goes by this name or alias, with a space before it."""
    for field, info in model.model_fields.items():
        alias = info.validation_alias
        aliases = alias.choices if isinstance(alias, pydantic.AliasChoices) else []
        if name in (field, *aliases) and isinstance(info.json_schema_extra, dict):
            unit = info.json_schema_extra.get("unit")
            return f" {unit}" if unit else ""
    return ""


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _shorten(value: Any, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"
