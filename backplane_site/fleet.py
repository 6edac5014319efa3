"""Web, workers and the rest under one supervisor, and how a new generation takes over from them.

The web first: its new processes accept from the same socket before the old ones stop to, so that
nobody's request fails. Then the workers, one after the other: each hands its job over, and another
goes on from the checkpoint.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Sequence

from django.conf import settings

from . import services
from .leaving import SIGNAL, WITHIN_S
from .services import Service
from .supervisor import Supervisor, say

READY_WITHIN_S = 300
"""A site that comes back has jobs to go on with, which may leave its web little of the machine."""
LOOK_EVERY_S = 0.1


class NotReady(Exception):
    """A service did not come up in time."""


class Fleet:
    def __init__(self, listener: socket.socket, *, web: int, workers: int) -> None:
        self.supervisor = Supervisor()
        self._listener = listener
        self._n_web, self._n_workers = web, workers
        self._generation = 1
        self._web: list[Service] = []

    def start(self) -> None:
        """The web and the workers; the others when these are there."""
        self._web = self._web_services()
        self.supervisor.start(*self._web, *services.worker_services(self._n_workers))

    async def renew(self) -> None:
        """Start all of them again from the code that is there now, without an outage."""
        say("up", "starting everything again: the web first, then worker after worker")
        try:
            await self._migrate()
            await self._renew_web()
        except NotReady as exc:
            say("up", f"{exc} Those that were there go on.")
            return
        for service in services.worker_services(self._n_workers):
            await self._again(service)
        for service in services.background_services():
            await self._again(service)
        say("up", f"generation {self._generation} is up")

    async def _migrate(self) -> None:
        argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), "migrate", "--verbosity", "0"]
        process = await asyncio.create_subprocess_exec(*argv)
        if await process.wait():
            raise NotReady("The database could not be brought to the new version.")

    async def _renew_web(self) -> None:
        self._generation += 1
        old, new = self._web, self._web_services()
        try:
            for service in new:
                services.ready_file(service).touch(mode=0o600)
            self.supervisor.start(*new)
            await self._until_listening(new)
        except NotReady:
            await self.supervisor.stop([service.name for service in new])
            raise
        finally:
            for service in new:
                services.ready_file(service).unlink(missing_ok=True)
        self._web = new
        names = [service.name for service in old]
        # It has its own time to end what was asked; what lasts longer than that is cut.
        await self.supervisor.stop(names, politely=SIGNAL, within_s=WITHIN_S + 5)

    async def _until_listening(self, new: Sequence[Service]) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not all(services.ready_file(service).stat().st_size for service in new):
            if time.monotonic() > deadline:
                raise NotReady(f"The new web did not come up within {READY_WITHIN_S} s.")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _again(self, service: Service) -> None:
        await self.supervisor.stop([service.name])
        self.supervisor.start(service)

    def _web_services(self) -> list[Service]:
        return services.web_services(self._listener, self._n_workers, self._n_web, self._generation)
