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
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.core.signals import request_started
from django.db import connections
from django.http import FileResponse
from django.urls import set_script_prefix

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
        """Until it has hung up, or it matters no more: this is cancelled once it is answered."""
        with suppress(asyncio.CancelledError):
            while (await self())["type"] != "http.disconnect":
                pass


class Handler(ASGIHandler):
    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._idle: list[ThreadPoolExecutor] = []
        self._left: set[asyncio.Task[None]] = set()
        self._in_thread = sync_to_async(self._respond)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        client = Client(receive)
        asked = asyncio.create_task(self._answer(scope, client, send))
        try:
            await asyncio.shield(asked)
        except asyncio.CancelledError:
            # Cancelled itself, it would clear up nothing, and leave behind who listens to the
            # client: it is told what it knows, and ends once its thread is free.
            self._left.add(asked)
            asked.add_done_callback(self._left.discard)
            client.hang_up()
            raise

    async def _answer(self, scope: Any, client: Client, send: Any) -> None:
        """As Django's own, by one way to the thread and back where that takes three."""
        try:
            body = await self.read_body(client)
        except RequestAborted:
            return
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(max_workers=1)
        leaving = asyncio.create_task(client.stay())
        is_free = False
        try:
            async with ThreadSensitiveContext(executor=thread):
                response = await self._in_thread(scope, body)
                await self._send(response, send, leaving)
            is_free = True
        finally:
            leaving.cancel()
            if is_free and len(self._idle) < KEPT:
                self._idle.append(thread)
            else:
                # By the thread itself: if the server gave this up, it may still be at work.
                thread.submit(self._rest, thread)

    def _respond(self, scope: Any, body: Any) -> Any:
        """All of it that is done in the thread."""
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response: Any = refusal if request is None else self.get_response(request)
        response._handler_class = self.__class__
        response._resource_closers.append(body.close)
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if _is_one_piece(response, self.chunk_size):
            response.close()
        return response

    async def _send(self, response: Any, send: Any, leaving: asyncio.Task[None]) -> None:
        """As long as the client is there."""
        if _is_one_piece(response, self.chunk_size):
            if not leaving.done():
                await self.send_response(response, send)
            return
        sending = asyncio.create_task(self.send_response(response, send))
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
        finally:
            await sync_to_async(response.close)()

    def _rest(self, thread: ThreadPoolExecutor) -> None:
        if len(self._idle) < KEPT:
            self._idle.append(thread)
            return
        connections.close_all()
        thread.shutdown(wait=False)


def _is_one_piece(response: Any, at_most: int) -> bool:
    return not response.streaming and len(response.content) <= at_most
