"""Asks one HTTP server as fast as it answers, from a process of its own, on so many connections.

It reads no more of an answer than is needed to know where it ends: on a machine with two cores
what the asking takes is taken from the server.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked.

    :param paths: in turn.
    :param bodies: in turn; without one it is a GET.
    :param expected: the status that every answer must have.
    """

    port: int
    paths: Sequence[str]
    expected: int
    seconds: float
    connections: int
    bodies: Sequence[Any] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def requests(self) -> Iterator[bytes]:
        written = [json.dumps(body).encode() for body in self.bodies] or [b""]
        told = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        method = "POST" if self.bodies else "GET"
        for path, body in zip(itertools.cycle(self.paths), itertools.cycle(written), strict=False):
            length = "Content-Type: application/json\r\n" if body else ""
            length += f"Content-Length: {len(body)}\r\n" if body else ""
            head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{told}{length}\r\n"
            yield head.encode() + body


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What came of it."""

    n: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_s(self) -> float:
        return self.n / self.seconds


def put(load: Load) -> Answers:
    """Ask in a process of its own, and wait for the end of it."""
    argv = [sys.executable, "-m", "bench.load"]
    done = subprocess.run(
        argv, input=json.dumps(asdict(load)), text=True, capture_output=True, cwd=ROOT, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return Answers(**json.loads(done.stdout))


async def _ask_all(load: Load) -> Answers:
    took_s: list[float] = []
    requests = load.requests()
    began = time.perf_counter()
    until = began + load.seconds
    await asyncio.gather(*(_ask(load, requests, until, took_s) for _ in range(load.connections)))
    seconds = time.perf_counter() - began
    cuts = statistics.quantiles(took_s, n=100)
    return Answers(n=len(took_s), seconds=seconds, p50_ms=1e3 * cuts[49], p99_ms=1e3 * cuts[98])


async def _ask(load: Load, requests: Iterator[bytes], until: float, took_s: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", load.port)
    while (began := time.perf_counter()) < until:
        writer.write(next(requests))
        status = await _read(reader)
        if status != load.expected:
            raise AssertionError(f"{status} and not {load.expected}")
        took_s.append(time.perf_counter() - began)
    writer.close()


async def _read(reader: asyncio.StreamReader) -> int:
    """The status; the body is passed over."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head[9:12])
    _, found, rest = head.partition(b"\r\ncontent-length:")
    if found:
        await reader.readexactly(int(rest.partition(b"\r\n")[0]))
    elif b"\r\ntransfer-encoding: chunked" in head:
        await reader.readuntil(b"0\r\n\r\n")
    return status


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_ask_all(Load(**json.load(sys.stdin)))))))
