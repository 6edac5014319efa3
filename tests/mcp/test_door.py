"""Who is let in, and what a request gets that is none of the protocol's."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from channels.db import database_sync_to_async
from mcp_types import Implementation

from jobs.models import Job

from .conftest import Connect

pytestmark = pytest.mark.django_db(transaction=True)

Http = Callable[..., httpx2.AsyncClient]

VERSION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
}
ACCEPT = "application/json, text/event-stream"


async def post(client: httpx2.AsyncClient, method: str, **params: Any) -> httpx2.Response:
    """One request as the protocol's text has it, by no SDK."""
    name = {"mcp-name": params["name"]} if "name" in params else {}
    headers = {"mcp-protocol-version": VERSION, "mcp-method": method, "accept": ACCEPT, **name}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
    return await client.post("", json=body, headers=headers)


async def test_plain_json_over_http_is_enough(http: Http) -> None:
    async with http() as client:
        discovered = (await post(client, "server/discover")).json()["result"]
        call = {"name": "submit_demo_sum_squares", "arguments": {"n": 3}}
        answer = (await post(client, "tools/call", **call)).json()["result"]

    assert "io.modelcontextprotocol/tasks" in discovered["capabilities"]["extensions"]
    assert answer["structuredContent"]["job"]["state"] == "queued"
    assert await Job.objects.filter(owner__username="local").acount() == 1


async def test_elsewhere_one_has_to_say_who_one_is(http: Http, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    async with http("203.0.113.9") as client:
        answer = await post(client, "tools/list")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"]
    assert answer.json()["code"] == "not_authenticated"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"Authorization": "Bearer bp_00000000_" + "x" * 43},
        {"Authorization": "Basic " + base64.b64encode(b"local:guess").decode()},
    ],
)
async def test_what_comes_from_elsewhere_does_not_act_as_local(
    http: Http, headers: dict[str, str]
) -> None:
    call = {"name": "submit_demo_sum_squares", "arguments": {"n": 3}}
    async with http(**headers) as client:
        answer = await post(client, "tools/call", **call)

    assert answer.status_code in {400, 401, 403}
    assert not await Job.objects.aexists()


async def test_a_cookie_opens_nothing_here(http: Http, client: Any, alice: Any) -> None:
    await database_sync_to_async(client.force_login)(alice)
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    async with http("203.0.113.9", Cookie=cookie) as plain:
        assert (await post(plain, "tools/list")).status_code == 401


async def test_a_key_sees_and_may_no_more_than_it_opens(reader: Connect) -> None:
    async with reader() as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        answer = await client.call_tool("submit", {"simulation": "demo", "params": {}})

    assert {"get_job", "list_jobs"} <= names
    assert not {"submit", "cancel_job", "approve_job"} & names
    assert "E_INSUFFICIENT_SCOPE" in answer.content[0].text


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_there_is_no_session_to_follow_or_to_end(http: Http, method: str) -> None:
    async with http() as client:
        answer = await client.request(method, "")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 400), (b'{"a": 1}', 400), (b"x" * 5_000_000, 413)]
)
async def test_what_is_no_message_is_refused(http: Http, body: bytes, status: int) -> None:
    headers = {"content-type": "application/json", "accept": ACCEPT}
    async with http() as client:
        answer = await client.post("", content=body, headers=headers)

    assert answer.status_code == status


async def test_a_header_that_names_another_tool_is_refused(http: Http) -> None:
    headers = {"mcp-protocol-version": VERSION, "mcp-method": "tools/call", "accept": ACCEPT}
    params = {"name": "list_jobs", "arguments": {}, "_meta": META}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    async with http() as client:
        answer = await client.post("", json=body, headers={**headers, "mcp-name": "get_job"})

    assert answer.status_code == 400


async def test_a_request_that_is_sent_again_makes_no_second_job(http: Http) -> None:
    """Its answer was lost with the connection, say."""
    call = {"name": "submit_demo_sum_squares", "arguments": {"n": 3, "job": {"reuse": False}}}
    async with http(**{"Idempotency-Key": "lost-1"}) as client:
        first = (await post(client, "tools/call", **call)).json()["result"]["structuredContent"]
        again = (await post(client, "tools/call", **call)).json()["result"]["structuredContent"]
    async with http(**{"Idempotency-Key": "lost-2"}) as client:
        await post(client, "tools/call", **call)

    assert first["job"]["id"] == again["job"]["id"]
    assert await Job.objects.acount() == 2


async def test_the_job_bears_the_request_s_id_and_the_agent_s_name(
    http: Http, alices_key: str, alice: Any
) -> None:
    call = {"name": "submit_demo_sum_squares", "arguments": {"n": 3}}
    headers = {"Authorization": f"Bearer {alices_key}", "X-Request-ID": "mine-1"}
    async with http(**headers) as client:
        await post(client, "tools/call", **call)

    job = await Job.objects.aget()
    assert (job.request_id, job.agent, job.owner_id) == ("mine-1", "agent", alice.pk)


async def test_without_a_key_the_client_s_name_is_the_agent_s(connect: Connect) -> None:
    async with connect(client_info=Implementation(name="some-editor", version="1")) as client:
        await client.call_tool("submit_demo_sum_squares", {"n": 3})

    assert (await Job.objects.aget()).agent == "some-editor"
