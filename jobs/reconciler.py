"""Sees to it that nothing accepted is ever lost: compares what is true with what is being done.

Safe to run as often as one likes, in as many processes as one likes.

What counts as evidence that a worker is dead, the surest first:

1. Its process is gone. A worker writes down its host, as booted now, and its process by number and
   birth. Where the reconciler runs on that host it looks, and the job is queued again at once.
2. It has been silent for a lease, and then for a little longer. Nobody knows then: it may be on
   another host, paused, or cut off from the database. The job is `unconfirmed` first, which any
   word of its worker clears; then another attempt begins. The fence refuses what the old one
   writes, should it come back, so that this costs time and never a second result.

Silence is measured by our own clock, which nobody sets: a lease that stays the same is silence,
whatever the time of day that it names. And a worker is not blamed for what the database did: while
nobody can write, no worker can either.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from . import artifacts, dispatch, keeping, lifecycle, log_context, processes, turns
from .line import owner_by_owner
from .models import Attempt, Job
from .states import NO_WORD, JobState

logger = logging.getLogger(__name__)

SETTLING = timedelta(seconds=3)
"""A job queued a moment ago may still be on its way to the queue."""
AT_ONCE = 500
"""More jobs than that are handed over again in the next look."""


class Reconciler:
    """Looks again and again, and remembers since when it has seen which lease."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked_at: float | None = None
        self._seen: dict[str, tuple[datetime | None, float]] = {}
        self._seen_before = self._seen

    def look(self) -> None:
        self._seen_before, self._seen = self._seen, {}
        if self._was_hindered():
            self._seen_before = {}
        settle_lost_jobs(self._silent_s)
        dispatch_forgotten_jobs()
        lifecycle.settle_open_batches()
        self._looked_at = self._clock()

    def _was_hindered(self) -> bool:
        """Whether nobody could write since the last look, or nobody was there to see who did."""
        began, looked_at = self._clock(), self._looked_at
        # Stays so if the database fails us on the way.
        self._looked_at = None
        with transaction.atomic():
            # On SQLite this takes the write lock, and so tells that there is one to be had.
            waited_s = self._clock() - began
        was_away = looked_at is None or began - looked_at > settings.JOB_LEASE_S
        return was_away or waited_s > settings.JOB_LEASE_S / 3

    def _silent_s(self, job: Job) -> float:
        """How long we have seen this lease, and no newer one."""
        now = self._clock()
        lease, since = self._seen_before.get(job.run_id, (None, now))
        if lease != job.lease_expires_at:
            since = now
        self._seen[job.run_id] = (job.lease_expires_at, since)
        return now - since


def reconcile(clocks_differ_s: float = 0) -> None:
    """Look once, and judge at once, by the time of day.

    :param clocks_differ_s: by how much that of a worker may be behind ours.
    """
    settle_lost_jobs(lambda job: _silent_by_the_clock_s(job) - clocks_differ_s)
    dispatch_forgotten_jobs()
    lifecycle.settle_open_batches()


def _silent_by_the_clock_s(job: Job) -> float:
    overdue = timezone.now() - (job.lease_expires_at or timezone.now())
    return settings.JOB_LEASE_S + overdue.total_seconds()


def settle_lost_jobs(silent_s: Callable[[Job], float]) -> None:
    """Running jobs whose worker is gone, or has been silent for longer than its lease.

    Those on a cluster have none; the watcher knows more of them.
    """
    jobs = Job.objects.unfinished(JobState.RUNNING).exclude(backend__in=dispatch.FOLLOWED)
    jobs = jobs.order_by("queued_at", "id")
    running = {(job.pk, job.attempt): job for job in jobs}
    attempts = Attempt.objects.filter(job__in=jobs, ended_at=None)
    for attempt in attempts:
        if job := running.get((attempt.job_id, attempt.number)):
            with log_context.about(job):
                _settle_alone(job, attempt, silent_s(job))


def _settle_alone(job: Job, attempt: Attempt, silent_s: float) -> None:
    """One that cannot be settled keeps none of the others back."""
    # The worker came back, or another reconciler was quicker.
    with suppress(lifecycle.IllegalTransition):
        try:
            _settle(job, attempt, silent_s)
        except (lifecycle.IllegalTransition, OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("job %s cannot be settled; it is looked at again", job.pk)


def _settle(job: Job, attempt: Attempt, silent_s: float) -> None:
    if processes.is_gone(attempt.machine, attempt.pid, attempt.pid_started):
        evidence = f"Its worker, process {attempt.pid} on {attempt.host}, is gone."
        logger.warning("job %s: %s", job.pk, evidence)
        lifecycle.expire(job, job.attempt, evidence, {"process": "gone"}, _left_by(job))
        return
    overdue_s = silent_s - settings.JOB_LEASE_S
    if overdue_s <= 0:
        return
    evidence = f"{NO_WORD}; the lease ended {overdue_s:.0f} s ago."
    details: dict[str, Any] = {"lease_expired_s": round(overdue_s, 1)}
    if processes.is_stopped(attempt.machine, attempt.pid):
        details["process"] = "stopped"
        evidence += " Its process is there, and is stopped."
    if overdue_s > settings.JOB_UNCONFIRMED_S:
        logger.warning("job %s: %s", job.pk, evidence)
        lifecycle.expire(job, job.attempt, evidence, details)
    elif not job.is_unconfirmed:
        logger.warning("job %s: %s It is given a little longer.", job.pk, evidence)
        lifecycle.doubt(job, job.attempt, evidence, details)


def _left_by(job: Job) -> list[artifacts.FileOnDisk]:
    """What a run had written whose process is no more, where no attempt may follow it.

    Of one that is only silent nobody knows whether it still writes.
    """
    if job.cancel_requested_at is None and job.attempt < job.max_attempts:
        return []
    try:
        files = artifacts.collect(job.workdir(job.attempt))
        return keeping.keep(job, job.attempt, files)
    except OSError:
        logger.exception("what job %s left cannot be read", job.pk)
        return []


def dispatch_forgotten_jobs() -> None:
    """Queued jobs that nobody is going to start: Redis was away, or lost its memory."""
    before = timezone.now() - SETTLING
    waiting = Job.objects.unfinished(JobState.QUEUED).exclude(turns.just_queued(before))
    lines = owner_by_owner(waiting).order_by().values_list("backend", "queue").distinct()
    for backend, queue in lines:
        n_startable = turns.n_startable(backend, before, queue)
        if n_startable or lifecycle.is_any_unreached(backend):
            _dispatch_missing(backend, queue, n_startable, before)


def _dispatch_missing(backend: str, queue: str, n_startable: int, before: datetime) -> None:
    try:
        lacking = dispatch.backend(backend).lacking(n_startable, queue)
    except dispatch.Unreachable as exc:
        logger.warning("%d jobs wait: %s", n_startable, exc)
        return
    if n_unreached := lifecycle.explain_anew(backend):
        logger.info("%d jobs wait no longer for the queue to come back", n_unreached)
    if not lacking:
        return
    logger.info("of %d jobs that may start %d are handed out anew", n_startable, lacking)
    for job in turns.startable(backend, before, min(lacking, AT_ONCE), queue):
        lifecycle.hand_to_backend(job, again=True)
