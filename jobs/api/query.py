"""What may stand after the question mark. What is not known is refused: it would be no filter."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar, get_origin
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from rest_framework.request import Request

from jobs.states import JobState
from simulations import InvalidParams
from simulations.validation import validate

from .problems import InvalidQuery

MAX_IDS = 200
REPEATED = {"tag"}
"""Given several times, never with commas: a tag may have one."""
SPACED = re.compile(r" (\d\d:?\d\d)$")
DAY = re.compile(r"\d{4}-\d\d-\d\dZ?")
State: Any = Literal[tuple(JobState.values)]


def _with_its_plus(given: Any) -> Any:
    """In an address a `+` is a space: `10:00:00 01:00` was meant with one."""
    return SPACED.sub(r"+\1", given) if isinstance(given, str) else given


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("it needs its timezone: end it in Z, as 2026-11-23T10:00:00Z does")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("it is a moment outside the calendar") from None


def _midnight_of_a_day(given: Any) -> Any:
    is_day = isinstance(given, str) and DAY.fullmatch(given)
    return f"{given[:10]}T00:00:00Z" if is_day else given


Moment = Annotated[
    datetime,
    BeforeValidator(_midnight_of_a_day),
    BeforeValidator(_with_its_plus),
    AfterValidator(_in_utc),
]


class Part(BaseModel, extra="forbid"):
    """How much of something is told."""

    fields: list[str] = Field(
        [],
        max_length=100,
        description="Only these, `state,summary.energy_hartree`; a dotted path reaches into "
        "objects, and into each entry of a list. Of a job `id` is always told.",
    )
    max_bytes: int | None = Field(
        None,
        ge=1000,
        le=100_000_000,
        description="The most that the answer may be. The largest values are left out until it "
        "is, and `left_out` names each with its size and the address that gives it.",
    )


class Shape(Part):
    """How much of each job is told."""

    view: Literal["summary", "full"] | None = Field(
        None,
        description="`summary`: state, progress and key figures, without the bulk; `full`: all.",
    )


class ListQuery(Shape):
    """Which jobs, and how much of each."""

    state: list[State] = Field([], description="One of several, `queued,running`.")
    simulation: list[str] = Field([], max_length=50, description="One of several, by any name.")
    tag: list[str] = Field([], max_length=20, description="All of them, `tag=a&tag=b`.")
    batch: UUID | None = Field(None, description="Of this batch.")
    agent: str = Field("", max_length=100, description="Sent by the agent of that name.")
    text: str = Field(
        "", max_length=200, description="Part of the name, or the beginning of the id."
    )
    created_after: Moment | None = Field(
        None,
        description="At that moment or later, `2026-11-23T10:00:00Z`; a day, `2026-11-23`, is its "
        "midnight in UTC.",
    )
    created_before: Moment | None = Field(None, description="Earlier than that.")
    finished_after: Moment | None = Field(None, description="Ended then or later.")
    finished_before: Moment | None = Field(None, description="Ended earlier than that.")
    ids: list[str] = Field(
        [],
        max_length=MAX_IDS,
        description="These jobs, in this order, in one answer; `unknown_ids` has those that you "
        "have no job of.",
    )
    limit: int = Field(50, ge=1, le=500, description="Jobs in one answer; of `full` at most 100.")
    cursor: str = Field("", max_length=200, description="`next_cursor` of the answer before.")


class EventsQuery(BaseModel, extra="forbid"):
    after: int = Field(0, ge=0, lt=10**9, description="The last `seq` that you have.")


Model = TypeVar("Model", bound=BaseModel)


def read(model: type[Model], request: Request) -> Model:
    """:raises InvalidQuery: naming each parameter that is wrong or unknown."""
    given = request.query_params
    data = {name: _value(model, name, given.getlist(name)) for name in given}
    try:
        return validate(model, data)
    except InvalidParams as exc:
        raise InvalidQuery(exc.errors) from None


def _value(model: type[BaseModel], name: str, texts: list[str]) -> Any:
    """A list for what may be given several times, or several with commas; else the last text."""
    field = model.model_fields.get(name)
    if field is None or get_origin(field.annotation) is not list:
        return texts[-1]
    if name in REPEATED:
        return texts
    return [word for text in texts for each in text.split(",") if (word := each.strip())]


def parameters(model: type[BaseModel]) -> list[OpenApiParameter]:
    """As the OpenAPI document has them."""
    schema = model.model_json_schema()
    return [
        OpenApiParameter(
            name,
            {key: value for key, value in told.items() if key not in {"title", "description"}},
            description=told.get("description", ""),
            explode=name in REPEATED if told.get("type") == "array" else None,
            style="form" if told.get("type") == "array" else None,
        )
        for name, told in schema["properties"].items()
    ]
