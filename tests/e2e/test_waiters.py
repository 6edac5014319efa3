"""A thousand who wait at one web process: they hold sockets, no threads, and hear of the end."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

import pytest

from tests.sabotage import stopped
from tests.stack import Stack, until

pytestmark = [pytest.mark.stack, pytest.mark.slow]

MANY = 1000
KINDS = ("stream", "socket", "prefer")
AT_ONCE = 20
"""So many knock together, as an avalanche of sockets would be too late for its own handshakes."""
FEW_THREADS = 40
"""Django's, for those that are asked at the moment, and Daphne's own."""
BY_A_LOOK_S = 5
"""As soon as somebody who heard nothing would look."""


@pytest.fixture(autouse=True)
def _many_files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Of our own: SQLite keeps the descriptors of connections that others' tests have closed."""
    with Stack(workers=1) as running:
        yield running


@pytest.fixture
def waiting_job(stack: Stack) -> Iterator[str]:
    """Its workers are asleep, so that it ends when it is told to, and computes nothing."""
    with stopped(stack, "", stack.processes("work")):
        yield stack.submit("demo.sum_squares", n=3)


class Waiter:
    """One connection, in as few bytes and as little work as there can be."""

    def __init__(self, kind: str, stack: Stack, job_id: str) -> None:
        self._port = stack.port
        path = f"/api/v1/jobs/{job_id}"
        self._request = {
            "prefer": f"GET {path} HTTP/1.1\r\nPrefer: wait=50\r\nConnection: close\r\n",
            "stream": f"GET {path}/events/stream HTTP/1.1\r\nConnection: close\r\n",
            "socket": f"GET /ws/v1/jobs/{job_id}/ HTTP/1.1\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\nOrigin: {stack.url}\r\n",
        }[kind]
        self.is_there = asyncio.Event()
        self.told_at = 0.0
        if kind == "prefer":
            # It says nothing until the end.
            self.is_there.set()

    async def wait(self) -> None:
        got = b""
        while b'"cancelled"' not in got:
            got = await self._once()
        self.told_at = time.time()

    async def _once(self) -> bytes:
        """All that comes, up to the end; one that waited for as long as it may asks again."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(f"{self._request}Host: 127.0.0.1:{self._port}\r\n\r\n".encode())
        got = b""
        try:
            # Whoever does not answer its pings Daphne hangs up on, after some fifty seconds.
            with suppress(ConnectionResetError):
                while b'"cancelled"' not in got and (some := await reader.read(65536)):
                    got += some
                    if b'"submitted"' in got:
                        self.is_there.set()
        finally:
            writer.close()
        return got


@pytest.mark.parametrize("kind", KINDS)
async def test_one_who_waits_hears_of_the_end_as_it_comes(
    kind: str, stack: Stack, waiting_job: str
) -> None:
    waiter = Waiter(kind, stack, waiting_job)
    waits = asyncio.create_task(waiter.wait())
    await asyncio.wait_for(waiter.is_there.wait(), 60)
    # Time enough to wait in earnest, and not so much that a look would come just then.
    await asyncio.sleep(1)
    ended_at = await _cancel(stack, waiting_job)
    await asyncio.wait_for(waits, 60)

    assert waiter.told_at - ended_at < BY_A_LOOK_S / 2


async def test_many_wait_without_a_thread_each_and_all_hear_of_the_end(
    stack: Stack, waiting_job: str
) -> None:
    web = stack.processes("daphne")[0]
    kinds = [KINDS[min(4 * n // MANY, 2)] for n in range(MANY)]
    waiters = [Waiter(kind, stack, waiting_job) for kind in kinds]
    tasks: list[asyncio.Task[None]] = []
    most_threads = 0
    for first in range(0, MANY, AT_ONCE):
        wave = waiters[first : first + AT_ONCE]
        tasks += [asyncio.create_task(waiter.wait()) for waiter in wave]
        async with asyncio.timeout(120):
            for waiter in wave:
                await waiter.is_there.wait()
        most_threads = max(most_threads, web.num_threads())

    def nearly_all() -> bool:
        return len(web.net_connections()) > 0.9 * MANY

    await asyncio.to_thread(until, nearly_all, "they wait at once")
    files = [each for each in web.open_files() if each.path.endswith("db.sqlite3")]

    await _cancel(stack, waiting_job)
    async with asyncio.timeout(120):
        await asyncio.gather(*tasks)

    assert max(most_threads, web.num_threads()) < FEW_THREADS
    assert len(files) < FEW_THREADS


async def _cancel(stack: Stack, job_id: str) -> float:
    """When it ended of that: how soon the site does what it is asked is not what is asked here."""
    answer = await asyncio.to_thread(stack.client.post, f"/api/v1/jobs/{job_id}/cancel")
    answer.raise_for_status()
    job = await asyncio.to_thread(stack.job, job_id)
    return datetime.fromisoformat(job["finished_at"]).timestamp()
