"""Removes from this disk what the bucket has too, where a site wants that. Off by default.

Only what is there to the byte goes, of jobs that ended long enough ago; whoever asks for it later
is given it from the bucket. What was never brought stays.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from simulations.workdir import PREVIOUS_NAME

from . import contents, heritage, storage
from .artifacts import measure
from .models import Job
from .states import FINAL

ROWS_AT_ONCE = 500


def remove(days: int) -> int:
    """Returns how many files it were.

    :raises OSError: the bucket does not answer, or a file cannot be removed.
    """
    if storage.bucket() is None:
        return 0
    before = timezone.now() - timedelta(days=days)
    return sum(map(_of_job, _ended(before))) + _of_uploads(before)


def _ended(before: datetime) -> Iterator[Job]:
    """Those that have a directory here, and from whose files none that has not ended goes on."""
    ids = [*_with_a_directory()]
    needed = heritage.needed()
    ended = Job.objects.filter(state__in=FINAL, finished_at__lt=before, files_removed_at=None)
    for at in range(0, len(ids), ROWS_AT_ONCE):
        some = ended.filter(pk__in=ids[at : at + ROWS_AT_ONCE]).only("pk")
        yield from (job for job in list(some) if job.pk not in needed)


def _with_a_directory() -> Iterator[UUID]:
    for path in settings.JOBS_ROOT.glob("*/"):
        with suppress(ValueError):  # then it is no job's
            yield UUID(path.name)


def _of_job(job: Job) -> int:
    n = 0
    for (attempt, name), stored in storage.newest(storage.objects_of(job.pk)).items():
        path = job.workdir(attempt) / name
        if path.is_file() and not path.is_symlink() and _digest(path) == stored.sha256:
            path.unlink()
            n += 1
    for directory in job.directory.glob("*/"):
        # Links to what went before: they would keep it all.
        shutil.rmtree(directory / PREVIOUS_NAME, ignore_errors=True)
    return n


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return measure(stream)[1]


def _of_uploads(before: datetime) -> int:
    there, n = contents.in_bucket(), 0
    for path in contents.here():
        if path.name in there and path.stat().st_mtime < before.timestamp():
            path.unlink()
            n += 1
    return n
