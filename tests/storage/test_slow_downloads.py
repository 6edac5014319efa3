"""Whoever downloads slowly, or waits for a bucket that hangs, holds up nobody else."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urljoin, urlsplit

import pytest

from tests.postgres import Postgres
from tests.s3 import S3
from tests.stack import Stack, until

from .faulty import Faulty, before
from .test_stack import is_gone

pytestmark = [pytest.mark.stack, pytest.mark.slow]

N_SLOW = 12
"""More than a web process has connections to its database."""


@pytest.fixture(scope="module")
def proxy(s3: S3) -> Iterator[Faulty]:
    with before(s3.url) as faulty:
        yield faulty


@pytest.fixture(scope="module")
def site(postgres: Postgres, s3: S3, proxy: Faulty) -> Iterator[Stack]:
    settings = s3.settings | {"BACKPLANE_S3_ENDPOINT": proxy.url}
    with Stack(1, database_url=postgres.create("slow_downloads"), **settings) as stack:
        yield stack


@contextmanager
def asked(address: str, times: int) -> Iterator[list[socket.socket]]:
    """Who asks for a file, and takes next to nothing of it."""
    url = urlsplit(address)
    line = f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode()
    with ExitStack() as all_of_them:
        found = []
        for _ in range(times):
            slow = all_of_them.enter_context(socket.socket())
            slow.settimeout(30)
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect((url.hostname, url.port))
            slow.sendall(line)
            found.append(slow)
        yield found


def test_many_slow_downloads_leave_the_database_to_others(site: Stack) -> None:
    content = os.urandom(8_000_000).hex().encode()
    headers = {"Content-Type": "application/octet-stream"}
    answer = site.client.post("/api/v1/files?name=a.xyz", content=content, headers=headers)
    assert answer.status_code == 201, answer.text

    with asked(answer.json()["links"]["content"], N_SLOW) as slow:
        begun = [each.recv(12) for each in slow]
        told = site.client.get("/api/v1/jobs").status_code

    assert begun == [b"HTTP/1.1 200"] * N_SLOW
    assert told == 200


@pytest.mark.parametrize("path", ["{file}", "/api/v1/jobs/{id}/log"])
def test_a_bucket_that_hangs_leaves_the_database_to_others(
    site: Stack, proxy: Faulty, path: str
) -> None:
    job = site.wait(site.submit("demo.sum_squares", n=3))
    until(lambda: is_gone(site.var / "jobs" / job["id"]), "its files are gone from the disk")
    url = urljoin(job["links"]["self"], path.format(file=job["artifacts"][0]["url"], id=job["id"]))

    with (
        proxy.hanging(lambda method, path: job["id"] in path),
        asked(url, N_SLOW) as waiting,
    ):
        told = [site.client.get("/api/v1/jobs").status_code for _ in range(N_SLOW)]
        is_any_answered = [each for each in waiting if _has_come(each)]

    assert told == [200] * N_SLOW
    assert is_any_answered == []


def _has_come(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return bool(client.recv(1))
    except BlockingIOError:
        return False
