"""Resources, and the stream that says which of them have moved."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from mcp.shared.exceptions import MCPError

from jobs.models import Job
from jobs.states import Scope

from .conftest import Connect, run_to_its_end
from .following import EXTENSION, FollowsTasks
from .test_door import ACCEPT, META, VERSION
from .test_tasks import started

pytestmark = pytest.mark.django_db(transaction=True)

CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
LISTEN = "subscriptions/listen"


class Stream:
    """One `subscriptions/listen`, over an ASGI application that answers piece by piece."""

    def __init__(self, app: Any, key: str, *, can_follow: bool, **wanted: Any) -> None:
        extensions = {EXTENSION: {}} if can_follow else {}
        meta = {**META, CAPABILITIES: {"extensions": extensions}}
        params = {"notifications": wanted, "_meta": meta}
        body = {"jsonrpc": "2.0", "id": 7, "method": LISTEN, "params": params}
        headers = {
            "host": "127.0.0.1:8000", "accept": ACCEPT, "content-type": "application/json",
            "mcp-protocol-version": VERSION, "mcp-method": LISTEN, "authorization": f"Bearer {key}",
        }  # fmt: skip
        scope = {
            "type": "http", "method": "POST", "path": "/mcp", "query_string": b"",
            "client": ("127.0.0.1", 1234), "server": ("127.0.0.1", 8000), "scheme": "http",
            "http_version": "1.1",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        self._app = ApplicationCommunicator(app, scope)
        self._body = json.dumps(body).encode()

    async def open(self) -> int:
        await self._app.send_input({"type": "http.request", "body": self._body})
        start = await self._app.receive_output(10)
        return int(start["status"])

    async def message(self) -> dict[str, Any]:
        """The next one: a notification, or the answer that ends the stream."""
        piece = (await self._app.receive_output(10))["body"].decode()
        while "data: " not in piece and not piece.startswith("{"):
            piece = (await self._app.receive_output(10))["body"].decode()
        found: dict[str, Any] = json.loads(piece.partition("data: ")[2] or piece)
        return found

    async def close(self) -> None:
        await self._app.send_input({"type": "http.disconnect"})
        await self._app.wait(10)


@asynccontextmanager
async def listening(
    app: Any, key: str, can_follow: bool = False, **wanted: Any
) -> AsyncIterator[Stream]:
    stream = Stream(app, key, can_follow=can_follow, **wanted)
    assert await stream.open() in {200, 400}
    yield stream
    await stream.close()


def uri_of(job: Job) -> str:
    return f"backplane://jobs/{job.pk}"


async def test_jobs_are_resources_to_list_and_to_read(alices: Connect) -> None:
    async with alices() as client:
        await client.call_tool("submit_demo_sum_squares", {"n": 3})
        listed = (await client.list_resources()).resources
        read = await client.read_resource(listed[0].uri)
        templates = (await client.list_resource_templates()).resource_templates
        schema = await client.read_resource("backplane://simulations/demo.sum_squares")

    assert json.loads(read.contents[0].text)["params"] == {"n": 3}
    assert {each.uri_template for each in templates} == {
        "backplane://jobs/{job_id}",
        "backplane://simulations/{name}",
    }
    assert "total" in json.loads(schema.contents[0].text)["result_schema"]["properties"]


@pytest.mark.parametrize(
    "uri",
    ["backplane://jobs/x", "backplane://simulations/x", "backplane://x", "file:///etc/passwd"],
)
async def test_there_is_nothing_at_another_address(alices: Connect, uri: str) -> None:
    async with alices() as client:
        with pytest.raises(MCPError) as refused:
            await client.read_resource(uri)

    assert refused.value.error.code == -32602


async def test_a_stranger_reads_nobody_s_job(bobs: Connect, submit: Callable[..., Job]) -> None:
    job = await database_sync_to_async(submit)()
    async with bobs() as client:
        assert (await client.list_resources()).resources == []
        with pytest.raises(MCPError):
            await client.read_resource(uri_of(job))


async def test_what_is_no_tool_says_too_why_it_was_refused(
    connect: Connect, key_of: Callable[..., str], alice: Any
) -> None:
    key = await database_sync_to_async(key_of)(alice, Scope.SUBMIT)
    async with connect(key) as client:
        with pytest.raises(MCPError, match="read") as refused:
            await client.list_resources()

    assert refused.value.error.data["code"] == "insufficient_scope"


async def test_who_listens_hears_when_the_job_moves_and_that_it_is_over(
    app: Any, alices_key: str, submit: Callable[..., Job]
) -> None:
    job = await database_sync_to_async(submit)()
    async with listening(app, alices_key, resourceSubscriptions=[uri_of(job)]) as stream:
        agreed = await stream.message()
        now = await stream.message()
        await run_to_its_end(str(job.pk))
        moved = await stream.message()
        end = await stream.message()

    assert agreed["method"] == "notifications/subscriptions/acknowledged"
    assert agreed["params"]["notifications"] == {"resourceSubscriptions": [uri_of(job)]}
    for notice in (now, moved):
        assert notice["method"] == "notifications/resources/updated"
        assert notice["params"]["uri"] == uri_of(job)
        assert notice["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == 7
    assert end["id"] == 7


async def test_a_task_is_told_whole(app: Any, alices: Connect, alices_key: str) -> None:
    async with alices(extensions=[FollowsTasks()]) as client:
        task = await started(client, {"n": 3})
    job = await Job.objects.aget()
    async with listening(app, alices_key, True, taskIds=[task.task_id]) as stream:
        agreed = await stream.message()
        working = await stream.message()
        await run_to_its_end(str(job.pk))
        completed = await stream.message()

    assert agreed["params"]["notifications"] == {"taskIds": [task.task_id]}
    assert working["method"] == completed["method"] == "notifications/tasks"
    assert (working["params"]["status"], completed["params"]["status"]) == ("working", "completed")
    assert completed["params"]["result"]["structuredContent"]["job"]["state"] == "succeeded"


async def test_tasks_are_for_who_says_that_they_can(app: Any, alices_key: str) -> None:
    async with listening(app, alices_key, False, taskIds=["x"]) as stream:
        refusal = await stream.message()

    assert refusal["error"]["code"] == -32021


async def test_a_stranger_hears_nothing(
    app: Any, key_of: Callable[..., str], bob: Any, submit: Callable[..., Job]
) -> None:
    job = await database_sync_to_async(submit)()
    key = await database_sync_to_async(key_of)(bob)
    async with listening(app, key, resourceSubscriptions=[uri_of(job)]) as stream:
        agreed = await stream.message()
        end = await stream.message()

    assert agreed["params"]["notifications"] == {}
    assert end["id"] == 7


async def test_who_goes_away_leaves_nothing_behind(
    app: Any, alices_key: str, submit: Callable[..., Job]
) -> None:
    job = await database_sync_to_async(submit)()
    before = len(asyncio.all_tasks())
    async with listening(app, alices_key, resourceSubscriptions=[uri_of(job)]) as stream:
        await stream.message()
        await stream.message()

    deadline = asyncio.get_running_loop().time() + 10
    while len(asyncio.all_tasks()) > before:
        assert asyncio.get_running_loop().time() < deadline, asyncio.all_tasks()
        await asyncio.sleep(0.05)
