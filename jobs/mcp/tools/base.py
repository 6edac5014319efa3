"""What a tool is, and what it may ask of the call that it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from jobs.mcp.schemas import compact
from jobs.mcp.site import Site
from jobs.mcp.telling import Told, path_part
from jobs.states import Scope
from simulations import FieldError, InvalidParams
from simulations.validation import validate

MAX_WAIT_S = 50
"""Clients give a tool call up after 60 s."""
JOBS = "/api/v1/jobs"

ANNOTATIONS = {
    Scope.READ: ToolAnnotations(read_only_hint=True, open_world_hint=False),
    # An equal job is answered with the one that there is.
    Scope.SUBMIT: ToolAnnotations(
        read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    ),
    Scope.CANCEL: ToolAnnotations(
        read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
    ),
    Scope.APPROVE: ToolAnnotations(
        read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
    ),
}
"""What a client may tell its user of a tool before it calls it."""
OUTPUT = {
    "type": "object",
    "properties": {"summary": {"type": "string"}, "next": {"type": "string"}},
    "required": ["summary", "next"],
}
"""What every answer begins with; what follows is named by the tool's description."""

Tell = Callable[[dict[str, Any]], Awaitable[None]]
Arguments = TypeVar("Arguments", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of one tool.

    :param tell: passes a job's progress on to a client that asked for it.
    """

    site: Site
    tell: Tell
    wants_progress: bool = False


def cursor_of(page: dict[str, Any]) -> str | None:
    """Where the next page of a list begins; None: there is none."""
    return parse_qs(urlsplit(page["next"] or "").query).get("cursor", [None])[0]


LookFurther = Callable[[Call, dict[str, Any]], Awaitable[Sequence[FieldError]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """:param scope: what a key has to open for it to be of use.
    :param simulation: the one that it submits, where it is for one only.
    :param patch_in: the argument that holds a merge patch on a submission, where one does.
    """

    name: str
    title: str
    description: str
    schema: dict[str, Any]
    annotations: ToolAnnotations
    scope: Scope
    run: Callable[[Call, dict[str, Any]], Awaitable[Told]]
    simulation: str = ""
    patch_in: str = ""


class OneJob(BaseModel, extra="forbid"):
    job_id: str = Field(description="The id that submitting answered.")

    @property
    def path(self) -> str:
        return f"{JOBS}/{path_part(self.job_id)}"


def tool(
    name: str,
    title: str,
    arguments: type[Arguments],
    scope: Scope = Scope.READ,
    *,
    patch_in: str = "",
    look_further: LookFurther | None = None,
    annotations: ToolAnnotations | None = None,
) -> Callable[[Callable[[Call, Arguments], Awaitable[Told]]], Tool]:
    """Declare `async def run(call, arguments) -> Told`, its docstring the description.

    :param annotations: where they are not those of its scope.
    :param look_further: what else is wrong with a call whose arguments are, told together with it.
    """

    def declare(func: Callable[[Call, Arguments], Awaitable[Told]]) -> Tool:
        async def run(call: Call, given: dict[str, Any]) -> Told:
            try:
                read = validate(arguments, given)
            except InvalidParams as exc:
                more = await look_further(call, given) if look_further else []
                raise InvalidParams([*exc.errors, *more]) from None
            return await func(call, read)

        return Tool(
            name=name,
            title=title,
            description=" ".join((func.__doc__ or "").split()),
            schema=compact(arguments.model_json_schema()),
            annotations=annotations or ANNOTATIONS[scope],
            scope=scope,
            run=run,
            patch_in=patch_in,
        )

    return declare
