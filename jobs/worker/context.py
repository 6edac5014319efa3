"""The `Context` of a job in a worker: what it reports becomes events, coalesced twice a second."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from django.db import DatabaseError, connection

import simulations
from jobs import lifecycle, log_context
from jobs.artifacts import LOG_NAME
from jobs.models import Job
from jobs.states import Queue
from simulations.workdir import Manifest

from .inheritance import left_behind

logger = logging.getLogger(__name__)

FLUSH_EVERY_S = 0.5
MAX_LOG_CHARS = 8_000
"""How much log one event carries; the rest is in the file."""


class JobContext:
    """Collects in the engine's thread, writes in its own: an engine never waits for a database.

    What is left when it is over is for whoever tells how it ended: see `untold`.
    """

    def __init__(self, job: Job, attempt: int) -> None:
        self._job = job
        self._attempt = attempt
        self.workdir: Path = job.workdir(attempt)
        self.workdir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.previous = left_behind(job, attempt)
        self.threads = job.threads or int(os.environ.get("OMP_NUM_THREADS", "1"))
        self.log: TextIO = (self.workdir / LOG_NAME).open("a", buffering=1)
        self.memory_mib = job.budget.memory_mib
        self.gpu = job.queue == Queue.GPU
        self._manifest = Manifest(self.workdir)
        self._points: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._log_read = 0
        # Later than its worker's clock, by which it is told why it ended.
        self._over_at = time.monotonic() + (job.budget.wall_time_s or math.inf)
        self._stop = threading.Event()
        self._done = threading.Event()
        self._flusher = threading.Thread(
            target=log_context.carried(self._flush_until_done), name="flusher", daemon=True
        )

    def __enter__(self) -> Self:
        self._flusher.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._flusher.join()
        self.log.close()

    def report(
        self, fraction: float, message: str = "", *, stage: str = "", **metrics: float
    ) -> None:
        if not math.isfinite(fraction):
            raise ValueError(f"the fraction of a report is {fraction}")
        point = {"fraction": float(fraction), "message": message, "stage": stage, **plain(metrics)}
        with self._lock:
            self._points.append(point)
        if self._stop.is_set() or time.monotonic() > self._over_at:
            raise simulations.Cancelled

    def artifact(self, name: str, title: str, media_type: str = "text/plain") -> None:
        self._manifest.add(name, title, media_type)

    def _flush_until_done(self) -> None:
        try:
            while not self._done.wait(FLUSH_EVERY_S):
                try:
                    self._flush()
                except DatabaseError:
                    logger.warning("progress of job %s waits for the database", self._job.pk)
                    connection.close()
        finally:
            connection.close()

    def _flush(self) -> None:
        """Write what is new. What could not be written is kept for the next time."""
        points, text, read = self._new()
        if not points and not text:
            return
        try:
            lifecycle.progress(self._job, self._attempt, points, text)
        except lifecycle.IllegalTransition:
            self._stop.set()
        if self._job.cancel_requested_at:
            self._stop.set()
        self._log_read = read
        with self._lock:
            del self._points[: len(points)]

    def untold(self) -> tuple[Sequence[dict[str, Any]], str]:
        """What it reported and logged since it was last written, once it is over."""
        points, text, _ = self._new()
        return points, text

    def _new(self) -> tuple[list[dict[str, Any]], str, int]:
        with self._lock:
            points = self._points[:]
        return points, *self._new_log()

    def _new_log(self) -> tuple[str, int]:
        """What the log file has grown by since the last event, its middle cut if it is much."""
        with (self.workdir / LOG_NAME).open("rb") as stream:
            stream.seek(self._log_read)
            raw = stream.read()
        text = raw.decode("utf-8", errors="replace")
        if len(text) > MAX_LOG_CHARS:
            cut = len(text) - MAX_LOG_CHARS
            text = f"… {cut:,} characters skipped, see the file …\n{text[-MAX_LOG_CHARS:]}"
        return text, self._log_read + len(raw)


def plain(metrics: Mapping[str, Any]) -> dict[str, float | int]:
    """As JSON takes them: numpy's numbers as Python's, and no figure that is none."""
    numbers = {
        name: value.item() if hasattr(value, "item") else value for name, value in metrics.items()
    }
    return {name: value for name, value in numbers.items() if math.isfinite(value)}
