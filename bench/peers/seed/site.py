"""The seed's processes, as its README starts them: Redis, one web process, a Celery worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

import httpx

from backplane_site.services import redis_server
from tests.stack import ROOT, free_port, until

JOB = {
    "experiment_name": "no-op",
    "molecule_smiles": "O",
    "simulation_type": "sum_squares",
    "parameters": {"n": 1},
}


class Seed:
    """:param workers: processes of Celery's worker."""

    def __init__(self, workers: int = 2) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="seed")
        self._workers = workers
        self._running: list[subprocess.Popen[bytes]] = []
        self._redis = ""
        self.port = free_port()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)

    def __enter__(self) -> Self:
        socket = Path(self._folder.name) / "redis.sock"
        argv = [redis_server(), "--port", "0", "--unixsocket", str(socket), "--save", ""]
        self._start([*argv, "--dir", self._folder.name])
        until(socket.exists, "Redis is up")
        self._redis = f"redis+socket://{socket}"
        web = ("bench.peers.seed.main:app", "--port", str(self.port), "--log-level", "error")
        self.web_pid = self._start(_python("uvicorn", *web))
        worker = ("-A", "bench.peers.seed.tasks", "worker", "--concurrency", str(self._workers))
        self._start(_python("celery", *worker, "--loglevel", "error"))
        until(self._answers, "the web process is up")
        return self

    def __exit__(self, *exc: object) -> None:
        for process in reversed(self._running):
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        self.client.close()
        self._folder.cleanup()

    def submit(self) -> str:
        answer = self.client.post("/submit_job", json=JOB)
        answer.raise_for_status()
        return str(answer.json()["job_id"])

    def result(self, job_id: str) -> dict[str, Any] | None:
        """None while there is none."""
        found: dict[str, Any] | None = self.client.get(f"/job_status/{job_id}").json().get("result")
        return found

    def _answers(self) -> bool:
        try:
            return self.client.get("/docs").is_success
        except httpx.TransportError:
            return False

    def _start(self, argv: list[str]) -> int:
        env = {**os.environ, "SEED_REDIS": self._redis, "PYTHONWARNINGS": "ignore"}
        started = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
        self._running.append(started)
        return started.pid


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
