"""Submissions that are sent at the same time, to what stands in front of Django and to Django."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from asgiref.sync import async_to_sync

from backplane_site.crowd import Crowd
from backplane_site.handler import Handler

django = Handler()
PATH = "/api/v1/jobs"
SUM: dict[str, Any] = {"simulation": "demo.sum_squares", "params": {"n": 3}, "reuse": False}


class Doors:
    """Django as it is, and what stands in front of it."""

    def __init__(self) -> None:
        self.by_django: list[bytes] = []
        self.crowd = Crowd(self._counted)
        # A thread of a test's own: it would outlive the test's database.
        self._desks = [self.crowd._desk, self.crowd._lookers]

    async def _counted(self, scope: Any, receive: Any, send: Any) -> None:
        messages = [await receive()]
        self.by_django.append(messages[0]["body"])

        async def again() -> Any:
            return messages.pop() if messages else await receive()

        await django(scope, again, send)

    def close(self) -> None:
        for each in self._desks:
            each.shutdown()

    def taught(self, *, by: str = "") -> Doors:
        """Somebody has asked in that manner before."""
        assert self.send(SUM, by=by).status_code == 202
        self.by_django.clear()
        return self

    def send(self, body: Any, *, by: str = "", **headers: str) -> httpx.Response:
        (answer,) = self.send_all([(body, by, headers)])
        return answer

    def send_all(self, asked: list[tuple[Any, str, dict[str, str]]]) -> list[httpx.Response]:
        """All at the same time, and stored together, as far as they may be."""
        with self._standing_still(len(asked)):
            return async_to_sync(_all)([partial_of(self.crowd, *each) for each in asked])

    @contextmanager
    def _standing_still(self, n: int) -> Iterator[None]:
        """Until all of them have lined up."""
        lined_up, line_up = threading.Event(), self.crowd._line_up

        def counted(some: Any) -> None:
            line_up(some)
            if len(self.crowd._waiting) >= n:
                lined_up.set()

        self.crowd._line_up = counted  # type: ignore[method-assign]
        # Those that Django answers never come: then the others need not wait for them.
        self.crowd._desk.submit(lined_up.wait, 0.5)
        try:
            yield
        finally:
            self.crowd._line_up = line_up  # type: ignore[method-assign]


def partial_of(app: Any, body: Any, by: str, headers: dict[str, str]) -> Callable[..., Any]:
    return lambda: ask(app, body, by, headers)


async def _all(asked: list[Callable[[], Awaitable[httpx.Response]]]) -> list[httpx.Response]:
    return list(await asyncio.gather(*(each() for each in asked)))


async def ask(app: Any, body: Any, by: str, headers: dict[str, str]) -> httpx.Response:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    address = "127.0.0.1"
    if by:
        # From elsewhere, through our proxy: a key needs no trust in the machine.
        named |= {"Authorization": f"Bearer {by}", "X-Forwarded-For": "203.0.113.7"}
        address = "203.0.113.7"
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    transport = httpx.ASGITransport(app=app, client=(address, 4242))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        usual = {"Content-Type": "application/json"}
        return await client.post(PATH, content=content, headers=usual | named)
