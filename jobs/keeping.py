"""Brings what an attempt made to the bucket, where a site has one, and back for the next attempt.

First the object, whole and with its digest in its key, then the row that names it: in the same
transaction that ends the job. What cannot be brought, for the bucket is away, stays in place with a
row that says so, and is brought later: no result is lost for want of a bucket.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from django.core.files import File
from django.utils import timezone

from simulations.record.provenance import PROVENANCE_NAME
from simulations.workdir import MANIFEST_NAME

from . import heritage, storage
from .artifacts import LOG_NAME, FileOnDisk, measure
from .downloads import Damaged
from .models import Artifact, Job
from .states import FINAL, JobState
from .storage import Bucket, Stored

logger = logging.getLogger(__name__)

LATE = timedelta(minutes=10)
"""After its end a job's objects are all there, and its rows too."""
UNFINISHED = timedelta(days=1)
"""An upload that takes longer has been given up."""
COPY_BYTES = 1024 * 1024


class Changed(OSError):
    """A file was written to while it was brought."""


def keep(
    job: Job, attempt: int, files: Sequence[FileOnDisk], *, to_go_on_from: bool = True
) -> list[FileOnDisk]:
    """The same files, each with the key under which the bucket has it.

    But for the record of the run, which the end of the job completes: see `keep_record`.

    :param to_go_on_from: bring also what another attempt could need and nobody is shown.
    """
    there = storage.bucket()
    if there is None:
        return list(files)
    kept = list(files)
    try:
        for at, file in enumerate(kept):
            if file.name != PROVENANCE_NAME:
                kept[at] = _brought(there, job, attempt, file)
        if to_go_on_from:
            _bring_rest(there, job, attempt, {file.name for file in files})
    except OSError as exc:
        logger.error("what job %s made stays in place for now: %s", job.pk, exc)
    return kept


def keep_record(job: Job, attempt: int, files: Sequence[FileOnDisk]) -> Sequence[FileOnDisk]:
    """The rest of `keep`, once the record is complete. A bucket that was away is not asked again:
    the job is locked meanwhile."""
    there = storage.bucket()
    if there is None or not all(file.key for file in files if file.name != PROVENANCE_NAME):
        return files
    try:
        return [file if file.key else _brought(there, job, attempt, file) for file in files]
    except OSError as exc:
        logger.error("the record of job %s stays in place for now: %s", job.pk, exc)
        return files


def bring(artifact: Artifact) -> str:
    """The key under which the bucket has it now; empty where it does not lie here.

    :raises OSError: the bucket is away, or the file is not the one that was recorded.
    """
    there, path = storage.bucket(), artifact.path
    if there is None or not path.is_file() or path.is_symlink():
        return ""
    return _upload(there, artifact.job_id, artifact.attempt, path, artifact.name, artifact.sha256)


def _brought(there: Bucket, job: Job, attempt: int, file: FileOnDisk) -> FileOnDisk:
    path = job.workdir(attempt) / file.name
    return replace(file, key=_upload(there, job.pk, attempt, path, file.name, file.sha256))


def _bring_rest(there: Bucket, job: Job, attempt: int, brought: set[str]) -> None:
    workdir = job.workdir(attempt)
    for path in heritage.files(workdir):
        name = path.relative_to(workdir).as_posix()
        if name not in brought and name != MANIFEST_NAME and not path.name.startswith("."):
            with path.open("rb") as stream:
                _, sha256 = measure(stream)
            _upload(there, job.pk, attempt, path, name, sha256)


def _upload(
    there: Bucket, job_id: uuid.UUID, attempt: int, path: Path, name: str, sha256: str
) -> str:
    key = storage.key(job_id, attempt, sha256, name)
    with path.open("rb") as stream:
        there.save(key, File(stream, name))
    # Opened anew, for who sends it may have closed it.
    with path.open("rb") as stream:
        if measure(stream)[1] != sha256:
            there.remove([key])
            raise Changed(f"{path} is not, or no longer, what was recorded")
    return key


# --- back again ---------------------------------------------------------------------------------


def fetch(job: Job, before: int) -> None:
    """Lay out here what the attempts before that one left in the bucket, and is not here.

    :raises OSError: it cannot be had now.
    """
    if storage.bucket() is None:
        return
    if older := job.restarted_from:
        fetch(older, older.attempt + 1)
    for number in range(1, before):
        for stored in storage.newest(storage.objects_of(job.pk, number)).values():
            _fetch_one(stored, job.workdir(number) / stored.name)


def log_path(job: Job, attempt: int) -> Path:
    """Where its log lies; brought here first, if the attempt is over and ran on another machine.

    :raises Damaged: what the bucket has of it is not what was kept there.
    """
    path = job.workdir(attempt) / LOG_NAME
    is_over = job.is_final or attempt < job.attempt
    if is_over and storage.bucket() is not None and not path.exists():
        storage.let_go_of_the_database()
        found = storage.newest(storage.objects_of(job.pk, attempt)).get((attempt, LOG_NAME))
        if found:
            _fetch_log(found, path)
    return path


def _fetch_log(found: Stored, path: Path) -> None:
    """For a reader, who is told what a changed file of a job is told with."""
    try:
        _fetch_one(found, path)
    except Changed as exc:
        logger.error("a log is not what was recorded: %s", exc)
        raise Damaged(
            f"The log of attempt {found.attempt} is not served: it was changed after it had been "
            "kept, its checksum is no longer the one that was recorded. Ask an administrator to "
            "restore it from a backup, or run the job again."
        ) from None


def _fetch_one(stored: Stored, path: Path) -> None:
    """Renamed into place, so that whoever finds it finds all of it."""
    there = storage.bucket()
    if there is None or path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with there.open(stored.key) as source, scratch.open("w+b") as copy:
            _copy(source, copy)
            if measure(copy)[1] != stored.sha256:
                raise Changed(f"{stored.key} in the bucket is not what its key says")
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _copy(source: BinaryIO, copy: BinaryIO) -> None:
    while piece := source.read(COPY_BYTES):
        copy.write(piece)
    copy.flush()
    os.fsync(copy.fileno())


# --- what is left over --------------------------------------------------------------------------


def sweep(jobs: Iterable[Job]) -> int:
    """Remove what the bucket has of these ended jobs and no row names; returns how many objects.

    A worker that died between an object and its row has left such. Of a job that may be restarted
    what it left is kept, as its directory is, but for what was written anew since.
    """
    there, n = storage.bucket(), 0
    for job in jobs if there else ():
        keys = [*_needless(job)]
        if there and keys:
            there.remove(keys)
            logger.info("%d objects of job %s that no row names were removed", len(keys), job.pk)
            n += len(keys)
    return n


def ended_lately(since: timedelta) -> Iterable[Job]:
    now = timezone.now()
    ended = Job.objects.filter(state__in=FINAL, files_removed_at=None)
    return ended.filter(finished_at__range=(now - since, now - LATE)).iterator(chunk_size=500)


def _needless(job: Job) -> Iterator[str]:
    named = {each.key: (each.attempt, each.name) for each in job.artifacts.exclude(key="")}
    objects = storage.objects_of(job.pk)
    last = {each.key for each in storage.newest(objects).values()}
    may_restart = job.state != JobState.SUCCEEDED
    for each in objects:
        is_shown = (each.attempt, each.name) in named.values()
        is_wanted = each.key in last and (may_restart or each.name == LOG_NAME)
        if each.key not in named and (is_shown or not is_wanted):
            yield each.key
