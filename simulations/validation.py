"""Turns what pydantic says of bad params into sentences that name the field and the mend."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeVar, get_args

import pydantic
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from .errors import FieldError, InvalidParams
from .units import WrongUnit, convert

Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], data: Any) -> Model:
    """:raises InvalidParams: naming each field that is wrong."""
    data, wrong = _without_units(model, data)
    try:
        read = model.model_validate(data)
    except pydantic.ValidationError as exc:
        given = data.keys() if isinstance(data, dict) else ()
        told = {error.path for error in wrong}
        others = [each for each in field_errors(exc, model, given) if each.path not in told]
        raise InvalidParams([*wrong, *others]) from None
    if errors := _booleans_for_numbers(model, data):
        raise InvalidParams(errors)
    return read


def _without_units(model: type[BaseModel], data: Any) -> tuple[Any, list[FieldError]]:
    """`25 C` as the kelvins that it is, and what was typed in a unit of something else."""
    if not isinstance(data, dict):
        return data, []
    found, wrong = dict(data), []
    for name, unit in _measured(model):
        text = data.get(name)
        if not isinstance(text, str):
            continue
        try:
            number = convert(text, unit)
        except WrongUnit as exc:
            detail = f"{name} is {_shorten(text)}: {exc}."
            wrong.append(FieldError(path=(name,), code="wrong_unit", detail=detail))
        else:
            found[name] = text if number is None else number
    return found, wrong


@cache
def _measured(model: type[BaseModel]) -> tuple[tuple[Any, str], ...]:
    """The names of fields that have a unit, and the unit."""
    fields = model.model_fields.items()
    names = [name for field, info in fields for name in _names(field, info)]
    return tuple((name, unit) for name in names if (unit := _unit(model, name).strip()))


BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
EXPECTED = {
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "int_type": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "a string",
    "string_unicode": "a string in Unicode",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
}
"""What each of pydantic's complaints about a type asks for."""
MAX_ERRORS = 20
MAX_MOVED = 200
"""Of a value's text: a longer one is not repeated in a mend."""
SURE = 0.85
MAX_GUESSED = 5
"""Unknown names beyond which no known one is searched for each: the input is another thing."""


def field_errors(
    exc: pydantic.ValidationError, model: type[BaseModel], given: Collection[Any] = ()
) -> list[FieldError]:
    """Each error in a sentence; of very many the first, and how many there are.

    :param given: the names that the input has; no mend is to overwrite one of them.
    """
    found = exc.errors(include_url=False)
    guess = sum(error["type"] == "extra_forbidden" for error in found) <= MAX_GUESSED
    errors = [_field_error(error, model, guess) for error in found[:MAX_ERRORS]]
    errors = [_kept(error, given) for error in errors]
    if more := len(found) - len(errors):
        count = f"{more} more thing{'s are' if more > 1 else ' is'}"
        errors.append(FieldError(path=(), code="too_many_errors", detail=f"{count} wrong."))
    return errors


def _kept(error: FieldError, given: Collection[Any]) -> FieldError:
    if error.code != "unknown_field" or not (
        error.fix and {*given} & (error.fix.keys() - {*error.path})
    ):
        return error
    return replace(error, fix=None)


def _field_error(error: Any, model: type[BaseModel], guess: bool) -> FieldError:
    path = tuple(error["loc"])
    name = _called(path)
    given = error.get("input")
    context = error.get("ctx") or {}
    match error["type"]:
        case "extra_forbidden":
            return _unknown_field(path, name, given, model, guess)
        case "missing":
            detail = f"{name} is required."
        case "literal_error":
            return _not_one_of(path, name, given, context["expected"])
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            ((bound, limit),) = context.items()
            wanted = f"{BOUNDS[bound]} {limit:g}{_unit(model, name)}"
            detail = f"{name} is {_shorten(given)}; it must be {wanted}."
        case "value_error":
            detail = str(context["error"])
        case kind if kind in EXPECTED:
            detail = f"{name} is {_shorten(given)}; it must be {EXPECTED[kind]}."
        case _:
            detail = f"{name} is {_shorten(given)}: {_lower(error['msg'])}."
    return FieldError(path=path, code=error["type"], detail=detail)


def _called(path: tuple[str | int, ...]) -> str:
    """A field as a sentence names it, `k_mesh, entry 2`; people count from 1."""
    if not path:
        return "params"
    if isinstance(path[-1], int):
        return f"{_called(path[:-1])}, entry {path[-1] + 1}"
    name = path[-1]
    return name if len(name) <= 60 else f"{name[:60]}…"


def _unknown_field(
    path: tuple[str | int, ...], name: str, given: Any, model: type[BaseModel], guess: bool
) -> FieldError:
    known = [*_model_at(path[:-1], model).model_fields]
    close = _meant(name, known) if guess else []
    mend = f"Did you mean {close[0]}?" if close else f"It takes {', '.join(known)}."
    is_clear = len(close) == 1 and len(path) == 1 and _can_be_moved(given)
    return FieldError(
        path=path,
        code="unknown_field",
        detail=f"There is no parameter {name} here. {mend}",
        # As in a merge patch, null takes a name away.
        fix={str(path[0]): None, close[0]: given} if is_clear else None,
    )


def _meant(name: str, known: Sequence[str]) -> list[str]:
    """The one that goes on with a unit, box_size_angstrom for box_size; else what looks alike."""
    longer = [each for each in known if each.startswith(f"{name}_")]
    return longer if len(longer) == 1 else get_close_matches(name, known)


