"""From a tool call to a job: one tool for each simulation, one for any, and one that only looks.

One flat tool each, its arguments the simulation's own: models fill those in with fewer mistakes
than an object inside an object of a tool that does everything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, Field

import simulations
from jobs.mcp import telling
from jobs.mcp.schemas import params_schema
from jobs.mcp.site import Refused
from jobs.mcp.telling import OPTIONS, Told
from jobs.states import Scope
from simulations import FieldError, InvalidParams
from simulations.validation import validate

from .base import ANNOTATIONS, JOBS, MAX_WAIT_S, Call, Tool, tool
from .waiting import until_over

OPTIONS_SCHEMA = {
    "type": "object",
    "description": "As of submit: name, tags, purpose, priority, reuse, limits, wait_seconds, …",
}


MAX_SHOWN = 200


class Limits(BaseModel, extra="forbid"):
    wall_time_s: int | None = None
    memory_mib: int | None = None
    disk_mib: int | None = None
    threads: int | None = None


class Waiting(BaseModel, extra="forbid"):
    wait_seconds: int | None = Field(None, ge=0, le=MAX_WAIT_S)


class JobOptions(Waiting):
    """What may be said of a job beside what it computes."""

    name: str | None = None
    tags: list[str] | None = None
    priority: Literal["low", "normal", "high"] | None = None
    backend: str | None = Field(None, description="Where to run; left out, the site decides.")
    queue: Literal["auto", "cpu", "gpu", "long"] | None = None
    purpose: str | None = Field(None, description="What for: for whoever asks later.")
    reuse: bool | None = Field(None, description="false computes anew what was computed before.")
    limits: Limits | None = None
    idempotency_key: str | None = Field(None, description="Same key, same job.")

    def wire(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True, exclude={"idempotency_key", "wait_seconds"})


class Submission(JobOptions):
    simulation: str = Field(description="A name of list_simulations, or what people call it.")
    params: dict[str, Any] = Field(description="As the schema of its own tool has them.")


class Check(BaseModel, extra="forbid"):
    simulation: str
    params: dict[str, Any]
    limits: Limits | None = None


def tools() -> Iterator[Tool]:
    yield from (_tool_of(sim) for sim in simulations.all_simulations() if sim.available)
    yield submit
    yield check


def tool_name(simulation: str) -> str:
    """Clients take letters, digits and underscores."""
    return f"submit_{simulation.replace('.', '_')}"


def _tool_of(simulation: simulations.Simulation) -> Tool:
    schema = params_schema(simulation)
    schema["properties"] = {**schema["properties"], OPTIONS: OPTIONS_SCHEMA}
    return Tool(
        name=tool_name(simulation.name),
        title=simulation.title,
        description=simulation.summary,
        schema=schema,
        annotations=ANNOTATIONS[Scope.SUBMIT],
        scope=Scope.SUBMIT,
        run=partial(_submit_as, simulation.name),
        simulation=simulation.name,
    )


async def _submit_as(simulation: str, call: Call, given: dict[str, Any]) -> Told:
    params = {name: value for name, value in given.items() if name != OPTIONS}
    if misplaced := _misplaced(simulation, given):
        raise InvalidParams(misplaced)
    try:
        options = validate(JobOptions, given.get(OPTIONS) or {})
    except InvalidParams as exc:
        own = [
            replace(each, path=(OPTIONS, *each.path), fix=each.fix and {OPTIONS: each.fix})
            for each in exc.errors
        ]
        wrong = await _wrong_params(call, {"simulation": simulation, "params": params})
        more = [replace(each, path=each.path[1:]) for each in wrong]
        raise InvalidParams([*own, *more]) from None
    return await _submit(call, {"simulation": simulation, "params": params}, options)


def _misplaced(simulation: str, given: dict[str, Any]) -> list[FieldError]:
    """What is said of the job, among what is said of the simulation."""
    own = simulations.get(simulation).Params.model_fields
    options = given.get(OPTIONS)
    options = options if isinstance(options, dict) else {}
    return [
        FieldError(
            path=(name,),
            code="unknown_field",
            detail=f"{name} is no param of {simulation}; it goes into {OPTIONS}: "
            f"{json.dumps({OPTIONS: {name: given[name]}})[:MAX_SHOWN]}.",
            fix={name: None, OPTIONS: {name: given[name]}} if name not in options else None,
        )
        for name in given
        if name in JobOptions.model_fields and name not in own
    ]


async def _wrong_params(call: Call, given: dict[str, Any]) -> list[FieldError]:
    """What the REST door would say of them, were all that is said beside them right."""
    body = {name: given.get(name) for name in ("simulation", "params")}
    if not (isinstance(body["simulation"], str) and isinstance(body["params"], dict)):
        return []
    try:
        found = (await call.site.ask("POST", f"{JOBS}/check", body)).body
    except Refused:
        return []  # what is known by now is told, and is enough to refuse the call
    return [
        FieldError(
            path=tuple(each["pointer"].split("/")[1:]), code=each["code"], detail=each["detail"],
            fix=each.get("fix"), position=each.get("position"),
        )
        for each in found["errors"]
        if each["pointer"]
    ]  # fmt: skip


@tool("submit", "Submit a job", Submission, Scope.SUBMIT, look_further=_wrong_params)
async def submit(call: Call, given: Submission) -> Told:
    """Submit any simulation by name; the submit_… tools show the params of each. Answers at once
    with the job's id. An equal job of yours is answered with that one."""
    return await _submit(call, {}, given)


async def _submit(call: Call, body: dict[str, Any], options: JobOptions) -> Told:
    said = {"Idempotency-Key": options.idempotency_key} if options.idempotency_key else {}
    answer = await call.site.ask("POST", JOBS, {**body, **options.wire()}, headers=said)
    return await told_of_new(call, answer.body, options)


async def told_of_new(call: Call, job: dict[str, Any], options: Waiting) -> Told:
    """What is said of a job that was just made: at once, after a wait, or as a task."""
    # A key that may not look, and so is told no progress, does not wait.
    if options.wait_seconds and "progress" in job:
        return await until_over(call, job["id"], options.wait_seconds)
    told = telling.of_job(job)
    # Whoever says how long to wait, if only 0 s, wants an answer and no task.
    is_task = options.wait_seconds is None and not telling.is_final(job)
    return replace(told, follow=job) if is_task else told


@tool("check", "Check before submitting", Check)
async def check(call: Call, given: Check) -> Told:
    """What submitting would say, without submitting: what is wrong and the mend, how the structure
    is understood, how long it will take, and an equal job if there is one."""
    body = given.model_dump(exclude_none=True)
    found = (await call.site.ask("POST", f"{JOBS}/check", body)).body
    return telling.of_check(found)
