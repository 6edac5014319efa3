"""The protocol's methods, each led to what answers it."""

from __future__ import annotations

import math
from functools import cache, partial
from typing import Any

from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    CallToolRequestParams,
    ListToolsResult,
    PaginatedRequestParams,
)
from mcp_types import Tool as WireTool
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from simulations import InvalidParams, UnknownSimulation
from simulations.version import VERSION

from . import caller, listening, resources, tasks, telling
from .caller import Context
from .site import Refused
from .telling import Told
from .tools import all_tools
from .tools.base import OUTPUT, Call, Tool

NAME = "scientific-ai-backplane"
INSTRUCTIONS = """\
Runs real simulations (DFT, xTB, molecular dynamics, docking) as jobs. Call submit_<simulation>: \
it answers with a job id, and the job goes on by itself for seconds or days. Then wait_for_job, \
again and again, or go on with other work and come back: nothing is lost, and list_jobs finds \
jobs of earlier conversations. get_result reads values, their units in their names. Every answer \
begins with a summary and says what to do next; what is refused names the field and the mend. A \
structure is text (SMILES, InChI, XYZ, a name, the text of a file), {"text": …, "format": …}, or \
{"file": id} for an upload."""


@cache
def build() -> Server[Any]:
    """Takes a second or two the first time: the SDK, and every simulation's schema."""
    server: Server[Any] = Server(
        NAME,
        version=VERSION,
        title="Scientific AI Backplane",
        instructions=INSTRUCTIONS,
        on_list_tools=_list_tools,
        on_call_tool=_call_tool,
        on_list_resources=partial(_or_why_not, resources.recent),
        on_list_resource_templates=resources.templates,
        on_read_resource=partial(_or_why_not, resources.read),
        on_subscriptions_listen=partial(_or_why_not, listening.listen),
        get_tool_input_schema=_schema_of,
    )
    server.extensions = {tasks.EXTENSION: {}}
    for method, params, answer in (
        ("tasks/get", tasks.TaskParams, tasks.get),
        ("tasks/update", tasks.TaskAnswers, tasks.update),
        ("tasks/cancel", tasks.TaskParams, tasks.cancel),
    ):
        server.add_request_handler(method, params, partial(_modern_only, answer))
    all_tools()
    return server


def on_the_wire(tool: Tool) -> WireTool:
    return WireTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.schema,
        output_schema=OUTPUT,
        annotations=tool.annotations,
    )


async def _list_tools(ctx: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
    """Those that the caller can use; at `/mcp?tools=few` without one for each simulation."""
    who = caller.of(ctx)
    found = [tool for tool in all_tools().values() if who.may(tool.scope)]
    if caller.wants_few(ctx):
        found = [tool for tool in found if not tool.simulation]
    return ListToolsResult(tools=[on_the_wire(tool) for tool in found])


async def _call_tool(ctx: Context, params: CallToolRequestParams) -> Any:
    tool = all_tools().get(params.name)
    if tool is None:
        raise MCPError(INVALID_PARAMS, f"There is no tool {params.name!r} here.")
    who = caller.of(ctx)
    told_so_far = -1.0

    async def tell(job: dict[str, Any]) -> None:
        nonlocal told_so_far
        # It has to increase with each one by the protocol, also where only the words are new, and
        # where a job that is tried again begins anew: by the least that there is.
        far = max(job["progress"], math.nextafter(told_so_far, 1.0))
        if far > told_so_far:
            told_so_far = far
            await ctx.session.report_progress(far, 1.0, telling.progress_line(job))

    site = who.site if who.scopes is not None else who.site.named(_client_name(ctx))
    call = Call(site=site, tell=tell, wants_progress="progress_token" in (ctx.meta or {}))
    told = await _told(tool, call, params.arguments or {})
    if told.follow and tasks.declared(ctx):
        return tasks.created(told.follow, who)
    return tasks.result_of(told)


def _client_name(ctx: Context) -> str:
    """What the client calls itself; of who has a key, its name says more."""
    params = ctx.session.client_params
    return params.client_info.name if params else ""


async def _told(tool: Tool, call: Call, given: dict[str, Any]) -> Told:
    """The tool's answer, or its refusal put so that a model can mend its call."""
    try:
        return await tool.run(call, given)
    except Refused as refused:
        return telling.of_refusal(
            refused,
            is_flat=bool(tool.simulation),
            patch_in=tool.patch_in,
            given=given.get(tool.patch_in),
            job_id=str(given.get("job_id", "")),
        )
    except InvalidParams as exc:
        return telling.of_bad_arguments(exc.errors)
    except UnknownSimulation as exc:
        return telling.of_error("unknown_simulation", str(exc))


async def _modern_only(answer: Any, ctx: Context, params: Any) -> dict[str, Any]:
    """An extension is a thing of the protocol's present version."""
    if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        raise MCPError(METHOD_NOT_FOUND, "Method not found", ctx.method)
    found: dict[str, Any] = await _or_why_not(answer, ctx, params)
    return found


async def _or_why_not(answer: Any, ctx: Context, params: Any) -> Any:
    """What is no tool has no result to say it in: whatever the REST door refused is an error."""
    try:
        return await answer(ctx, params)
    except Refused as refused:
        raise MCPError(INVALID_REQUEST, str(refused), refused.problem) from None


def _schema_of(name: str) -> dict[str, Any] | None:
    tool = all_tools().get(name)
    return tool.schema if tool else None
