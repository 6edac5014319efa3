"""Agents at the real thing: Daphne, Redis, workers, xTB; and what is left when it dies."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.stack import ROOT, Stack, until

from .following import FollowsTasks, cancel, get

pytestmark = [pytest.mark.stack, pytest.mark.slow]

WATER = {"structure": "O", "job": {"reuse": False}}
LONG = {"structure": "c1ccccc1", "preoptimize": False}
STUBBORN = {
    "structure": "2\n\nCr 0 0 0\nCr 0 0 1.2", "functional": "SVWN", "basis": "sto-3g",
    "grid_level": 0, "scf_max_cycles": 1,
}  # fmt: skip
A_STRANGER_S_KEY = """
from django.contrib.auth import get_user_model
from jobs import keys
from jobs.states import Scope
owner = get_user_model().objects.create_user("stranger")
print(keys.issue(owner=owner, name="theirs", scopes=(Scope.READ, Scope.SUBMIT))[1])
"""
ANY_NUMBER = httpx2.Limits(max_connections=None)
"""Of connections: a client's own limit would make one call wait for another."""


@asynccontextmanager
async def agent(stack: Stack, **options: Any) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(timeout=90, limits=ANY_NUMBER) as http,
        Client(streamable_http_client(f"{stack.url}/mcp", http_client=http), **options) as client,
    ):
        yield client


def program(stack: Stack, key: str = "") -> Any:
    """What a client that knows only stdio starts."""
    env = {"BACKPLANE_URL": stack.url, "BACKPLANE_KEY": key, "PYTHONPATH": str(ROOT)}
    args = ["-P", "-m", "jobs.mcp"]
    called = {"command": sys.executable, "args": args, "cwd": ROOT, "env": env}
    return stdio_client(StdioServerParameters(**called))


async def test_xtb_as_a_task(stack: Stack) -> None:
    follows = FollowsTasks()
    async with agent(stack, extensions=[follows]) as client:
        answer = await client.call_tool("submit_xtb_optimization", WATER)

    assert not answer.is_error
    assert follows.seen[0].status == "working"
    job = answer.structured_content["job"]
    assert job["summary"]["energy_hartree"] == pytest.approx(-5.07, abs=0.01)
    assert "final.xyz" in {each["name"] for each in job["files"]}


async def test_science_that_fails_is_a_completed_task_with_its_mend(stack: Stack) -> None:
    follows = FollowsTasks()
    call = {**STUBBORN, "job": {"reuse": False}}
    async with agent(stack, extensions=[follows]) as client:
        answer = await client.call_tool("submit_dft_single_point", call)

    assert follows.seen[-1].status == "completed"
    assert answer.is_error
    assert answer.structured_content["job"]["failure_kind"] == "science"
    assert "did not converge in 1 cycles" in answer.structured_content["summary"]
    assert 'patch={"params": {"scf_max_cycles": 200}}' in answer.structured_content["next"]


async def test_keys_open_no_more_than_they_should(stack: Stack) -> None:
    """By plain HTTP and no SDK, as any program may do it."""
    job_id = stack.submit("demo.sum_squares", n=3)
    strangers = stack.manage("shell", "-v", "0", "-c", A_STRANGER_S_KEY).stdout.strip()
    wanted = {"name": "reader", "scopes": ["read"]}
    readers = stack.client.post("/api/v1/keys", json=wanted).json()["token"]
    looks, submits = {"job_id": job_id}, {"simulation": "demo.sum_squares", "params": {"n": 3}}

    def call(key: str, tool: str, given: dict[str, Any]) -> dict[str, Any]:
        params = {"name": tool, "arguments": given}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {
            "Authorization": f"Bearer {key}",
            "Accept": "application/json, text/event-stream",
        }
        answer = stack.client.post("/mcp", json=body, headers=headers)
        found: dict[str, Any] = json.loads(answer.text.rpartition("data: ")[2])["result"]
        return found["structuredContent"]

    assert call(readers, "get_job", looks)["job"]["id"] == job_id
    assert call(readers, "submit", submits)["error"]["code"] == "E_INSUFFICIENT_SCOPE"
    assert call(strangers, "get_job", looks)["error"]["code"] == "E_NOT_FOUND"
    assert call(strangers, "list_jobs", {})["jobs"] == []


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_xtb_by_the_plain_tools(stack: Stack, mode: str) -> None:
    async with agent(stack, mode=mode) as client:
        submitted = await client.call_tool("submit_xtb_optimization", WATER)
        job_id = submitted.structured_content["job"]["id"]
        waited = await client.call_tool("wait_for_job", {"job_id": job_id})
        some = {"job_id": job_id, "fields": ["energy_hartree"]}
        result = await client.call_tool("get_result", some)

    assert waited.structured_content["job"]["state"] == "succeeded"
    assert result.structured_content["result"]["energy_hartree"] == pytest.approx(-5.07, abs=0.01)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_same_over_stdio(stack: Stack, mode: str) -> None:
    async with Client(program(stack), mode=mode) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        call = {"n": 3, "job": {"wait_seconds": 50, "reuse": False}}
        answer = await client.call_tool("submit_demo_sum_squares", call)

    assert "submit_xtb_optimization" in tools
    assert answer.structured_content["job"]["summary"] == {"total": 14}


