"""The seed's processes, as its README starts them: Redis, one web process, a Celery worker."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import httpx

from bench.peers.processes import Processes
from tests.stack import free_port, until

JOB = {
    "experiment_name": "no-op",
    "molecule_smiles": "O",
    "simulation_type": "sum_squares",
    "parameters": {"n": 1},
}


class Seed:
    """:param workers: processes of Celery's worker."""

    def __init__(self, workers: int = 2) -> None:
        self._workers = workers
        self.port = free_port()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="seed"))
            opened.callback(self.client.close)
            running = opened.enter_context(Processes())
            self._start(running, Path(folder))
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._opened.__exit__(*exc)

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

    def _start(self, running: Processes, folder: Path) -> None:
        socket = running.redis(folder)
        redis = f"redis+socket://{socket}"
        env = {**os.environ, "SEED_REDIS": redis, "PYTHONWARNINGS": "ignore"}
        web = ("bench.peers.seed.main:app", "--port", str(self.port), "--log-level", "error")
        self.web_pid = running.start(_python("uvicorn", *web), env)
        worker = ("-A", "bench.peers.seed.tasks", "worker", "--concurrency", str(self._workers))
        running.start(_python("celery", *worker, "--loglevel", "error"), env)
        until(self._answers, "the web process is up")


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
