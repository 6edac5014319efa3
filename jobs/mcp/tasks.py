"""The Tasks extension (SEP-2663): a client that can follows a job as a task, natively.

A task is one person's view of a job. Its id is a signed word that names both, so it is as durable
as the job, nobody can make one up, and what is true of it is read from the job each time.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core import signing
from mcp.server.mcpserver import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp_types import (
    INVALID_PARAMS,
    CallToolResult,
    ElicitRequestURLParams,
    RequestParams,
    TextContent,
)
from mcp_types.jsonrpc import HEADER_MISMATCH

from jobs import moments

from . import caller, telling
from .caller import Caller, Context
from .site import Refused
from .telling import Told

EXTENSION = "io.modelcontextprotocol/tasks"
SALT = "jobs.mcp.tasks"
JOBS = "/api/v1/jobs"
STATUS = {"queued": "working", "running": "working", "cancelled": "cancelled"}
"""Of a job's states; one that failed has a result as well, and so is `completed`."""
POLL_MS = 1000


class TaskParams(RequestParams):
    task_id: str


class TaskAnswers(TaskParams):
    input_responses: dict[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    id: str
    job_id: str
    created_at: str


def created(job: dict[str, Any], who: Caller) -> dict[str, Any]:
    """What a tool call is answered with instead of its result."""
    now = moments.written(datetime.now(UTC), timespec="milliseconds")
    signed = signing.dumps([job["id"], who.user, now, secrets.token_urlsafe(9)], salt=SALT)
    task = Task(id=signed, job_id=job["id"], created_at=now)
    return {"resultType": "task", **shape(task, job)}


async def get(ctx: Context, params: TaskParams) -> dict[str, Any]:
    task, job = await _task_and_job(ctx, params)
    return {"resultType": "complete", **shape(task, job, asks=_opens_pages(ctx))}


async def update(ctx: Context, params: TaskAnswers) -> dict[str, Any]:
    """Acknowledged. What counts is what the person does on the page that they were led to."""
    await _task_and_job(ctx, params)
    return {"resultType": "complete"}


async def cancel(ctx: Context, params: TaskParams) -> dict[str, Any]:
    task, job = await _task_and_job(ctx, params)
    if not telling.is_final(job):
        try:
            await caller.of(ctx).site.ask("POST", f"{JOBS}/{task.job_id}/cancel")
        except Refused as refused:
            # It ended meanwhile, which is no error: to cancel is to ask.
            if refused.answer.status != 409:
                raise MCPError(INVALID_PARAMS, str(refused)) from None
    return {"resultType": "complete"}


def declared(ctx: Context) -> bool:
    """Whether the client said, on this very request, that it can follow tasks."""
    capabilities = ctx.session.client_capabilities
    return EXTENSION in ((capabilities and capabilities.extensions) or {})


def read(task_id: str, who: Caller) -> Task:
    """:raises MCPError: it is none of ours, or somebody else's."""
    try:
        job_id, user, created_at, _ = signing.loads(task_id, salt=SALT)
    except (signing.BadSignature, ValueError):
        raise _unknown() from None
    if user != who.user:
        raise _unknown()
    return Task(id=task_id, job_id=job_id, created_at=created_at)


async def look(task: Task, who: Caller) -> dict[str, Any]:
    """:raises MCPError: the caller does not see its job (any more)."""
    try:
        job: dict[str, Any] = await who.site.get(f"{JOBS}/{task.job_id}", telling.LOOK)
    except Refused as refused:
        if refused.answer.status == 404:
            raise _unknown() from None
        raise
    return job


def shape(task: Task, job: dict[str, Any], *, asks: bool = False) -> dict[str, Any]:
    """The whole task, with its result where there is one.

    :param asks: the client can lead its user to a page: where a job waits for approval, it does.
    """
    told = telling.of_job(job)
    status = STATUS.get(job["state"], "completed")
    shaped: dict[str, Any] = {
        "taskId": task.id,
        "status": status,
        "statusMessage": told.summary,
        "createdAt": task.created_at,
        "lastUpdatedAt": max(task.created_at, _moved_at(job)),
        "ttlMs": None,
        "pollIntervalMs": POLL_MS,
    }
    if status == "completed":
        shaped["result"] = result_of(told).model_dump(by_alias=True, mode="json", exclude_none=True)
    if asks and job["approval"] == "awaited":
        shaped |= {"status": "input_required", "inputRequests": {"approval": _approval(job)}}
    return shaped


def _approval(job: dict[str, Any]) -> dict[str, Any]:
    """Leads the owner to the job's page. A yes that came through the client would be worth
    nothing: the agent that asks could give it."""
    message = f"{telling.called(job)} waits for approval. Approve or reject it on its page."
    params = ElicitRequestURLParams(message=message, url=job["links"]["page"])
    told = params.model_dump(by_alias=True, mode="json", exclude_none=True)
    return {"method": "elicitation/create", "params": told}


def _opens_pages(ctx: Context) -> bool:
    capabilities = ctx.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    return elicitation is not None and elicitation.url is not None


def result_of(told: Told) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(text=told.text)],
        structured_content=told.structured,
        is_error=told.is_error,
    )


async def _task_and_job(ctx: Context, params: TaskParams) -> tuple[Task, dict[str, Any]]:
    require_client_extension(ctx, EXTENSION)
    _check_name(ctx, params.task_id)
    who = caller.of(ctx)
    task = read(params.task_id, who)
    return task, await look(task, who)


def _check_name(ctx: Context, task_id: str) -> None:
    """Whatever routes by the header has to have routed by this task."""
    assert ctx.request is not None
    named = ctx.request.headers.get(MCP_NAME_HEADER)
    if named is not None and decode_header_value(named) != task_id:
        raise MCPError(HEADER_MISMATCH, f"{MCP_NAME_HEADER} names another task than the body.")


def _moved_at(job: dict[str, Any]) -> str:
    """When its state last changed."""
    return next(job[name] for name in ("finished_at", "started_at", "created_at") if job.get(name))


def _unknown() -> MCPError:
    return MCPError(INVALID_PARAMS, "Failed to retrieve task: Task not found")
