"""The Tasks extension: a job followed as a task, by a client that can."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channels.db import database_sync_to_async
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    Request,
    Result,
)

from jobs import lifecycle
from jobs.models import Job

from .conftest import Connect, run_to_its_end
from .following import AnswerParams, FollowsTasks, TaskParams, UpdateTask, cancel, get

pytestmark = pytest.mark.django_db(transaction=True)

SUBMIT = "submit_demo_sum_squares"


async def started(client: Client, arguments: dict[str, Any]) -> Any:
    """The task that a call is answered with, not followed."""
    return await client.session.call_tool(SUBMIT, arguments, allow_claimed=True)


async def code_of(call: Any) -> int:
    with pytest.raises(MCPError) as refused:
        await call
    return refused.value.error.code


async def test_a_client_that_can_gets_its_result_without_a_tool_to_wait(alices: Connect) -> None:
    follows = FollowsTasks()
    async with alices(extensions=[follows]) as client:
        call = asyncio.create_task(client.call_tool(SUBMIT, {"n": 3}))
        async with asyncio.timeout(20):
            while not follows.seen:
                await asyncio.sleep(0.05)
        job = await Job.objects.aget()
        await run_to_its_end(str(job.pk))
        answer = await asyncio.wait_for(call, 20)

    assert follows.seen[0].status == "working"
    assert "is queued" in follows.seen[0].status_message
    assert follows.seen[-1].status == "completed"
    assert answer.structured_content["job"]["summary"] == {"total": 14}


async def test_failed_science_is_a_completed_task_whose_result_is_an_error(alices: Connect) -> None:
    async with alices(extensions=[FollowsTasks()]) as client:
        task = await started(client, {"n": 3})
        job = await Job.objects.aget()
        await run_to_its_end(str(job.pk), {"detail": "The SCF did not converge."})
        state = await get(client.session, task.task_id)

    assert state.status == "completed"
    assert state.result["isError"] is True
    assert "did not converge" in state.result["content"][0]["text"]


async def test_a_task_outlives_its_client_and_its_cancel_reaches_the_job(alices: Connect) -> None:
    async with alices(extensions=[FollowsTasks()]) as client:
        task = await started(client, {"n": 3})
    async with alices(extensions=[FollowsTasks()]) as another:
        before = await get(another.session, task.task_id)
        await cancel(another.session, task.task_id)
        after = await get(another.session, task.task_id)
        await cancel(another.session, task.task_id)

    assert (before.status, after.status) == ("working", "cancelled")
    assert (await Job.objects.aget()).state == "cancelled"


async def test_what_is_there_already_is_no_task(alices: Connect) -> None:
    async with alices(extensions=[FollowsTasks()]) as client:
        await started(client, {"n": 3})
        await run_to_its_end(str((await Job.objects.aget()).pk))
        again = await started(client, {"n": 3})
        now = await started(client, {"n": 4, "job": {"wait_seconds": 0}})

    assert again.structured_content["job"]["state"] == "succeeded"
    assert now.structured_content["job"]["state"] == "queued"


async def test_a_stranger_has_no_use_for_a_task_s_id(alices: Connect, bobs: Connect) -> None:
    async with alices(extensions=[FollowsTasks()]) as client:
        task = await started(client, {"n": 3})
    async with bobs(extensions=[FollowsTasks()]) as client:
        assert await code_of(get(client.session, task.task_id)) == -32602
        assert await code_of(cancel(client.session, task.task_id)) == -32602

    assert (await Job.objects.aget()).state == "queued"


async def test_ids_are_not_made_up(alices: Connect) -> None:
    async with alices(extensions=[FollowsTasks()]) as client:
        task = await started(client, {"n": 3})
        job = await Job.objects.aget()
        for guess in ("x", str(job.pk), task.task_id[:-1], "", "=?base64?eA==?="):
            assert await code_of(get(client.session, guess)) == -32602


async def test_who_does_not_say_that_they_can_gets_no_task(alices: Connect) -> None:
    async with alices(extensions=[FollowsTasks()]) as client:
        task = await started(client, {"n": 3})
    async with alices() as client:
        plain = await client.call_tool(SUBMIT, {"n": 4})
        assert await code_of(get(client.session, task.task_id)) == -32021

    assert plain.structured_content["job"]["state"] == "queued"


@pytest.mark.parametrize("method", ["tasks/list", "tasks/result"])
async def test_what_the_extension_dropped_is_not_there(alices: Connect, method: str) -> None:
    asked = Request[TaskParams, str](method=method, params=TaskParams(task_id="x"))
    async with alices(extensions=[FollowsTasks()]) as client:
        assert await code_of(client.session.send_request(asked, Result)) == -32601


async def test_a_client_of_before_has_no_tasks_and_all_the_tools(alices: Connect) -> None:
    asked = Request[TaskParams, str](method="tasks/get", params=TaskParams(task_id="x"))
    async with alices(mode="legacy") as client:
        plain = await client.call_tool(SUBMIT, {"n": 3})
        job_id = plain.structured_content["job"]["id"]
        await run_to_its_end(job_id)
        waited = await client.call_tool("wait_for_job", {"job_id": job_id})
        assert await code_of(client.session.send_request(asked, Result)) == -32601

    assert waited.structured_content["job"]["state"] == "succeeded"


async def test_a_job_that_waits_for_a_yes_leads_its_owner_to_the_page(
    connect: Connect, watched_key: str
) -> None:
    """The agent cannot say yes for them: it is led there, and no answer of its own counts."""
    follows = FollowsTasks()
    async with connect(watched_key, extensions=[follows]) as client:
        task = await started(client, {"n": 3})
        blind = await get(client.session, task.task_id)
    async with connect(watched_key, extensions=[follows], elicitation_callback=_opens) as client:
        asked = await get(client.session, task.task_id)
        answered = {"approval": {"action": "accept"}}
        await client.session.send_request(
            UpdateTask(params=AnswerParams(task_id=task.task_id, input_responses=answered)), Result
        )
        after = await get(client.session, task.task_id)

    job = await Job.objects.aget()
    assert blind.status == "working"
    assert asked.status == after.status == "input_required"
    assert asked.input_requests is not None
    assert asked.input_requests["approval"]["params"]["url"].endswith(f"/jobs/{job.pk}/")
    assert job.consent == "awaited"


async def test_a_task_that_is_cancelled_while_it_waits_for_a_yes_is_over(
    connect: Connect, watched_key: str
) -> None:
    options = {"extensions": [FollowsTasks()], "elicitation_callback": _opens}
    async with connect(watched_key, **options) as client:
        task = await started(client, {"n": 3})
        await _cancelled_by_its_owner()
        after = await get(client.session, task.task_id)

    assert (after.status, after.input_requests) == ("cancelled", None)


@database_sync_to_async
def _cancelled_by_its_owner() -> None:
    lifecycle.request_cancel(Job.objects.get(), by="alice")


async def _opens(context: Any, params: Any) -> Any:
    raise AssertionError("nothing is asked of the client outside of its task")
