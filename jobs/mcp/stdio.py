"""The same door over stdio, for clients that start a program: it passes every message on.

The site does the work and keeps the jobs, so this program may die at any time, and two of them see
the same jobs. A site that is away for a moment is waited for.
"""

from __future__ import annotations

import json
import os
import sys
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
    PARSE_ERROR,
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
FIRST_S = 8
"""The same before it ever answered: clients give up what they start after 10 to 30 s, and then say
nothing of why."""
TRY_AGAIN_S = 0.5
MOST_TOLD = 500
UNREAD = (
    "This cannot be read as a message: half of a character that takes two, or objects nested too "
    "deeply."
)
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
        self._was_there = False
        self._in_flight: dict[Any, anyio.CancelScope] = {}

    async def run(self) -> None:
        """Until the client closes its end."""
        async with self._http, stdio_server() as (requests, client), client:
            self._client = client
            async with anyio.create_task_group() as group:
                async for message in requests:
                    if isinstance(message, SessionMessage):
                        group.start_soon(self._pass_on, message.message)
                    else:
                        await self._refuse(message)
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

    async def _refuse(self, unread: Exception) -> None:
        """What is no message. Whoever sent a request, which has an id, waits for its answer."""
        sys.stderr.write(f"This is no message: {str(unread)[:MOST_TOLD]}\n")
        if (number := _id_in(unread)) is not None:
            error = ErrorData(code=PARSE_ERROR, message=UNREAD)
            told = JSONRPCError(jsonrpc="2.0", id=number, error=error)
            await self._client.send(SessionMessage(told))

    async def _until_answered(self, message: Any) -> None:
        """However often it is sent, it makes one job: each time it bears the same key."""
        headers = {**headers_of(message, self._agreed), "Idempotency-Key": uuid4().hex}
        deadline = None
        while True:
            try:
                await self._exchange(message, headers)
                return
            except LOST as lost:
                patience_s = AWAY_S if self._was_there else FIRST_S
                deadline = deadline or anyio.current_time() + patience_s
                if anyio.current_time() > deadline or _was_listening(message, lost):
                    raise
                await anyio.sleep(TRY_AGAIN_S)

    async def _exchange(self, message: Any, headers: Mapping[str, str]) -> None:
        body = message.model_dump(by_alias=True, mode="json", exclude_unset=True)
        async with self._http.stream("POST", self._url, json=body, headers=headers) as answer:
            self._was_there = True
            if answer.headers.get("content-type", "").startswith("text/event-stream"):
                async for event in httpx2.EventSource(answer, max_event_size=None):
                    if event.data:
                        await self._answer(event.data)
                return
            content = await answer.aread()
        if content and b'"jsonrpc"' in content:
            await self._answer(content)
        elif answer.is_error:
            await self._fail(message, f"{answer.status_code}: {self._refusal_in(answer)}")

    def _refusal_in(self, answer: httpx2.Response) -> str:
        """What was said at the door: by the REST interface in a problem, by others anyhow."""
        if answer.headers.get("content-type", "").startswith("text/html"):
            return f"{self._url} is a web page; is the address right, and the site behind it up?"
        try:
            return str(json.loads(answer.text)["detail"])
        except (ValueError, LookupError, TypeError):
            return answer.text[:MOST_TOLD]

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


def _id_in(unread: Exception) -> str | int | None:
    """Of a request that cannot be read as one: half of a surrogate pair in it, say."""
    if not isinstance(unread, ValidationError):
        return None
    found = unread.errors(include_url=False)[0]["input"]
    try:
        found = json.loads(found) if isinstance(found, str) else found
        number = found["id"] if "method" in found else None
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return number if isinstance(number, str | int) else None


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


def address(text: str) -> str:
    """Of the site; that of its door, as clients over HTTP have it, is one too.

    :raises ValueError: it is none.
    """
    try:
        url = httpx2.URL(text.strip() or DEFAULT_URL)
    except httpx2.InvalidURL as exc:
        raise ValueError(str(exc)) from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(f"{text!r} does not begin with http:// or https:// and a host")
    return str(url).rstrip("/").removesuffix("/mcp")


def key_in(text: str) -> str:
    """:raises ValueError: nothing of it is told, for it may be most of a key."""
    key = text.strip()
    if not (key.isascii() and key.isprintable()):
        raise ValueError("it has characters that no key has")
    return key


def main(argv: list[str] | None = None) -> None:
    parser = ArgumentParser(prog="python -m jobs.mcp", description=__doc__)
    parser.add_argument("--url", default=os.environ.get("BACKPLANE_URL", ""))
    given = parser.parse_args(argv)
    try:
        url = address(given.url)
    except ValueError as exc:
        parser.error(f"--url or BACKPLANE_URL: {exc}")
    try:
        # From the environment: what is on a command line, every user of the machine can read.
        key = key_in(os.environ.get("BACKPLANE_KEY", ""))
    except ValueError as exc:
        parser.error(f"BACKPLANE_KEY: {exc}")

    async def run() -> None:
        await Bridge(url, key).run()

    anyio.run(run)
