"""Jobs and simulations as resources: to read, and to be told when one has changed."""

from __future__ import annotations

import json
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    ListResourcesResult,
    ListResourceTemplatesResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

import simulations

from . import caller, telling
from .caller import Context
from .schemas import params_schema
from .site import Refused

JOBS = "/api/v1/jobs"
JOB_URI = "backplane://jobs/"
SIMULATION_URI = "backplane://simulations/"
MEDIA_TYPE = "application/json"
RECENT = 50
MAX_BYTES = 100_000

TEMPLATES = [
    ResourceTemplate(
        name="job",
        uri_template="backplane://jobs/{job_id}",
        description="A job: everything that there is about it, its largest values left out.",
        mime_type=MEDIA_TYPE,
    ),
    ResourceTemplate(
        name="simulation",
        uri_template="backplane://simulations/{name}",
        description="A simulation, with the schemas of its params and of its result.",
        mime_type=MEDIA_TYPE,
    ),
]


async def templates(
    ctx: Context, params: PaginatedRequestParams | None
) -> ListResourceTemplatesResult:
    return ListResourceTemplatesResult(resource_templates=TEMPLATES)


async def recent(ctx: Context, params: PaginatedRequestParams | None) -> ListResourcesResult:
    """The newest jobs; list_jobs finds the others."""
    page = await caller.of(ctx).site.get(JOBS, {"limit": RECENT})
    return ListResourcesResult(
        resources=[
            Resource(
                name=job["id"],
                title=str(job["name"] or job["simulation"]),
                uri=telling.uri(job["id"]),
                description=f"{job['simulation']}, {telling.progress_line(job)}",
                mime_type=MEDIA_TYPE,
            )
            for job in page["results"]
        ]
    )


async def read(ctx: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
    uri = str(params.uri)
    found = await _found(ctx, uri)
    text = json.dumps(found, ensure_ascii=False)
    contents = TextResourceContents(uri=uri, mime_type=MEDIA_TYPE, text=text)
    return ReadResourceResult(contents=[contents])


def job_id_of(uri: str) -> str | None:
    """Of a job's address; None: it is another's."""
    return uri.removeprefix(JOB_URI) if uri.startswith(JOB_URI) else None


async def _found(ctx: Context, uri: str) -> dict[str, Any]:
    if job_id := job_id_of(uri):
        try:
            path = f"{JOBS}/{telling.path_part(job_id)}"
            return dict(await caller.of(ctx).site.get(path, {"max_bytes": MAX_BYTES}))
        except Refused as refused:
            if refused.answer.status == 404:
                raise _nothing_at(uri) from None
            raise
    try:
        sim = simulations.get(uri.removeprefix(SIMULATION_URI))
    except KeyError:
        raise _nothing_at(uri) from None
    return {
        "name": sim.name,
        "title": sim.title,
        "summary": sim.summary,
        "params_schema": params_schema(sim),
        "result_schema": sim.Result.model_json_schema(),
    }


def _nothing_at(uri: str) -> MCPError:
    return MCPError(INVALID_PARAMS, f"There is no resource {uri} here.", {"uri": uri})
