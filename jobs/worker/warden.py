"""The worker parent's watch over one attempt: lease, cancel, limits, and how it all ended."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection

from jobs import artifacts, keeping, lifecycle, log_context, rows
from jobs.artifacts import FileOnDisk
from jobs.heritage import SCRATCH_NAME
from jobs.models import Job
from jobs.states import JobState

from .autopsy import autopsy
from .gauge import Gauge
from .patience import insist
from .tree import Tree

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
GRACE_S = 0.75
"""How long a run that was asked to stop may take to do so by itself."""


class Verdict(Enum):
    """Why the warden killed a work-horse."""

    CANCELLED = auto()
    HANDED_OVER = auto()
    FENCED = auto()


class Warden:
    """Looks after the attempt in a thread of its own: neither RQ nor Redis can hold it up."""

    def __init__(self, job: Job, *, tree: Tree, kill: Callable[[], None]) -> None:
        self.budget = job.budget
        self.workdir = job.workdir(job.attempt)
        self._gauge = Gauge(self.budget, self.workdir, tree=tree, kill=kill)
        self._job_id = job.pk
        self._attempt = job.attempt
        self._kill = kill
        self._verdict: Verdict | None = None
        self._stopping_since: float | None = None
        self._gone = threading.Event()
        self._over = threading.Event()
        self._hand_over = threading.Event()
        self._thread = threading.Thread(
            target=log_context.carried(self._watch), name="warden", daemon=True
        )

    def start(self) -> None:
        self._thread.start()
        self._gauge.start()

    @property
    def has_settled(self) -> bool:
        return self._gone.is_set()

    def give_back(self) -> None:
        """No process was ever made for it: that is nobody's failure."""
        self._verdict = Verdict.HANDED_OVER
        self.settle(None, None)

    def hand_over(self) -> None:
        """The worker is to stop: let another one go on with the job. Called in a signal handler."""
        self._hand_over.set()

    def settle(self, status: int | None, usage: Any) -> None:
        """The process is gone: if it left no final word, write the one that is true. Once."""
        if self._gone.is_set():
            return
        self._gone.set()
        self._gauge.stop(by_itself=status == os.EX_OK)
        try:
            insist(partial(self._settle, status, usage))
        finally:
            self._over.set()
            if self._thread.is_alive():
                self._thread.join()

    def _settle(self, status: int | None, usage: Any) -> None:
        job = rows.of_job(self._job_id)
        if usage is not None:
            lifecycle.record_usage(job, self._attempt, **_used(usage, self._gauge.peak_memory_mib))
        self._remove_scratch(job)
        if self._runs(job):
            # The lease is extended meanwhile: a large file takes its time to be summed up.
            files = keeping.keep(job, self._attempt, artifacts.collect(job.workdir(self._attempt)))
            with suppress(lifecycle.IllegalTransition):  # it was taken from us meanwhile
                self._conclude(job, status, files)

    def _remove_scratch(self, job: Job) -> None:
        """Also of the attempts before, whose workers could not."""
        for number in range(1, self._attempt + 1):
            shutil.rmtree(job.workdir(number) / SCRATCH_NAME, ignore_errors=True)

    def _runs(self, job: Job) -> bool:
        return job.state == JobState.RUNNING and job.attempt == self._attempt

    def _conclude(self, job: Job, status: int | None, files: list[FileOnDisk]) -> None:
        match self._verdict:
            case Verdict.CANCELLED:
                lifecycle.cancel(job, self._attempt, files)
            case Verdict.HANDED_OVER:
                lifecycle.hand_over(job, self._attempt, "Its worker was told to stop.", files)
            case _:
                found = autopsy(status, self._gauge, self.budget)
                lifecycle.lose(
                    job,
                    self._attempt,
                    found.evidence,
                    kind=found.kind,
                    files=files,
                    error=found.error,
                    details=found.details,
                )

    def _watch(self) -> None:
        next_lease = 0.0
        try:
            while not self._over.wait(LOOK_EVERY_S):
                try:
                    next_lease = self._look(next_lease)
                except DatabaseError:
                    logger.warning("the database is away; looking again", exc_info=True)
                    # A socket that broke stays broken: the next look opens another.
                    connection.close()
        finally:
            connection.close()

    def _look(self, next_lease: float) -> float:
        now = time.monotonic()
        # Twice a second, beside an engine that has all cores: of the row no more than is needed.
        job = rows.watched(self._job_id)
        ours = self._runs(job)
        if ours and now >= next_lease:
            ours = lifecycle.extend_lease(rows.of_job(self._job_id), self._attempt)
            next_lease = now + settings.JOB_LEASE_S / 3
        verdict = None if self._gone.is_set() else self._judge(job, ours, now)
        if verdict:
            self._stop(verdict, now)
        return next_lease

    def _judge(self, job: Job, ours: bool, now: float) -> Verdict | None:
        if not ours:
            return Verdict.FENCED
        if job.cancel_requested_at:
            return Verdict.CANCELLED
        return Verdict.HANDED_OVER if self._hand_over.is_set() else None

    def _stop(self, verdict: Verdict, now: float) -> None:
        """Kill, after a grace in which the run may end in its own words."""
        self._verdict = verdict
        if self._stopping_since is None:
            self._stopping_since = now
        if verdict is Verdict.HANDED_OVER or now - self._stopping_since >= GRACE_S:
            self._kill()


def _used(usage: Any, seen_mib: float) -> dict[str, float]:
    """:param seen_mib: the peak by the measure that the limit is about; 0: it was never taken."""
    # Linux counts kibibytes, macOS bytes.
    per_mib = 1024**2 if sys.platform == "darwin" else 1024
    return {
        "peak_memory_mib": round(seen_mib or float(usage.ru_maxrss) / per_mib, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
    }
