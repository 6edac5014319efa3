"""What the attempts of a job left on disk for a later one to go on from."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import UUID

from simulations.command.context import CANCEL_NAME, PROGRESS_NAME
from simulations.command.node import PARAMS_NAME, TRACE_NAME
from simulations.execution import FAILURE_NAME, METHODS_NAME, RESULT_NAME, SUMMARY_NAME
from simulations.record.bibtex import BIBTEX_NAME
from simulations.record.provenance import PROVENANCE_NAME
from simulations.workdir import (
    CLAIM_NAME,
    MANIFEST_NAME,
    OUTPUT_NAME,
    PREVIOUS_NAME,
    SCRATCH_NAME,
    SIMULATION_NAME,
)

from . import storage
from .artifacts import LOG_NAME
from .models import Job

logger = logging.getLogger(__name__)

OF_A_NODE = frozenset(
    {
        *(PARAMS_NAME, SIMULATION_NAME, CLAIM_NAME, CANCEL_NAME),
        *(PROGRESS_NAME, OUTPUT_NAME, TRACE_NAME),
        *(RESULT_NAME, SUMMARY_NAME, METHODS_NAME, FAILURE_NAME),
    }
)
"""By what a run on a cluster and its watcher talk; nobody's to inherit either."""
RECORDS = frozenset({LOG_NAME, MANIFEST_NAME, PROVENANCE_NAME, BIBTEX_NAME})
"""What every run writes, however far it gets: nothing to go on from."""


def directories(job: Job, before: int) -> list[Path]:
    """Of the attempts before that one, and of the jobs that it was restarted from; oldest first."""
    older = job.restarted_from
    inherited = directories(older, older.attempt + 1) if older else []
    own = [job.workdir(number) for number in range(1, before)]
    return [*inherited, *(directory for directory in own if directory.is_dir())]


def know_origins(jobs: Iterable[Job]) -> None:
    """Read what these were restarted from all together, by one query a generation."""
    younger = list(jobs)
    while ids := {job.restarted_from_id for job in younger if job.restarted_from_id}:
        older = Job.objects.only("attempt", "restarted_from").in_bulk(ids)
        for each in younger:
            if each.restarted_from_id:
                each.restarted_from = older[each.restarted_from_id]
        younger = [*older.values()]


def files(directory: Path) -> Iterator[Path]:
    """What the run in this directory wrote itself."""
    for path in directory.rglob("*"):
        inside = path.relative_to(directory).parts
        if (
            path.is_file()
            and not path.is_symlink()
            and not {*inside} & {PREVIOUS_NAME, SCRATCH_NAME}
            and str(path.relative_to(directory)) not in OF_A_NODE
        ):
            yield path


def needed() -> set[UUID]:
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


def is_there(job: Job) -> bool:
    """Whether an ended job left more than the record of its end, here or in the bucket."""
    return _is_here(job) or _is_in_bucket(job)


def _is_here(job: Job) -> bool:
    left = (
        path.relative_to(directory)
        for directory in directories(job, job.attempt + 1)
        for path in files(directory)
    )
    return any(str(path) not in RECORDS and not path.name.startswith(".") for path in left)


def _is_in_bucket(job: Job) -> bool:
    if storage.bucket() is None:
        return False
    try:
        if any(each.name not in RECORDS for each in storage.objects_of(job.pk)):
            return True
    except OSError:
        logger.exception("whether job %s left anything cannot be told; it may have", job.pk)
        return True
    return job.restarted_from is not None and _is_in_bucket(job.restarted_from)
