"""Starts the services, prefixes what they say, starts again what dies, and stops them all.

Process managers from PyPI either stop everything when one child dies (honcho) or bring a
daemon, a configuration language and no prefixed output (supervisord, circus).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from django.conf import settings

from jobs.worker.host import dying_with

from .logs import redacted
from .services import Service

STOP_WITHIN_S = 10
STEADY_AFTER_S = 30
LONGEST_LINE = 65_536
COLOURS = {"web": 36, "redis": 31, "scheduler": 35, "reconciler": 33, "webhooks": 34, "watcher": 35}
WORKER_COLOUR = 32


class Supervisor:
    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._processes: dict[str, Process] = {}
        self._stopping: set[str] = set()

    def start(self, *services: Service) -> None:
        for service in services:
            self._stopping.discard(service.name)
            self._tasks[service.name] = asyncio.create_task(self._keep_alive(service))

    @property
    def names(self) -> list[str]:
        return list(self._tasks)

    async def stop(
        self,
        names: Sequence[str] | None = None,
        *,
        politely: signal.Signals = signal.SIGTERM,
        within_s: float = STOP_WITHIN_S,
    ) -> None:
        """End these services, all of them by default: politely first, then surely."""
        names = list(self._tasks) if names is None else list(names)
        self._stopping.update(names)
        for name in names:
            self._signal(name, politely)
        tasks = [self._tasks.pop(name) for name in names if name in self._tasks]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=within_s)
        for name in names:
            self._signal(name, signal.SIGKILL)
        if late:
            await asyncio.wait(late)

    async def _keep_alive(self, service: Service) -> None:
        pause_s = 0.5
        while service.name not in self._stopping:
            began = time.monotonic()
            ended = await self._run_to_its_end(service)
            if service.name in self._stopping:
                return
            pause_s = 0.5 if time.monotonic() - began > STEADY_AFTER_S else min(pause_s * 2, 10)
            say(service.name, f"ended ({ended}); starting it again in {pause_s:g} s")
            await asyncio.sleep(pause_s)

    async def _run_to_its_end(self, service: Service) -> str:
        """How it ended. A machine that has no process to spare now has one later."""
        try:
            return _describe(await self._run_once(service))
        except OSError as exc:
            return f"it could not be started: {exc}"

    async def _run_once(self, service: Service) -> int:
        process = await asyncio.create_subprocess_exec(
            *dying_with(os.getpid(), service.argv),
            env={
                **os.environ,
                **service.env,
                "BACKPLANE_SERVICE": service.name,
                "PYTHONUNBUFFERED": "1",
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            # A session of its own: Ctrl-C in the terminal reaches us alone, and we stop in order.
            start_new_session=True,
            pass_fds=service.descriptors,
        )
        self._processes[service.name] = process
        if service.name in self._stopping:
            # Told to stop while it was being born: nobody could signal it then.
            process.terminate()
        assert process.stdout
        async for line in _lines(process.stdout):
            say(service.name, line.decode(errors="replace").rstrip())
        return await process.wait()

    def _signal(self, name: str, number: signal.Signals) -> None:
        process = self._processes.get(name)
        if process and process.returncode is None:
            process.send_signal(number)


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """What it says, a line that is too long in pieces: asyncio's own reader gives up at 64 KiB, and
    a service that nobody listens to stands still once its pipe is full."""
    rest = b""
    while chunk := await stream.read(LONGEST_LINE):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
        if len(rest) >= LONGEST_LINE:
            yield rest
            rest = b""
    if rest:
        yield rest


def say(name: str, text: str) -> None:
    if settings.LOG_FORMAT == "json":
        _say_as_json(name, text)
        return
    prefix = f"{name:<10} | "
    if sys.stdout.isatty():
        colour = COLOURS.get(re.split("[-.]", name)[0], WORKER_COLOUR)
        prefix = f"\033[{colour}m{prefix}\033[0m"
    sys.stdout.write(f"{prefix}{redacted(text)}\n")
    sys.stdout.flush()


def _say_as_json(name: str, text: str) -> None:
    """What is an object already goes on as it is; what a library printed becomes one."""
    if not (text.startswith("{") and text.endswith("}")):
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told = {"time": at, "level": "INFO", "service": name, "message": redacted(text)}
        text = json.dumps(told, ensure_ascii=False)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _describe(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"signal {-status}"
