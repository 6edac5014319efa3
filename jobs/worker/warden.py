"""The worker parent's watch over one attempt: lease, cancel, time limit, and how it all ended."""

from __future__ import annotations

import logging
import os
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

from jobs import artifacts, lifecycle
from jobs.artifacts import FileOnDisk
from jobs.models import Job
from jobs.states import FailureKind, JobState

from .host import identity
from .patience import insist

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
GRACE_S = 0.75
"""How long a run that was asked to stop may take to do so by itself."""


class Verdict(Enum):
    """Why the warden killed a work-horse."""

    CANCELLED = auto()
    TIMED_OUT = auto()
    HANDED_OVER = auto()
    FENCED = auto()


class Warden:
    """Looks after the attempt in a thread of its own: neither RQ nor Redis can hold it up."""

    def __init__(self, job_id: str, attempt: int, *, kill: Callable[[], None]) -> None:
        self._job_id = job_id
        self._attempt = attempt
        self._kill = kill
        self._worker = identity(os.getpid())
        self._has_started = False
        self._verdict: Verdict | None = None
        self._stopping_since: float | None = None
        self._started = time.monotonic()
        self._gone = threading.Event()
        self._over = threading.Event()
        self._hand_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="warden", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def hand_over(self) -> None:
        """The worker is to stop: let another one go on with the job. Called in a signal handler."""
        self._hand_over.set()

    def settle(self, status: int | None, usage: Any) -> None:
        """The process is gone: if it left no final word, write the one that is true. Once."""
        if self._gone.is_set():
            return
        self._gone.set()
        try:
            insist(partial(self._settle, status, usage))
        finally:
            self._over.set()
            self._thread.join()

    def _settle(self, status: int | None, usage: Any) -> None:
        job = Job.objects.get(pk=self._job_id)
        if not self._started_it(job):
            return
        if usage is not None:
            lifecycle.record_usage(job, self._attempt, _peak_memory_mib(usage))
        if self._runs(job):
            # The lease is extended meanwhile: a large file takes its time to be summed up.
            files = artifacts.collect(job.workdir(self._attempt))
            with suppress(lifecycle.IllegalTransition):  # it was taken from us meanwhile
                self._conclude(job, status, files)

    def _runs(self, job: Job) -> bool:
        return job.state == JobState.RUNNING and job.attempt == self._attempt

    def _started_it(self, job: Job) -> bool:
        """The same message may reach two workers; only one of them started the attempt."""
        if not self._has_started:
            mine = job.attempts.filter(number=self._attempt, worker=self._worker)
            self._has_started = mine.exists()
        return self._has_started

    def _conclude(self, job: Job, status: int | None, files: list[FileOnDisk]) -> None:
        match self._verdict:
            case Verdict.CANCELLED:
                lifecycle.cancel(job, self._attempt, files)
            case Verdict.TIMED_OUT:
                ran_s = round(time.monotonic() - self._started)
                detail = f"It ran for {ran_s} s; its limit is {job.wall_time_limit_s} s."
                kind = FailureKind.TIMEOUT
                lifecycle.fail(job, self._attempt, kind, {"detail": detail}, files)
            case Verdict.HANDED_OVER:
                lifecycle.hand_over(job, self._attempt, "Its worker was told to stop.", files)
            case _:
                lifecycle.lose(job, self._attempt, _describe(status), files=files)

    def _watch(self) -> None:
        next_lease = 0.0
        try:
            while not self._over.wait(LOOK_EVERY_S):
                try:
                    next_lease = self._look(next_lease)
                except DatabaseError:
                    logger.warning("the database is away; looking again", exc_info=True)
        finally:
            connection.close()

    def _look(self, next_lease: float) -> float:
        now = time.monotonic()
        job = Job.objects.get(pk=self._job_id)
        if not self._started_it(job):
            return next_lease  # not yet, or never: then its process ends by itself
        ours = self._runs(job)
        if ours and now >= next_lease:
            ours = lifecycle.extend_lease(job, self._attempt)
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
        if now - self._started > job.wall_time_limit_s:
            return Verdict.TIMED_OUT
        return Verdict.HANDED_OVER if self._hand_over.is_set() else None

    def _stop(self, verdict: Verdict, now: float) -> None:
        """Kill, after a grace in which the run may end in its own words."""
        self._verdict = verdict
        if self._stopping_since is None:
            self._stopping_since = now
        if verdict is Verdict.HANDED_OVER or now - self._stopping_since >= GRACE_S:
            self._kill()


def _describe(status: int | None) -> str:
    """What the operating system told of the end of a process, in words."""
    if status is None:
        return "The worker lost sight of its process."
    if os.WIFSIGNALED(status):
        return f"Its process was killed by signal {os.WTERMSIG(status)}."
    return f"Its process ended with exit status {os.WEXITSTATUS(status)} and no result."


def _peak_memory_mib(usage: Any) -> float:
    # Linux counts kibibytes, macOS bytes.
    per_mib = 1024**2 if sys.platform == "darwin" else 1024
    return round(float(usage.ru_maxrss) / per_mib, 1)
