"""Django's requests, each in one thread from its first middleware to its last, and threads that
stay, with the database connection that each of them has.

Django as it comes gives every request a new thread, which opens the database anew, and goes back
and forth between it and the event loop for each middleware: most of what a short answer took.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.db import connections

KEPT = 16
"""Threads that wait for the next request; there are as many as there are requests at a time."""


class Handler(ASGIHandler):
    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._idle: list[ThreadPoolExecutor] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(max_workers=1)
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle(scope, receive, send)
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
