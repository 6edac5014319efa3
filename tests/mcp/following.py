"""A client that follows tasks: the extension's other half, which the SDK does not bring (yet)."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from mcp.client import ClaimContext, ClientExtension, ResultClaim
from mcp_types import CallToolResult, Request, RequestParams, Result

EXTENSION = "io.modelcontextprotocol/tasks"


class TaskParams(RequestParams):
    task_id: str


class CreateTask(Result):
    result_type: Literal["task"] = "task"
    task_id: str
    status: str
    poll_interval_ms: int


class TaskState(Result):
    task_id: str
    status: str
    status_message: str
    result: dict[str, Any] | None = None
    input_requests: dict[str, Any] | None = None


class GetTask(Request[TaskParams, Literal["tasks/get"]]):
    method: Literal["tasks/get"] = "tasks/get"
    params: TaskParams
    name_param = "taskId"


class CancelTask(Request[TaskParams, Literal["tasks/cancel"]]):
    method: Literal["tasks/cancel"] = "tasks/cancel"
    params: TaskParams
    name_param = "taskId"


class AnswerParams(TaskParams):
    input_responses: dict[str, Any]


class UpdateTask(Request[AnswerParams, Literal["tasks/update"]]):
    method: Literal["tasks/update"] = "tasks/update"
    params: AnswerParams
    name_param = "taskId"


class FollowsTasks(ClientExtension):
    """Polls a task to its end, as the protocol wants it; `seen` has what it was told."""

    identifier = EXTENSION

    def __init__(self) -> None:
        self.seen: list[TaskState] = []

    def claims(self) -> list[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=CreateTask, resolve=self._poll)]

    async def _poll(self, task: CreateTask, ctx: ClaimContext) -> CallToolResult:
        while True:
            self.seen.append(await get(ctx.session, task.task_id))
            if result := self.seen[-1].result:
                return CallToolResult.model_validate(result)
            await asyncio.sleep(task.poll_interval_ms / 1000)


async def get(session: Any, task_id: str) -> TaskState:
    asked = GetTask(params=TaskParams(task_id=task_id))
    state: TaskState = await session.send_request(asked, TaskState)
    return state


async def cancel(session: Any, task_id: str) -> None:
    await session.send_request(CancelTask(params=TaskParams(task_id=task_id)), Result)
