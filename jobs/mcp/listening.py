"""`subscriptions/listen`: a stream that says which of the named jobs and tasks have moved.

It carries no news of its own: what has changed is to be read. So nothing is lost with a stream
that breaks, and a bell that rings in another process is heard here through the channel layer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from mcp.server.mcpserver import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp_types import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    Notification,
    ResourceUpdatedNotification,
    ResourceUpdatedNotificationParams,
    SubscriptionFilter,
    SubscriptionsAcknowledgedNotification,
    SubscriptionsAcknowledgedNotificationParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
)

from jobs import news

from . import caller, resources, tasks, telling
from .caller import Caller, Context
from .site import Refused

MAX_WATCHED = 100
GAP_S = 1.0
"""At most one notice of a job in that time."""
LOOK_ANYWAY_S = 60.0
"""Whoever is no longer let in is noticed by then."""

Send = Callable[[Any], Awaitable[None]]


class TaskNotification(Notification[dict[str, Any], Literal["notifications/tasks"]]):
    method: Literal["notifications/tasks"] = "notifications/tasks"
    params: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A job that is listened to, and how its news is put."""

    job_id: str
    notice: Callable[[dict[str, Any]], Any]


async def listen(
    ctx: Context, params: SubscriptionsListenRequestParams
) -> SubscriptionsListenResult:
    """One stream; it ends once all that it watches is over, or its client is gone."""
    asked, who = params.notifications, caller.of(ctx)
    meta = {SUBSCRIPTION_ID_META_KEY: ctx.request_id}
    uris, task_ids = list(asked.resource_subscriptions or ()), _task_ids(ctx, asked)
    if len(uris) + len(task_ids) > MAX_WATCHED:
        raise MCPError(INVALID_PARAMS, f"At most {MAX_WATCHED} jobs can be listened to at once.")
    by_uri = {uri: _resource(uri, meta) for uri in uris if await _is_visible(who, uri)}
    by_task = {task_id: _task(tasks.read(task_id, who), meta) for task_id in task_ids}

    async def send(notification: Any) -> None:
        await ctx.session.send_notification(notification, related_request_id=ctx.request_id)

    await send(_acknowledged([*by_uri], [*by_task], meta))
    try:
        async with asyncio.TaskGroup() as group:
            for watched in [*by_uri.values(), *by_task.values()]:
                group.create_task(_follow(who, watched, send))
    except* Refused as refusals:
        # The key was revoked, say.
        raise MCPError(INVALID_REQUEST, str(refusals.exceptions[0])) from None
    return SubscriptionsListenResult(_meta=meta)


async def _follow(who: Caller, watched: Watched, send: Send) -> None:
    """Send a notice whenever the job has moved, the first for how it stands now."""
    seen = None
    async with news.of_job(watched.job_id) as bell:
        while True:
            job = await who.site.get(f"{resources.JOBS}/{watched.job_id}", telling.LOOK)
            if job["last_seq"] != seen:
                seen = job["last_seq"]
                await send(watched.notice(job))
            if telling.is_final(job):
                return
            await asyncio.sleep(GAP_S)
            await bell.wait(LOOK_ANYWAY_S)


def _resource(uri: str, meta: dict[str, Any]) -> Watched:
    params = ResourceUpdatedNotificationParams(uri=uri, _meta=meta)
    notice = ResourceUpdatedNotification(params=params)
    return Watched(job_id=str(resources.job_id_of(uri)), notice=lambda job: notice)


def _task(task: tasks.Task, meta: dict[str, Any]) -> Watched:
    def notice(job: dict[str, Any]) -> TaskNotification:
        return TaskNotification(params={**tasks.shape(task, job), "_meta": meta})

    return Watched(job_id=task.job_id, notice=notice)


def _task_ids(ctx: Context, asked: SubscriptionFilter) -> list[str]:
    ids = (asked.model_extra or {}).get("taskIds") or []
    if ids:
        require_client_extension(ctx, tasks.EXTENSION)
    return [str(each) for each in ids]


async def _is_visible(who: Caller, uri: str) -> bool:
    """Whether it is a job that the caller sees: of any other there is never news."""
    job_id = resources.job_id_of(uri)
    if job_id is None:
        return False
    try:
        await who.site.get(f"{resources.JOBS}/{telling.path_part(job_id)}")
    except Refused:
        return False
    return True


def _acknowledged(
    uris: list[str], task_ids: list[str], meta: dict[str, Any]
) -> SubscriptionsAcknowledgedNotification:
    """What we agreed to tell of, nothing else."""
    honoured: dict[str, Any] = {"taskIds": task_ids} if task_ids else {}
    agreed = SubscriptionFilter(resource_subscriptions=uris or None, **honoured)
    params = SubscriptionsAcknowledgedNotificationParams(notifications=agreed, _meta=meta)
    return SubscriptionsAcknowledgedNotification(params=params)
