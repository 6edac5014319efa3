"""The processes: Redis and a web process, or Redis and the workers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from redis import Redis
from rq import Queue
from rq.results import Result

from bench.peers.floor.jobs import DATABASE, create_table
from bench.peers.jobs import environment
from bench.peers.processes import Processes
from bench.peers.seed.site import JOB
from bench.peers.timing import WITHIN_S
from bench.sites import Measured, Run, measure
from tests.stack import free_port, until

APP = "bench.peers.floor.app:application"
TICKETED = ("ticket", "rest")
"""Views that put each job on the queue."""


class Web:
    """A server of `app`, its process and its port."""

    def __init__(self, redis: Redis, process: psutil.Process, port: int) -> None:
        self._redis, self._process, self._port = redis, process, port

    def submit(self, seconds: float, view: str) -> Measured:
        asked: dict[str, Any] = {"paths": [f"/{view}"], "bodies": [JOB], "expected": 200}
        found = measure(self._process, self._port, seconds, **asked)
        if view in TICKETED:
            queued = Queue(connection=self._redis).count
            assert queued == found.answers.n, f"{found.answers.n} answers, {queued} tickets"
        self._redis.flushall()
        return found

    def answers(self) -> bool:
        try:
            httpx.post(f"http://127.0.0.1:{self._port}/rest", json=JOB).raise_for_status()
        except httpx.TransportError:
            return False
        self._redis.flushall()
        return True


class Workers:
    """Those of RQ, which call one function in `jobs` for each job."""

    def __init__(self, redis: Redis, job: str) -> None:
        self._redis, self._job = redis, f"bench.peers.floor.jobs.{job}"

    def run_many(self, n: int) -> Sequence[Run]:
        queue = Queue(connection=self._redis)
        jobs = queue.enqueue_many([Queue.prepare_data(self._job, [1])] * n)
        found = [job.latest_result(timeout=WITHIN_S) for job in jobs]
        return [_run(result) for result in found]


@contextmanager
def serving(folder: Path, server: str) -> Iterator[Web]:
    """:param server: `daphne` or `uvicorn`."""
    with _started(folder) as (running, redis, env):
        port = free_port()
        quiet = {
            "daphne": ("-b", "127.0.0.1", "-v", "0"),
            "uvicorn": ("--log-level", "error", "--lifespan", "off"),
        }
        listen = ("-p" if server == "daphne" else "--port", str(port))
        argv = [sys.executable, "-m", server, *listen, *quiet[server], APP]
        web = Web(redis, psutil.Process(running.start(argv, env)), port)
        until(web.answers, f"{server} is up")
        yield web


@contextmanager
def working(folder: Path, kind: str, job: str, workers: int) -> Iterator[Workers]:
    """:param kind: the class of RQ's worker.
    :param job: the function in `jobs` that each job calls.
    """
    with _started(folder) as (running, redis, env):
        create_table(env[DATABASE])
        for _ in range(workers):
            argv = [sys.executable, "-m", "bench.peers.floor.worker"]
            running.start(argv, {**env, "FLOOR_WORKER": kind})
        found = Workers(redis, job)
        found.run_many(2 * workers)
        yield found


@contextmanager
def _started(folder: Path) -> Iterator[tuple[Processes, Redis, dict[str, str]]]:
    """What ends with it, a Redis, and where the others find it and the database."""
    folder.mkdir()
    with Processes() as running:
        socket = running.redis(folder)
        env = environment(
            PEER_REDIS=str(socket), PYTHONPATH=".", **{DATABASE: str(folder / "floor.sqlite3")}
        )
        with closing(Redis(unix_socket_path=str(socket))) as redis:
            yield running, redis, env


def _run(result: Result | None) -> Run:
    assert result
    assert result.type == Result.Type.SUCCESSFUL, result.exc_string
    at = {name: result.return_value[name] for name in ("started_at", "finished_at")}
    return Run(sent_at=at["started_at"], **at)
