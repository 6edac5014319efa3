"""The tools for jobs that there are: look, wait, read, explain, stop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, Field

import simulations
from jobs.mcp import telling
from jobs.mcp.schemas import params_schema
from jobs.mcp.telling import Told
from jobs.states import Scope

from .base import JOBS, MAX_WAIT_S, Call, OneJob, cursor_of, tool
from .submitting import tool_name
from .waiting import look, until_over

MAX_BYTES = 16_000
MOST_BYTES = 200_000
MAX_SUMMARY = 300
"""Characters."""


class Wait(OneJob):
    wait_seconds: int = Field(MAX_WAIT_S, ge=1, le=MAX_WAIT_S)


class Listing(BaseModel, extra="forbid"):
    state: list[Literal["queued", "running", "succeeded", "failed", "cancelled"]] | None = None
    simulation: str | None = None
    text: str | None = Field(None, description="Part of the name, or the beginning of the id.")
    tag: list[str] | None = Field(None, description="All of them.")
    batch: str | None = Field(None, description="The id of one: its jobs.")
    agent: str | None = None
    created_after: str | None = Field(None, description="2026-11-23T10:00:00Z or a day.")
    finished_after: str | None = None
    limit: int = Field(20, ge=1, le=50)
    cursor: str | None = Field(None, description="next_cursor of the answer before.")


class Reading(OneJob):
    fields: list[str] | None = Field(
        None, description="Dotted paths into the result, energy_hartree; all of it without."
    )
    max_bytes: int = Field(MAX_BYTES, ge=1000, le=MOST_BYTES)


class Which(BaseModel, extra="forbid"):
    name: str | None = Field(None, description="One of them, with the schema of its result.")


@tool("wait_for_job", "Wait for a job", Wait)
async def wait_for_job(call: Call, given: Wait) -> Told:
    """Wait until the job is over, at most 50 seconds, and say how it stands. Call it again as long
    as it is not over; the job goes on whether anybody waits or not."""
    return await until_over(call, given.job_id, given.wait_seconds)


@tool("get_job", "Look at a job", OneJob)
async def get_job(call: Call, given: OneJob) -> Told:
    """How the job stands: state, progress, newest quantities, why it waits, its key figures or its
    error, its files."""
    return telling.of_job(await look(call, given.job_id))


@tool("list_jobs", "List jobs", Listing)
async def list_jobs(call: Call, given: Listing) -> Told:
    """Your jobs, newest first, those of earlier conversations included."""
    query = given.model_dump(exclude_none=True)
    if given.state:
        query["state"] = ",".join(given.state)
    page = await call.site.get(JOBS, query)
    rows = [_row(job) for job in page["results"]]
    cursor = cursor_of(page)
    more = f'list_jobs(cursor="{cursor}") for older ones' if cursor else "get_job for one of them"
    return Told(
        summary=f"{len(rows)} job{'' if len(rows) == 1 else 's'}{' and more' if cursor else ''}.",
        next=more,
        data={"jobs": rows, "next_cursor": cursor},
    )


@tool("get_result", "Read a result", Reading)
async def get_result(call: Call, given: Reading) -> Told:
    """The result of a job that has succeeded, all of it or some fields; never more than max_bytes:
    the largest values are left out first, and named with their size in left_out."""
    fields = [f"result.{field}" for field in given.fields or ()] or ["result"]
    asked = {"fields": ",".join(["state", *fields]), "max_bytes": given.max_bytes}
    job = await call.site.get(given.path, asked)
    if job["state"] != "succeeded":
        return telling.of_job(await look(call, given.job_id))
    result, left_out = job.get("result") or {}, job.get("left_out", {})
    missing = [field for field in given.fields or () if not _has(result, field, left_out)]
    if missing:
        # It refuses what no such result has, and says what was meant.
        await call.site.get(f"{given.path}/result", {"fields": ",".join(missing)})
    data = {"result": result, "left_out": left_out, "not_there": missing}
    return Told(
        summary=_read_out(given, result),
        next=_after_reading(left_out, missing),
        data={name: value for name, value in data.items() if value},
    )


@tool("explain_job", "Explain a job", OneJob)
async def explain_job(call: Call, given: OneJob) -> Told:
    """Why a job waits, failed, was cancelled, or was computed anew: the cause, the evidence, and
    where there is one the change to submit it with."""
    found = await call.site.get(f"{given.path}/explain")
    return telling.of_explanation(found)


@tool("cancel_job", "Cancel a job", OneJob, Scope.CANCEL)
async def cancel_job(call: Call, given: OneJob) -> Told:
    """Stop a job that waits or runs. What it has computed by then is kept; it is not undone."""
    answer = await call.site.ask("POST", f"{given.path}/cancel")
    return telling.of_job(answer.body)


@tool("list_simulations", "List simulations", Which)
async def list_simulations(call: Call, given: Which) -> Told:
    """What can be computed here, and by which tool it is submitted; or one of them in full."""
    if given.name is not None:
        return _one_simulation(simulations.find(given.name))
    rows = [
        {"name": sim.name, "title": sim.title, "summary": sim.summary, "tool": tool_name(sim.name)}
        for sim in simulations.all_simulations()
        if sim.available
    ]
    return Told(
        summary=f"{len(rows)} simulations.",
        next="call the tool of one; check first if in doubt",
        data={"simulations": rows},
    )


TOOLS = [wait_for_job, get_job, list_jobs, get_result, explain_job, cancel_job, list_simulations]


def _one_simulation(sim: simulations.Simulation) -> Told:
    data = {
        "name": sim.name,
        "aliases": list(sim.aliases),
        "params_schema": params_schema(sim),
        "result_fields": {
            name: field.description or field.title
            for name, field in sim.Result.model_fields.items()
        },
    }
    return Told(
        summary=f"{sim.title}: {sim.summary}", next=f"call {tool_name(sim.name)}", data=data
    )


def _row(job: dict[str, Any]) -> dict[str, Any]:
    row = {name: job[name] for name in ("id", "simulation", "name", "state", "created_at")}
    figures = {"summary": job.get("summary"), "failure_kind": job.get("failure_kind")}
    return row | {name: value for name, value in figures.items() if value}


def _has(result: Any, field: str, left_out: dict[str, Any]) -> bool:
    """Whether the result has it, here or left out."""
    named = {each["path"] for each in left_out.get("values", ())}
    if any(path == "*" or path.startswith(f"result.{field}") for path in named):
        return True
    for step in field.split("."):
        if isinstance(result, list):
            result = result[0] if result else {}
        if not isinstance(result, dict) or step not in result:
            return False
        result = result[step]
    return True


def _read_out(given: Reading, result: dict[str, Any]) -> str:
    """The values that were asked for, where they are short enough for a sentence."""
    told = [f"{name} = {json.dumps(value)}" for name, value in _values(result) if given.fields]
    if told and len(line := ", ".join(told)) <= MAX_SUMMARY:
        return f"{line} (job {given.job_id})."
    what = ", ".join(given.fields or result)
    return f"The result of job {given.job_id}: {telling.cut(what, MAX_SUMMARY)}."


def _values(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each by its dotted name, a list as a whole."""
    if not isinstance(value, dict):
        yield path, value
        return
    for name, each in value.items():
        yield from _values(each, f"{path}.{name}" if path else name)


def _after_reading(left_out: dict[str, Any], missing: list[str]) -> str:
    if missing:
        return f"get_result without fields shows what there is; there is no {', '.join(missing)}"
    if values := left_out.get("values"):
        paths = [each["path"].removeprefix("result.") for each in values]
        return f"left out: {', '.join(paths[:5])}; ask for it by fields, or for more by max_bytes"
    return "that is all of it; get_job names the job's files, with what is too large for a result"