async def test_tasks_and_notices_come_through_stdio_too(stack: Stack) -> None:
    follows = FollowsTasks()
    async with Client(program(stack), extensions=[follows]) as client:
        answer = await client.call_tool(
            "submit_demo_sum_squares", {"n": 4, "job": {"reuse": False}}
        )

    assert follows.seen
    assert answer.structured_content["job"]["summary"] == {"total": 30}


async def test_over_stdio_a_refusal_at_the_door_is_an_error_with_its_reason(stack: Stack) -> None:
    with pytest.raises(ExceptionGroup) as refused:
        async with Client(program(stack, key="bp_00000000_" + "x" * 43), mode="legacy"):
            pass

    why = refused.value
    while isinstance(why, ExceptionGroup):
        (why,) = why.exceptions
    assert isinstance(why, MCPError)
    assert str(why) == "401: There is no such key. Ask its owner for a new one."


async def test_a_notice_comes_from_another_process(stack: Stack) -> None:
    job_id = stack.submit("dft_optimization", **LONG)
    uri = f"backplane://jobs/{job_id}"
    heard = []
    async with agent(stack) as client:
        async with client.listen(resource_subscriptions=[uri]) as stream:
            async for event in stream:
                heard.append(event.uri)
                # The first says how it stood, the second that a worker has gone on.
                if len(heard) == 2:
                    await client.call_tool("cancel_job", {"job_id": job_id})
        over = await client.call_tool("get_job", {"job_id": job_id})

    assert len(heard) >= 3
    assert {*heard} == {uri}
    assert over.structured_content["job"]["state"] == "cancelled"


async def test_many_wait_at_once_hold_nobody_up_and_end_on_the_event(stack: Stack) -> None:
    job_id = stack.submit("dft_optimization", **LONG)
    async with agent(stack) as client:
        call = {"job_id": job_id, "wait_seconds": 50}
        began = time.monotonic()
        waiting = [asyncio.create_task(client.call_tool("wait_for_job", call)) for _ in range(100)]
        look = await client.call_tool("get_job", {"job_id": job_id})
        stopping = await client.call_tool("cancel_job", {"job_id": job_id})
        answers = await asyncio.gather(*waiting)
        took_s = time.monotonic() - began

    assert not look.is_error
    assert stopping.structured_content["job"]["state"] in {"cancelled", "running"}
    assert {each.structured_content["job"]["state"] for each in answers} == {"cancelled"}
    assert took_s < 40


def _sets(event: asyncio.Event) -> Any:
    async def hear(progress: float, total: float | None, message: str | None) -> None:
        event.set()

    return hear


async def test_a_server_that_dies_takes_no_task_with_it(private_stack: Stack) -> None:
    """The client's session goes on too: it was never the server's to lose."""
    async with (
        agent(private_stack, extensions=[FollowsTasks()]) as client,
        Client(program(private_stack)) as by_stdio,
    ):
        call = {**LONG, "job": {"reuse": False}}
        task = await client.session.call_tool("submit_dft_optimization", call, allow_claimed=True)
        listed = (await by_stdio.call_tool("list_jobs", {})).structured_content["jobs"]
        waits = asyncio.Event()
        wait = {"job_id": listed[0]["id"], "wait_seconds": 5}
        hears = by_stdio.call_tool("wait_for_job", wait, progress_callback=_sets(waits))
        waiting = asyncio.create_task(hears)
        await asyncio.wait_for(waits.wait(), 120)
        for web in private_stack.processes("daphne"):
            web.kill()
        # This one does not even notice: neither what it asked before nor what it asks now.
        again = {"n": 5, "job": {"reuse": False, "wait_seconds": 0}}
        meanwhile = await by_stdio.call_tool("submit_demo_sum_squares", again)
        waited = await waiting
        await asyncio.to_thread(until, private_stack.is_ready, "it is back")
        same_session = await get(client.session, task.task_id)
    async with agent(private_stack, extensions=[FollowsTasks()]) as another:
        await cancel(another.session, task.task_id)
        jobs = await another.call_tool("list_jobs", {})

    assert same_session.status in {"working", "completed"}
    assert len(jobs.structured_content["jobs"]) == 2
    assert not waited.is_error
    assert not meanwhile.is_error
