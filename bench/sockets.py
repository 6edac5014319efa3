"""Watches jobs by so many websockets, from a process of its own: how late is each event?

From the moment that an event bears, which it is given before its commit, to its last byte here.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from .child import Child

AT_ONCE = 20
"""So many knock together, as an avalanche of sockets would be too late for its own handshakes."""
TEXT, PING, PONG = 0x1, 0x9, 0xA


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came within some seconds.

    :param n: events, each as often as it came to somebody.
    :param missing: numbers that a socket never got, though it got a later one.
    """

    n: int
    p50_ms: float
    p99_ms: float
    most_ms: float
    missing: int
    cpu_s: float


class Sockets:
    """All of them, in a process of its own."""

    def __init__(self, port: int, jobs: Sequence[str], n: int) -> None:
        self.n = n
        self._child = Child("bench.sockets")
        self._child.say({"port": port, "jobs": list(jobs), "n": n})

    def until_open(self) -> None:
        self._child.hear()

    def listen(self, seconds: float) -> None:
        """Begin anew; what came before does not count."""
        self._child.say({"seconds": seconds})

    def heard(self) -> Heard:
        """Once those seconds are over."""
        return Heard(**self._child.hear())

    def close(self) -> None:
        self._child.close()


@dataclass(slots=True)
class _Watcher:
    """One socket, in as little work as there can be."""

    port: int
    job_id: str
    late_ms: list[float]
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    seqs: list[int] = field(default_factory=list)

    async def watch(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(self._request())
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in head.partition(b"\r\n")[0], head
        while True:
            kind, body = await read_frame(reader)
            now = time.time()
            if kind == PING:
                writer.write(frame(PONG, body))
            elif kind == TEXT:
                self._note(json.loads(body), now)
            else:
                raise AssertionError(f"{self.job_id}: a frame of kind {kind}: {body[:200]!r}")

    def _request(self) -> bytes:
        here = f"127.0.0.1:{self.port}"
        head = f"GET /ws/v1/jobs/{self.job_id}/ HTTP/1.1\r\nHost: {here}\r\nOrigin: http://{here}"
        head += "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13"
        return f"{head}\r\nSec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n\r\n".encode()

    def _note(self, message: dict[str, Any], now: float) -> None:
        for event in message.get("events", []):
            # What was there before it opened came with the first.
            self.is_open.set()
            at = datetime.fromisoformat(event["at"]).timestamp()
            self.late_ms.append(1000 * (now - at))
            self.seqs.append(event["seq"])


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """RFC 6455, 5.2, as a server sends it: whole and not masked."""
    first, length = await reader.readexactly(2)
    if length >= 126:
        length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8), "big")
    return first & 0xF, await reader.readexactly(length)


def frame(kind: int, body: bytes) -> bytes:
    """The same, short, as a client has to send it: masked, here by zeros."""
    return bytes([0x80 | kind, 0x80 | len(body), 0, 0, 0, 0]) + body


def gaps(seqs: Sequence[int]) -> int:
    """How many numbers between the first and the last are not there."""
    return max(seqs) - min(seqs) + 1 - len({*seqs}) if seqs else 0


def _told(watchers: Sequence[_Watcher], late_ms: list[float], cpu_s: float) -> Heard:
    cuts = statistics.quantiles(late_ms, n=100)
    return Heard(
        n=len(late_ms),
        p50_ms=cuts[49],
        p99_ms=cuts[98],
        most_ms=max(late_ms),
        missing=sum(gaps(each.seqs) for each in watchers),
        cpu_s=cpu_s,
    )


async def _line() -> dict[str, Any] | None:
    text = await asyncio.to_thread(sys.stdin.readline)
    return json.loads(text) if text else None


async def _open(watchers: Sequence[_Watcher]) -> list[asyncio.Task[None]]:
    tasks = []
    for first in range(0, len(watchers), AT_ONCE):
        wave = watchers[first : first + AT_ONCE]
        tasks += [asyncio.create_task(each.watch()) for each in wave]
        async with asyncio.timeout(120):
            await asyncio.gather(*(each.is_open.wait() for each in wave))
    return tasks


async def _main() -> None:
    wanted = await _line()
    assert wanted
    late_ms: list[float] = []
    jobs = wanted["jobs"]
    watchers = [_Watcher(wanted["port"], jobs[n % len(jobs)], late_ms) for n in range(wanted["n"])]
    tasks = await _open(watchers)
    print("{}", flush=True)
    while said := await _line():
        late_ms.clear()
        for each in watchers:
            each.seqs.clear()
        before = sum(os.times()[:2])
        await asyncio.wait(tasks, timeout=said["seconds"], return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task.done():
                task.result()
        print(
            json.dumps(asdict(_told(watchers, late_ms, sum(os.times()[:2]) - before))), flush=True
        )
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(_main())
