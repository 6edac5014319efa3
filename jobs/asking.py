"""Asking Django from within, as the client asked: whoever waits comes in by the same door.

What waits outside of Django's handler holds no thread and no database connection meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[Any]]
Result = TypeVar("Result")

UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
OF_THE_FIRST_REQUEST = {
    b"content-length", b"content-type", b"expect", b"idempotency-key", b"if-match", b"prefer",
    b"transfer-encoding",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of Django's."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        wanted = name.lower().encode()
        return next((v.decode("latin-1") for k, v in self.headers if k.lower() == wanted), None)

    def with_headers(self, **changed: str | None) -> Answer:
        """With these headers instead of any of the same name; None: without."""
        new = {name.replace("_", "-"): text for name, text in changed.items()}
        gone = {name.lower().encode() for name in new}
        kept = [(k, v) for k, v in self.headers if k.lower() not in gone]
        added = [(k.encode(), v.encode("latin-1")) for k, v in new.items() if v is not None]
        return replace(self, headers=kept + added)

    async def send_by(self, send: Send, *, more: bool = False) -> None:
        start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body, "more_body": more})


class Line:
    """The client's end of the connection: what it still sends, and whether it is there."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.is_gone = False

    async def receive(self) -> Message:
        message = await self._receive()
        self.is_gone = self.is_gone or message["type"] == "http.disconnect"
        return message

    def again(self) -> Receive:
        """For another request by the same client: an empty body, then the same line."""
        return again(b"", self.receive)

    async def while_there(self, work: Coroutine[Any, Any, Result]) -> Result | None:
        """Do the work as long as the client is there; None if it went away."""
        doing, leaving = asyncio.ensure_future(work), asyncio.ensure_future(self._leave())
        try:
            await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return doing.result() if doing.done() else None
        finally:
            doing.cancel()
            leaving.cancel()
            await asyncio.gather(doing, leaving, return_exceptions=True)

    async def _leave(self) -> None:
        while not self.is_gone:
            await self.receive()


class Desk:
    """Where Django is asked, a few at a time: a thousand who wake at once take no more threads."""

    def __init__(self, app: App, at_once: int = 8) -> None:
        self._app = app
        self._seats = asyncio.Semaphore(at_once)

    async def ask(self, scope: Scope, receive: Receive) -> Answer | None:
        """None: the client went away before there was an answer."""
        started: Message = {}
        body = bytearray()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.update(message)
            else:
                body.extend(message.get("body", b""))

        async with self._seats:
            await self._app(scope, receive, send)
        if not started:
            return None
        return Answer(started["status"], list(started["headers"]), bytes(body))


def again(body: bytes, receive: Receive) -> Receive:
    """For who asks after us: this body, then what the client says next."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receives() -> Message:
        return first.pop() if first else await receive()

    return receives


def headers_of(scope: Scope, name: str) -> str:
    """A request's header; one that was sent several times, joined by commas."""
    wanted = name.lower().encode()
    return ",".join(v.decode("latin-1") for k, v in scope["headers"] if k.lower() == wanted)


def path_of(scope: Scope) -> str:
    """Below where the site is mounted."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def reading(scope: Scope, path: str, **headers: str) -> Scope:
    """A request for that path by the same client, who has nothing else to say.

    :param headers: beside, or instead of, those of the request; underscores for hyphens.
    """
    new = {name.replace("_", "-").lower().encode(): text for name, text in headers.items()}
    gone = OF_THE_FIRST_REQUEST | new.keys()
    kept = [(k, v) for k, v in scope["headers"] if k.lower() not in gone]
    added = [(name, text.encode("latin-1")) for name, text in new.items()]
    whole = scope.get("root_path", "") + path
    return {
        **scope,
        "method": "GET",
        "path": whole,
        "raw_path": whole.encode(),
        "headers": kept + added,
    }
