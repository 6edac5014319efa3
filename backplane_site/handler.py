"""Django's requests, each in one thread from its first middleware to its last, and threads that
stay, with the database connection that each of them has.

Django as it comes gives every request a new thread, which opens the database anew, and goes back
and forth between it and the event loop for each middleware: most of what a short answer took.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.db import connections

KEPT = 16
"""Threads that wait for the next request; there are as many as there are requests at a time."""

HUNG_UP = {"type": "http.disconnect"}


class Client:
    """What a client still sends, until it hangs up or somebody does so in its place."""

    def __init__(self, receive: Any) -> None:
        self._receive = receive
        self._listener: asyncio.Task[Any] | None = None
        self._is_gone = False

    async def __call__(self) -> Any:
        """What it sends next; that it has hung up, once it has."""
        self._listener = asyncio.current_task()
        try:
            return HUNG_UP if self._is_gone else await self._receive()
        except asyncio.CancelledError:
            if not self._is_gone:
                raise
            return HUNG_UP
        finally:
            self._listener = None

    def hang_up(self) -> None:
        self._is_gone = True
        if self._listener:
            self._listener.cancel()

    async def stay(self) -> None:
        """Until it has hung up, or it matters no more: Django cancels this once it has answered."""
        with suppress(asyncio.CancelledError):
            while (await self())["type"] != "http.disconnect":
                pass


class Handler(ASGIHandler):
    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._idle: list[ThreadPoolExecutor] = []
        self._left: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        client = Client(receive)
        asked = asyncio.create_task(self._answer(scope, client, send))
        try:
            await asyncio.shield(asked)
        except asyncio.CancelledError:
            # Cancelled itself, Django would clear up nothing, and leave behind who listens to the
            # client: it is told what it knows, and ends once its thread is free.
            self._left.add(asked)
            asked.add_done_callback(self._left.discard)
            client.hang_up()
            raise

    async def listen_for_disconnect(self, receive: Any) -> None:
        await receive.stay()

    async def _answer(self, scope: Any, client: Client, send: Any) -> None:
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(max_workers=1)
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle(scope, client, send)
        finally:
            # By the thread itself: if its client went away, it may still be at work.
            thread.submit(self._rest, thread)

    async def get_response_async(self, request: Any) -> Any:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)

    def _rest(self, thread: ThreadPoolExecutor) -> None:
        if len(self._idle) < KEPT:
            self._idle.append(thread)
            return
        connections.close_all()
        thread.shutdown(wait=False)
