"""Sees to it that nothing accepted is ever lost: compares what is true with what is being done.

Safe to run as often as one likes, in as many processes as one likes.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from . import dispatch, lifecycle
from .models import Job
from .states import JobState

logger = logging.getLogger(__name__)

SETTLING = timedelta(seconds=3)
"""A job queued a moment ago may still be on its way to the queue."""


class Reconciler:
    """Looks again and again, and does not blame a worker for what the database did.

    While nobody can write, no worker can extend its lease either. So after a stall, and at the
    start, when it does not know what was before, it lets one lease pass before it judges.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrote_at: float | None = None
        self._judges_from = 0.0

    def look(self) -> None:
        if self._may_judge():
            settle_lost_jobs()
        dispatch_forgotten_jobs()

    def _may_judge(self) -> bool:
        with transaction.atomic():
            # On SQLite this takes the write lock, and so tells that there is one to be had.
            now = self._clock()
        if self._wrote_at is None or now - self._wrote_at > settings.JOB_LEASE_S / 3:
            self._judges_from = now + settings.JOB_LEASE_S
        self._wrote_at = now
        return now >= self._judges_from


def reconcile() -> None:
    """Look once, and judge at once."""
    settle_lost_jobs()
    dispatch_forgotten_jobs()


def settle_lost_jobs() -> None:
    """Running jobs whose worker has been silent for longer than its lease."""
    now = timezone.now()
    for job in Job.objects.filter(state=JobState.RUNNING, lease_expires_at__lt=now):
        silent_s = (now - (job.lease_expires_at or now)).total_seconds()
        evidence = f"No word from its worker; the lease ended {silent_s:.0f} s ago."
        logger.warning("job %s: %s", job.pk, evidence)
        # The worker came back, or another reconciler was quicker.
        with suppress(lifecycle.IllegalTransition):
            lifecycle.expire(job, job.attempt, evidence)


def dispatch_forgotten_jobs() -> None:
    """Queued jobs that no queue knows: Redis was away, or lost its memory."""
    before = timezone.now() - SETTLING
    due = Q(not_before=None) | Q(not_before__lt=before)
    queued = Job.objects.filter(due, state=JobState.QUEUED, queued_at__lt=before)
    by_backend: dict[str, list[Job]] = defaultdict(list)
    for job in queued.order_by("created_at"):
        by_backend[job.backend].append(job)
    for name, jobs in by_backend.items():
        _dispatch_missing(name, jobs)


def _dispatch_missing(backend: str, jobs: list[Job]) -> None:
    try:
        missing = dispatch.backend(backend).missing(jobs)
    except dispatch.Unreachable as exc:
        logger.warning("%d jobs wait: %s", len(jobs), exc)
        return
    for job in missing:
        logger.warning("job %s was unknown to its queue; dispatching it again", job.pk)
        lifecycle.hand_to_backend(job)
