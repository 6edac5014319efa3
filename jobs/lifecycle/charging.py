"""What a job takes is put on the account of the key that it was submitted with, as it runs.

Each word of its worker charges the time since the one before, times its threads. What an attempt
did after the last word of a worker that vanished is charged to nobody.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from jobs import rows
from jobs.key_models import KeyUsage
from jobs.models import Job


def charge(job: Job, attempt: int) -> None:
    """For the time since its worker's last word; to be called where the row of the job is locked.

    A clock that was set back charges nothing.
    """
    if job.key_id is None:
        return
    by = rows.of_attempt(job, attempt)
    heard = by.heartbeat_at if by else None
    now = timezone.now()
    if heard is None or now <= heard:
        return
    core_seconds = (now - heard).total_seconds() * (job.budget.threads or 1)
    Job.objects.filter(pk=job.pk).update(used_core_s=F("used_core_s") + core_seconds)
    _add(job.key_id, now.date(), core_seconds)


def _add(key_id: Any, day: date, core_seconds: float) -> None:
    of_day = KeyUsage.objects.filter(key=key_id, day=day)
    more = {"core_seconds": F("core_seconds") + core_seconds}
    if of_day.update(**more):
        return
    try:
        with transaction.atomic():
            KeyUsage.objects.create(key_id=key_id, day=day, core_seconds=core_seconds)
    except IntegrityError:  # another job of the key was the day's first
        of_day.update(**more)
