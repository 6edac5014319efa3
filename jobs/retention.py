"""Removes the files of jobs that ended long ago, where a site wants that. Off by default.

Of a job only files go: input, result, events and the list of the files stay, and say what became of
them. Of uploads those go to which no job refers, however old that is.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet, Sum, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from . import contents, files, heritage, lifecycle, references, storage
from .models import Job, StoredFile
from .states import FINAL

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 3600
ROWS_AT_ONCE = 500


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
        if job.pk in heritage.needed():
            continue
        size_bytes = _size_bytes(job.directory) + _bytes_in_bucket(job)
        if not dry_run:
            try:
                _remove(job, kept_days=days)
            except lifecycle.IllegalTransition:
                continue  # another one that prunes was quicker
        yield Removal(job, size_bytes)


def unused_uploads(days: int) -> list[StoredFile]:
    """Uploads of more than `days` ago to which no job of their owner's refers, the oldest first."""
    before = timezone.now() - timedelta(days=days)
    old = StoredFile.objects.filter(created_at__lt=before).order_by("created_at", "id")
    if not old.exists():
        return []
    used = _used_contents()
    return [each for each in old if (each.owner_id, each.sha256) not in used]


def _used_contents() -> set[tuple[int, str]]:
    written = Job.objects.annotate(written=Cast("params", TextField()))
    with_files = written.filter(written__contains=f'"{references.PREFIX}').order_by()
    return {
        (owner, digest)
        for owner, params in with_files.values_list("owner", "params").iterator(chunk_size=500)
        for digest in references.digests_in(params)
    }


def prune_uploads(days: int, *, dry_run: bool = False) -> Iterator[StoredFile]:
    """Remove them one after the other, telling of each."""
    for stored in unused_uploads(days):
        if dry_run or lifecycle.remove_unused_file(stored):
            yield stored


def sweep_contents() -> int:
    """Delete the content of uploads whose rows are gone; returns how many there were."""
    return sum(files.remove_unowned(path.name) for path in contents.here())


class StillNeeded(Exception):
    """A job that has not ended goes on from these files."""

    def __init__(self) -> None:
        super().__init__("A job that has not ended goes on from its files.")


def purge(jobs: Sequence[Job], *, by: str, why: str) -> Iterator[Exception | None]:
    """Remove the files of each now, however old they are: None, or why those of it were kept."""
    needed = heritage.needed()
    for job in jobs:
        try:
            if job.pk in needed:
                raise StillNeeded
            _remove(job, by=by, why=why)
        except (StillNeeded, lifecycle.IllegalTransition, OSError) as exc:
            yield exc
        else:
            yield None


def _remove(job: Job, **told: Any) -> None:
    # First the row, then the files: nothing is promised at any time that is not there.
    lifecycle.remove_files(job, **told)
    storage.remove_all_of(job.pk)
    if job.directory.exists():
        shutil.rmtree(job.directory)
    logger.info("the files of job %s were removed: %s", job.pk, told)


def sweep() -> list[UUID]:
    """Delete what a `prune` that was interrupted had announced and not yet deleted."""
    found = {path.name: path for path in settings.JOBS_ROOT.glob("*") if path.is_dir()}
    swept = []
    for job_id in _removed(_ids([*found, *_in_bucket()])):
        storage.remove_all_of(job_id)
        if folder := found.get(str(job_id)):
            shutil.rmtree(folder)
        swept.append(job_id)
    return swept


def _in_bucket() -> list[str]:
    there = storage.bucket()
    found = there.listdir("")[0] if there else []
    return [name for name in found if name != storage.UPLOADS]


def _removed(ids: list[UUID]) -> Iterator[UUID]:
    """Those of them whose files nobody is promised any more."""
    for at in range(0, len(ids), ROWS_AT_ONCE):
        some = Job.objects.filter(pk__in=ids[at : at + ROWS_AT_ONCE])
        yield from list(some.exclude(files_removed_at=None).values_list("pk", flat=True))


def _ids(names: Sequence[str]) -> list[UUID]:
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


def _bytes_in_bucket(job: Job) -> int:
    kept = job.artifacts.exclude(key="").aggregate(sum=Sum("size_bytes"))
    return int(kept["sum"] or 0)


class Pruner:
    """Prunes every hour what retention is on for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = 0.0

    def look(self) -> None:
        days, upload_days = settings.JOB_RETENTION_DAYS, settings.UPLOAD_RETENTION_DAYS
        if (days is None and upload_days is None) or self._clock() < self._next:
            return
        self._next = self._clock() + LOOK_EVERY_S
        try:
            if days is not None:
                n_jobs = sum(1 for _ in prune(days))
                sweep()
                logger.info("the files of %d jobs were removed", n_jobs)
            if upload_days is not None:
                n_uploads = sum(1 for _ in prune_uploads(upload_days))
                sweep_contents()
                logger.info("%d uploads were removed", n_uploads)
        except OSError:
            logger.exception("old files could not be removed; trying again in an hour")