def _model_at(path: Sequence[str | int], model: type[BaseModel]) -> type[BaseModel]:
    """What lies there in the input: of a structure, what a structure takes."""
    for name in path:
        if isinstance(name, str) and name in model.model_fields:
            found = _models_in(model.model_fields[name].annotation)
            # Of several that it may be nobody knows which was meant.
            model = found[0] if len(found) == 1 else model
    return model


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [each for part in get_args(annotation) for each in _models_in(part)]


def _can_be_moved(given: Any) -> bool:
    """Short, and what JSON can say: infinity and what is no number are read, and never written."""
    if len(repr(given)) > MAX_MOVED:
        return False
    try:
        json.dumps(given, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _not_one_of(path: tuple[str | int, ...], name: str, given: Any, expected: str) -> FieldError:
    choices = [choice.strip("'") for choice in expected.replace(" or ", ", ").split(", ")]
    close = [choice for choice in choices if _is_slip_of(choice, str(given))]
    meant = close or _near(choices, str(given))
    mend = f" Did you mean {meant[0]}?" if meant else ""
    return FieldError(
        path=path,
        code="unknown_choice",
        detail=f"{name} is {_shorten(given)}; expected one of {', '.join(choices)}.{mend}",
        fix={name: close[0]} if close and len(path) == 1 else None,
    )


def _is_slip_of(choice: str, given: str) -> bool:
    """Whether only case, separators or two swapped neighbours set them apart.

    One other letter, one more or one less may be another method: cc-pvqz is not cc-pvdz, nor
    wB97X-D wB97X, nor 6-31+g* 6-31g*.
    """
    if len(given) > 2 * len(choice):
        return False
    wanted, typed = _bare(choice), _bare(given)
    swapped = (typed[:i] + typed[i + 1] + typed[i] + typed[i + 2 :] for i in range(len(typed) - 1))
    return typed == wanted or wanted in swapped


def _near(choices: Sequence[str], given: str) -> list[str]:
    """What may be asked for and never put in its place: half a name, a word misspelt.

    Of methods only names that go on with a word: wB97X is not short for wB97X-D. Ethanal is a
    letter away from ethanol, and another solvent: only a letter more or less may be a slip.
    """
    if not 3 <= len(given) <= 40:
        return []
    typed = given.lower()
    begun = [choice for choice in choices if _goes_on_with_a_word(choice.lower(), typed)]
    words = [choice for choice in choices if choice.isalpha() and len(choice) != len(typed)]
    if len(begun) == 1 or not typed.isalpha():
        return begun[:1] if len(begun) == 1 else []
    return get_close_matches(typed, words, n=1, cutoff=SURE)


def _goes_on_with_a_word(choice: str, typed: str) -> bool:
    rest = choice.removeprefix(typed)
    return choice.startswith(f"{typed}-") and len(rest) > 3 and rest[1:].isalpha()


def _bare(word: str) -> str:
    return word.lower().translate(_SEPARATORS)


_SEPARATORS = str.maketrans("", "", " -_")


def _booleans_for_numbers(model: type[BaseModel], data: Any) -> list[FieldError]:
    """Pydantic takes true for 1: nobody who wrote it meant a number."""
    if not isinstance(data, dict):
        return []
    return [
        FieldError(
            path=(name,),
            code="boolean",
            detail=f"{name} is {_shorten(data[name])}; it must be a number.",
        )
        for name in _numbers(model)
        if isinstance(data.get(name), bool)
    ]


@cache
def _numbers(model: type[BaseModel]) -> tuple[Any, ...]:
    """The names of all fields that are numbers."""
    fields = model.model_fields.items()
    return tuple(
        name
        for field, info in fields
        if _is_number(info.annotation)
        for name in _names(field, info)
    )


def _is_number(annotation: Any) -> bool:
    kinds = {annotation, *get_args(annotation)}
    return bool(kinds & {int, float}) and bool not in kinds


def _names(field: str, info: FieldInfo) -> tuple[Any, ...]:
    """The field's name and those that it also goes by."""
    alias = info.validation_alias
    choices = alias.choices if isinstance(alias, pydantic.AliasChoices) else []
    return tuple(dict.fromkeys([field, *choices]))


def notes_on_unused(model: BaseModel) -> list[dict[str, str]]:
    """A note for each given param that the simulation accepts and has no use for."""
    return [
        {
            "code": "not_used",
            "message": f"{name} = {getattr(model, name)} was given and is not used: {why}",
        }
        for name, why in _unused(type(model))
        if getattr(model, name) is not None
    ]


@cache
def _unused(model: type[BaseModel]) -> tuple[tuple[str, str | None], ...]:
    return tuple(
        (name, info.description)
        for name, info in model.model_fields.items()
        if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("unused")
    )


def _unit(model: type[BaseModel], name: str) -> str:
    """The unit of the field that goes by this name or alias, with a space before it."""
    for field, info in model.model_fields.items():
        if name in _names(field, info) and isinstance(info.json_schema_extra, dict):
            unit = info.json_schema_extra.get("unit")
            return f" {unit}" if unit else ""
    return ""


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


_WORDS = {"True": "true", "False": "false", "None": "null"}
"""As JSON has them."""


def _shorten(value: Any, limit: int = 60) -> str:
    text = _WORDS.get(repr(value)) or repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"
