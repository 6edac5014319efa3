"""The same door over stdio, for clients that start a program: it passes every message on.

The site does the work and keeps the jobs, so this program may die at any time, and two of them see
the same jobs. A site that is away for a moment is waited for.
"""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import anyio
import httpx2
from mcp.server.stdio import stdio_server
from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    NAME_BEARING_METHODS,
    encode_header_value,
)
from mcp.shared.message import SessionMessage
from mcp_types import (
    CONNECTION_CLOSED,
    PROTOCOL_VERSION_META_KEY,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

DEFAULT_URL = "http://127.0.0.1:8000"
ACCEPT = {"Accept": "application/json, text/event-stream"}
PATIENCE_S = 90
"""Longer than any tool waits."""
AWAY_S = 30
"""So long a site may take to start again; what it did not answer is sent again then."""
TRY_AGAIN_S = 0.5
NAMES = {
    **NAME_BEARING_METHODS,
    **dict.fromkeys(("tasks/get", "tasks/update", "tasks/cancel"), "taskId"),
}
"""Which param a method's `Mcp-Name` repeats."""
LOST = (httpx2.NetworkError, httpx2.RemoteProtocolError)
"""The site is away, or went away while it worked."""


class Bridge:
    """Passes messages on, each as a request of its own, with the headers that it has over HTTP."""

    def __init__(self, url: str, key: str = "") -> None:
        self._url = f"{url.rstrip('/')}/mcp"
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        timeout = httpx2.Timeout(PATIENCE_S, connect=10)
        # A connection that was kept might be to a server that is gone: sent, and never received.
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
        self._http = httpx2.AsyncClient(headers=headers | ACCEPT, timeout=timeout, limits=limits)
        self._agreed: str | None = None
        self._in_flight: dict[Any, anyio.CancelScope] = {}

    async def run(self) -> None:
        """Until the client closes its end."""
        async with self._http, stdio_server() as (requests, client), client:
            self._client = client
            async with anyio.create_task_group() as group:
                async for message in requests:
                    if isinstance(message, SessionMessage):
                        group.start_soon(self._pass_on, message.message)
                group.cancel_scope.cancel()

    async def _pass_on(self, message: Any) -> None:
        if isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            # Over HTTP a request is cancelled by leaving it.
            if scope := self._in_flight.get((message.params or {}).get("requestId")):
                scope.cancel()
            return
        number = getattr(message, "id", None)
        with anyio.CancelScope() as scope:
            self._in_flight[number] = scope
            try:
                await self._until_answered(message)
            except (httpx2.HTTPError, ValidationError) as exc:
                why = str(exc) or type(exc).__name__
                await self._fail(message, f"No answer from {self._url}: {why}. Is the site up?")
            finally:
                self._in_flight.pop(number, None)

    async def _until_answered(self, message: Any) -> None:
        """However often it is sent, it makes one job: each time it bears the same key."""
        headers = {**headers_of(message, self._agreed), "Idempotency-Key": uuid4().hex}
        deadline = None
        while True:
            try:
                await self._exchange(message, headers)
                return
            except LOST as lost:
                deadline = deadline or anyio.current_time() + AWAY_S
                if anyio.current_time() > deadline or _was_listening(message, lost):
                    raise
                await anyio.sleep(TRY_AGAIN_S)

    async def _exchange(self, message: Any, headers: Mapping[str, str]) -> None:
        body = message.model_dump(by_alias=True, mode="json", exclude_unset=True)
        async with self._http.stream("POST", self._url, json=body, headers=headers) as answer:
            if answer.headers.get("content-type", "").startswith("text/event-stream"):
                async for event in httpx2.EventSource(answer, max_event_size=None):
                    if event.data:
                        await self._answer(event.data)
                return
            content = await answer.aread()
        if content and b'"jsonrpc"' in content:
            await self._answer(content)
        elif answer.is_error:
            await self._fail(message, f"{answer.status_code}: {_refusal_in(content)}")

    async def _answer(self, text: str | bytes) -> None:
        message = jsonrpc_message_adapter.validate_json(text, by_name=False)
        if isinstance(message, JSONRPCResponse) and "protocolVersion" in message.result:
            # A client of before 2026 agrees on a version once, with `initialize`.
            self._agreed = message.result["protocolVersion"]
        await self._client.send(SessionMessage(message))

    async def _fail(self, message: Any, why: str) -> None:
        if isinstance(message, JSONRPCRequest):
            error = ErrorData(code=CONNECTION_CLOSED, message=why)
            told = JSONRPCError(jsonrpc="2.0", id=message.id, error=error)
            await self._client.send(SessionMessage(told))


def _was_listening(message: Any, lost: httpx2.HTTPError) -> bool:
    """A stream that broke is opened anew by who reads it: they have to look what they missed."""
    method = getattr(message, "method", "")
    return method == "subscriptions/listen" and not isinstance(lost, httpx2.ConnectError)


def _refusal_in(content: bytes) -> str:
    """What was said at the door: by the REST interface in a problem, by a proxy on a page."""
    text = content.decode(errors="replace")
    try:
        return str(json.loads(text)["detail"])
    except (ValueError, LookupError, TypeError):
        return text


def headers_of(message: Any, agreed: str | None = None) -> dict[str, str]:
    """What a message says of itself over HTTP.

    :param agreed: the version of a client that does not name it in each message.
    """
    params: Mapping[str, Any] = getattr(message, "params", None) or {}
    method = getattr(message, "method", "")
    version = (params.get("_meta") or {}).get(PROTOCOL_VERSION_META_KEY)
    if not version:
        return {MCP_PROTOCOL_VERSION_HEADER: agreed} if agreed and method != "initialize" else {}
    headers = {MCP_PROTOCOL_VERSION_HEADER: str(version), MCP_METHOD_HEADER: method}
    if name := params.get(NAMES.get(method, "")):
        headers[MCP_NAME_HEADER] = encode_header_value(str(name))
    return headers


def main(argv: list[str] | None = None) -> None:
    parser = ArgumentParser(prog="python -m jobs.mcp", description=__doc__)
    parser.add_argument("--url", default=os.environ.get("BACKPLANE_URL", DEFAULT_URL))
    given = parser.parse_args(argv)

    async def run() -> None:
        # From the environment: what is on a command line, every user of the machine can read.
        await Bridge(given.url, os.environ.get("BACKPLANE_KEY", "")).run()

    anyio.run(run)
