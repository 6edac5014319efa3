"""Removes the files of jobs that ended long ago, where a site wants that. Off by default.

Only files go: input, result, events and the list of the files stay, and say what became of them.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from . import lifecycle
from .models import Job
from .states import FINAL

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 3600


@dataclass(frozen=True, slots=True)
class Removal:
    job: Job
    size_bytes: int


def overdue(days: int) -> QuerySet[Job]:
    """Jobs that ended more than `days` ago and still have their files, the oldest first."""
    before = timezone.now() - timedelta(days=days)
    ended = Job.objects.filter(finished_at__isnull=False, files_removed_at=None, state__in=FINAL)
    return ended.filter(finished_at__lt=before).order_by("finished_at", "id")


def prune(days: int, *, dry_run: bool = False) -> Iterator[Removal]:
    """Remove the files of one job after the other, telling of each.

    :raises OSError: a folder could not be deleted; the next `sweep` tries again.
    """
    # All at once: SQLite lets nobody write who is in the midst of reading.
    for job in list(overdue(days).only("pk", "finished_at")):
        if job.pk in _inherited():
            continue
        size_bytes = _size_bytes(job.directory)
        if not dry_run:
            try:
                _remove(job, days)
            except lifecycle.IllegalTransition:
                continue  # another one that prunes was quicker
        yield Removal(job, size_bytes)


def _inherited() -> set[UUID]:
    """Jobs from whose files one that has not ended goes on, or may have to once more."""
    found: set[UUID] = set()
    heirs = Job.objects.filter(finished_at=None)
    while older := {
        job.restarted_from_id for job in heirs.only("restarted_from") if job.restarted_from_id
    }:
        if older <= found:
            break
        found |= older
        heirs = Job.objects.filter(pk__in=older)
    return found


def _remove(job: Job, days: int) -> None:
    # First the row, then the files: nothing is promised at any time that is not there.
    lifecycle.remove_files(job, kept_days=days)
    if job.directory.exists():
        shutil.rmtree(job.directory)
    logger.info("the files of job %s were removed after %d days", job.pk, days)


def sweep() -> list[UUID]:
    """Delete what a `prune` that was interrupted had announced and not yet deleted."""
    found = {path.name: path for path in settings.JOBS_ROOT.glob("*") if path.is_dir()}
    removed = Job.objects.exclude(files_removed_at=None).filter(pk__in=_ids(found))
    swept = list(removed.values_list("pk", flat=True))
    for job_id in swept:
        shutil.rmtree(found[str(job_id)])
    return swept


def _ids(names: dict[str, Path]) -> list[UUID]:
    ids = []
    for name in names:
        try:
            ids.append(UUID(name))
        except ValueError:
            logger.warning("%s is no job's folder; it is left alone", name)
    return ids


def _size_bytes(directory: Path) -> int:
    """On disk: a checkpoint that two attempts share by a hard link counts once."""
    found = (path.lstat() for path in directory.rglob("*") if not path.is_dir())
    return sum({stat.st_ino: stat.st_size for stat in found}.values())


class Pruner:
    """Prunes every hour, as long as retention is on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = 0.0

    def look(self) -> None:
        days = settings.JOB_RETENTION_DAYS
        if days is None or self._clock() < self._next:
            return
        self._next = self._clock() + LOOK_EVERY_S
        try:
            n_jobs = sum(1 for _ in prune(days))
            sweep()
        except OSError:
            logger.exception("old files could not be removed; trying again in an hour")
        else:
            logger.info("the files of %d jobs were removed", n_jobs)
