"""The processes: Redis and a web process, or Redis and the workers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import psutil
from redis import Redis
from rq import Queue
from rq.results import Result

from bench.peers.jobs import environment
from bench.peers.processes import Processes
from bench.peers.seed.site import JOB
from bench.peers.timing import WITHIN_S
from bench.sites import Measured, Run, measure
from tests.stack import free_port, until

APP = "bench.peers.floor.app:application"
TICKETED = ("ticket", "rest")
"""Views that put each job on the queue."""


class _Parts:
    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._running = Processes()
        socket = self._running.redis(folder)
        self.redis = Redis(unix_socket_path=str(socket))
        self._env = environment(
            PEER_REDIS=str(socket), FLOOR_DATABASE=str(folder / "floor.sqlite3"), PYTHONPATH="."
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.redis.close()
        self._running.__exit__(*exc)


class Web(_Parts):
    """:param server: `daphne` or `uvicorn`."""

    def __init__(self, folder: Path, server: str) -> None:
        super().__init__(folder)
        self._port = free_port()
        quiet = {
            "daphne": ("-b", "127.0.0.1", "-v", "0"),
            "uvicorn": ("--log-level", "error", "--lifespan", "off"),
        }
        port = ("-p" if server == "daphne" else "--port", str(self._port))
        argv = [sys.executable, "-m", server, *port, *quiet[server], APP]
        self._web = psutil.Process(self._running.start(argv, self._env))
        until(self._answers, f"{server} is up")
        self.redis.flushall()

    def submit(self, seconds: float, view: str) -> Measured:
        asked: dict[str, Any] = {"paths": [f"/{view}"], "bodies": [JOB], "expected": 200}
        found = measure(self._web, self._port, seconds, **asked)
        if view in TICKETED:
            queued = Queue(connection=self.redis).count
            assert queued == found.answers.n, f"{found.answers.n} answers, {queued} tickets"
        self.redis.flushall()
        return found

    def _answers(self) -> bool:
        try:
            httpx.post(f"http://127.0.0.1:{self._port}/rest", json=JOB).raise_for_status()
        except httpx.TransportError:
            return False
        return True


class Workers(_Parts):
    """:param kind: the class of RQ's worker.
    :param job: the function in `jobs` that each job calls.
    """

    def __init__(self, folder: Path, kind: str, job: str, workers: int) -> None:
        super().__init__(folder)
        self._job = f"bench.peers.floor.jobs.{job}"
        env = {**self._env, "FLOOR_WORKER": kind}
        for _ in range(workers):
            self._running.start([sys.executable, "-m", "bench.peers.floor.worker"], env)
        self.run_many(2 * workers)

    def run_many(self, n: int) -> Sequence[Run]:
        queue = Queue(connection=self.redis)
        jobs = queue.enqueue_many([Queue.prepare_data(self._job, [1])] * n)
        found = [job.latest_result(timeout=WITHIN_S) for job in jobs]
        return [_run(result) for result in found]


def _run(result: Result | None) -> Run:
    assert result
    assert result.type == Result.Type.SUCCESSFUL, result.exc_string
    at = {name: result.return_value[name] for name in ("started_at", "finished_at")}
    return Run(sent_at=at["started_at"], **at)
