"""One request to the protocol's server and its answer, as JSON or as a stream of events."""

from __future__ import annotations

from typing import Any

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from . import caller, server
from .caller import Caller
from .site import Site


async def serve(
    scope: dict[str, Any], receive: Any, send: Any, site: Site, me: dict[str, Any]
) -> None:
    """Answer whoever `GET /api/v1/me` says it is.

    A manager lives as long as its one request, in the request's own task: when the client goes,
    all that worked for it ends with it.
    """
    scopes = frozenset(me["key"]["scopes"]) if me["key"] else None
    scope = {**scope, caller.KEY: Caller(site=site, user=me["user"], scopes=scopes)}
    manager = StreamableHTTPSessionManager(server.build(), stateless=True)
    async with manager.run():
        await manager.handle_request(scope, receive, send)
