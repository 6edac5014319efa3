"""`/mcp`: lets in whom the site knows, and hands each request to the protocol's own server.

Every request stands by itself: no session is kept, so none is lost when a server restarts or a
client comes back another day, and nothing has to be started before the first one (Daphne tells an
application neither when it starts nor when it stops). What lasts is the job.
"""

from __future__ import annotations

import asyncio
import uuid
from functools import cache
from importlib import import_module
from typing import Any

from .site import Answer, App, Site

PATH = "/mcp"
WHO = "/api/v1/me"
PASSED_ON = ("content-type", "www-authenticate", "retry-after", "location", "x-request-id")


class Door:
    """:param site: the site's own application, which answers the REST door."""

    def __init__(self, site: App) -> None:
        self._site = site

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["method"] != "POST":
            # Nothing is kept that a stream could follow, nor a session that could be deleted.
            await _send(send, 405, [(b"allow", b"POST")])
            return
        scope = _numbered(scope)
        site = Site(self._site, scope)
        known = await site.knock("GET", WHO)
        if not known.ok:
            await _pass_on(send, known)
            return
        transport = await asyncio.to_thread(_transport)
        await transport.serve(scope, receive, send, site, known.body)


@cache
def _transport() -> Any:
    """The SDK takes longer to import than the rest of the site: not before somebody asks for it."""
    loaded = import_module("jobs.mcp.transport")
    loaded.server.build()
    return loaded


def _numbered(scope: dict[str, Any]) -> dict[str, Any]:
    """One request id for all that is asked for the sake of one call."""
    if any(name == b"x-request-id" for name, _ in scope["headers"]):
        return scope
    number = (b"x-request-id", uuid.uuid4().hex.encode())
    return {**scope, "headers": [*scope["headers"], number]}


async def _pass_on(send: Any, answer: Answer) -> None:
    """A refusal goes out as it came: 401 with its challenge, 429 with its pause."""
    told = [name for name in PASSED_ON if name in answer.headers]
    headers = [(name.encode(), answer.headers[name].encode()) for name in told]
    await _send(send, answer.status, headers, answer.content)


async def _send(
    send: Any, status: int, headers: list[tuple[bytes, bytes]], content: bytes = b""
) -> None:
    headers = [*headers, (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
