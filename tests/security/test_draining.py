"""What a slow client has not taken yet is not kept in memory: whoever sends waits for it."""

from __future__ import annotations

import hashlib
import http.client
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.stack import ROOT, free_port, until

LARGE = 256 * 1024 * 1024
KEPT = 16 * 1024 * 1024
"""Both ends' socket buffers, and one piece or two."""


@pytest.fixture
def port() -> Iterator[int]:
    """Where a Daphne of its own streams."""
    port = free_port()
    argv = [sys.executable, "-m", "daphne", "-p", str(port), "tests.security.streaming_app:app"]
    process = subprocess.Popen(argv, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        until(lambda: _answers(port), "Daphne")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    try:
        told(port)
    except OSError:
        return False
    return True


def told(port: int) -> tuple[int, int]:
    """How many bytes the application was rid of, and how many streams go on."""
    n_bytes, n_streams = get(port, "/sent").split()
    return int(n_bytes), int(n_streams)


def get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def ask(port: int, path: str) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return client


def settled(port: int) -> int:
    """What it was rid of once that grows no more."""
    seen = [-1]

    def is_settled() -> bool:
        seen.append(told(port)[0])
        return len(seen) > 5 and len(set(seen[-5:])) == 1

    until(is_settled, "the stream stands still")
    return seen[-1]


def test_a_client_that_takes_nothing_holds_up_who_sends(port: int) -> None:
    with ask(port, f"/{LARGE}") as client:
        client.recv(1000)
        before = settled(port)
        for _ in range(2000):
            client.recv(65536)
        after = settled(port)

        assert 0 < before < KEPT
        assert before < after < before + 2000 * 65536 + KEPT
        assert told(port)[1] == 1
    # And nobody waits for it for ever once it is gone.
    until(lambda: told(port)[1] == 0, "the stream is over")


def test_nor_does_one_that_has_not_taken_the_answer_before(port: int) -> None:
    with ask(port, f"/{1024 * 1024}") as client:
        client.sendall(f"GET /{LARGE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())

        assert settled(port) < KEPT


def test_who_takes_it_gets_all_of_it(port: int) -> None:
    body = get(port, f"/{LARGE}")

    assert len(body) == LARGE
    assert hashlib.sha256(body).digest() == hashlib.sha256(b"x" * LARGE).digest()
    assert told(port) == (LARGE, 0)
