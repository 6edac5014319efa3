"""Leads `/mcp` to the agents' door, and everything else past it."""

from __future__ import annotations

from typing import Any

from jobs.mcp.door import PATH, Door
from jobs.mcp.site import App

from .same_origin import is_our_page

REFUSAL = b"A page of another site may not act for you here.\n"


class AgentsDoor:
    """A program sends no `Origin`; a page that does has to be one of ours.

    Otherwise any page in a browser on this machine could reach a server that trusts the machine.

    :param site: the application that answers the REST door.
    """

    def __init__(self, site: App, elsewhere: App) -> None:
        self._door = Door(site)
        self._elsewhere = elsewhere

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"].rstrip("/") != PATH:
            await self._elsewhere(scope, receive, send)
        elif _is_foreign(scope):
            await _refuse(send)
        else:
            await self._door(scope, receive, send)


def _is_foreign(scope: dict[str, Any]) -> bool:
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    origin = headers.get(b"origin")
    return origin is not None and not is_our_page(origin, headers.get(b"host", ""))


async def _refuse(send: Any) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(REFUSAL)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": REFUSAL})
