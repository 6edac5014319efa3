"""Bring everything up under one supervisor, and tell what to open and try."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import signal
import socket
import sqlite3
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from typing import Any
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections
from redis.exceptions import RedisError
from rq import Worker

from backplane_site import services
from backplane_site.fleet import READY_WITHIN_S, Fleet, NotReady
from backplane_site.supervisor import say
from jobs.fleet import redis

MIN_FREE_BYTES = 200_000_000
SLOW_AFTER_S = 60

BANNER = """
  Scientific AI Backplane is up ({seconds:.1f} s).

    open   {url}/                     jobs, forms, live pages
           {url}/api/docs             the REST interface, to be tried
           {url}/mcp                  agents: docs/mcp.md has their settings
           {url}/admin/               after: .venv/bin/python manage.py createsuperuser

    try    curl -X POST {url}/submit_job -H "Content-Type: application/json" -d @json_ex.json
           curl {url}/job_status/<job_id>

  Ctrl-C stops everything; jobs are kept in {var} and go on at the next start.
"""


class Command(BaseCommand):
    help = "Start Redis, the web, the workers, the scheduler, the reconciler and the webhooks."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
        parser.add_argument(
            "--web", type=int, default=1, help="web processes behind the port; default: 1"
        )

    def handle(
        self, *args: Any, host: str, port: int, workers: int, web: int = 1, **options: Any
    ) -> None:
        began = time.monotonic()
        # Whatever we or an engine write is for nobody else's eyes.
        os.umask(0o077)
        if workers < 1:
            raise CommandError("--workers must be 1 or more.")
        if web < 1:
            raise CommandError("--web must be 1 or more.")
        _check_host(host)
        _check_port(host, port)
        _check_disk()
        # All that we start tells the same address.
        os.environ.setdefault("BACKPLANE_URL", f"http://{host}:{port}")
        with _only_one():
            self._prepare_database()
            try:
                with services.listening(host, port) as listener:
                    fleet = Fleet(listener, web=web, workers=workers)
                    asyncio.run(_supervise(fleet, f"http://{host}:{port}", began))
            except (services.NoRedis, PermissionError, NotReady) as exc:
                raise CommandError(str(exc)) from None

    def _prepare_database(self) -> None:
        try:
            call_command("migrate", verbosity=0, interactive=False)
        except (DatabaseError, sqlite3.Error) as exc:
            raise CommandError(f"The database cannot be prepared: {exc}.") from None
        finally:
            connections.close_all()


async def _supervise(fleet: Fleet, url: str, began: float) -> None:
    stop, renew = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, renew.set)
    supervisor = fleet.supervisor
    try:
        if "REDIS_URL" not in os.environ:
            supervisor.start(services.redis_service())
        fleet.start()
        if await _until(lambda: _answers(url), stop):
            # Only now: five interpreters that start at once on two cores hold each other up.
            supervisor.start(*services.background_services())
            say(
                "up", BANNER.format(url=url, seconds=time.monotonic() - began, var=settings.VAR_DIR)
            )
        await _renew_until(stop, renew, fleet)
    finally:
        say("up", "stopping; running jobs are handed over")
        # Redis last: the others still have something to tell it.
        await supervisor.stop([name for name in supervisor.names if name != "redis"])
        await supervisor.stop()


async def _renew_until(stop: asyncio.Event, renew: asyncio.Event, fleet: Fleet) -> None:
    """As often as somebody wishes it, until they wish for the end."""
    ended = asyncio.create_task(stop.wait())
    while not ended.done():
        wished = asyncio.create_task(_renew_when(renew, fleet))
        await asyncio.wait([ended, wished], return_when=asyncio.FIRST_COMPLETED)
        wished.cancel()
        with suppress(asyncio.CancelledError):
            await wished


async def _renew_when(wished: asyncio.Event, fleet: Fleet) -> None:
    await wished.wait()
    wished.clear()
    await fleet.renew()


async def _until(ready: Callable[[], bool], stop: asyncio.Event) -> bool:
    """Wait for `ready()`; False if we were told to stop first."""
    began, is_told = time.monotonic(), False
    while not stop.is_set():
        if await asyncio.to_thread(ready):
            return True
        took_s = time.monotonic() - began
        if took_s > READY_WITHIN_S:
            raise NotReady(f"Not everything came up within {READY_WITHIN_S} s; see the log above.")
        if took_s > SLOW_AFTER_S and not is_told:
            is_told = True
            say("up", "not everything answers yet; a busy machine is given some minutes")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.1)
    return False


def _answers(url: str) -> bool:
    """The web serves, the queue is there, and a worker listens."""
    asked = Request(f"{url}/healthz", headers={"Host": settings.OWN_NAME})
    try:
        with urlopen(asked, timeout=5) as answer:
            healthy = json.load(answer)["state"] == "ok"
        return healthy and bool(Worker.count(connection=redis()))
    except (RedisError, OSError, HTTPException):
        return False


def _check_host(host: str) -> None:
    if settings.LOCAL_MODE and host not in {"127.0.0.1", "::1", "localhost"}:
        raise CommandError(
            f"--host {host}: in local mode, where nobody signs in, only loopback is served. "
            "Set BACKPLANE_MODE=server to open it to others."
        )


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as exc:
            reason = getattr(exc, "strerror", None) or exc
            raise CommandError(
                f"Port {port} on {host} cannot be used ({reason}). Choose another one: "
                f"PORT={port + 1} make up"
            ) from None


def _check_disk() -> None:
    free = shutil.disk_usage(settings.VAR_DIR).free
    if free < MIN_FREE_BYTES:
        raise CommandError(
            f"The disk is full: {free / 1e6:.0f} MB free in {settings.VAR_DIR}, at least "
            f"{MIN_FREE_BYTES / 1e6:.0f} MB are needed. Free some, or set BACKPLANE_VAR to a "
            "folder on another disk."
        )


@contextmanager
def _only_one() -> Iterator[None]:
    """Two supervisors on the same data would fight over its Redis."""
    path = settings.VAR_DIR / "up.lock"
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                f"Another backplane is running on {settings.VAR_DIR}. Stop it, or set "
                "BACKPLANE_VAR to another folder."
            ) from None
        yield
