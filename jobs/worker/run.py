"""One attempt at one job, from start to its final word. Runs in a worker's work-horse process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import psutil

import simulations
from jobs import artifacts, editions, equality, keeping, lifecycle, rows
from jobs.artifacts import FileOnDisk
from jobs.budget import exceeded
from jobs.models import Job
from jobs.references import texts
from jobs.states import FailureKind, JobState
from simulations.execution import execute, failure
from simulations.record.provenance import EARLIER_VERSIONS

from .context import JobContext
from .patience import insist
from .tree import share_mib

logger = logging.getLogger(__name__)

Untold = tuple[Sequence[dict[str, Any]], str]
NOTHING: Untold = ((), "")


def run_job(job_id: str, attempt: int) -> bool:
    """Run an attempt that our parent has started, and say how it ended.

    :returns: whether it succeeded.
    """
    job = insist(partial(rows.of_job, UUID(job_id)))
    if (job.state, job.attempt) != (JobState.RUNNING, attempt):
        logger.warning("job %s attempt %d is not ours to run: it is %s", job_id, attempt, job.state)
        return False
    untold = NOTHING
    try:
        with JobContext(job, attempt) as context:
            conclude = _run(job, attempt, context)
        untold = context.untold()
        files = _kept(job, attempt, conclude)
    except OSError as exc:
        # Its directory is gone or full: there is no file to speak of.
        conclude, files = _infrastructure(job, attempt, exc), []
    try:
        insist(partial(_tell, job, attempt, untold, conclude and partial(conclude, files=files)))
    except lifecycle.IllegalTransition as exc:
        logger.warning("what a fenced attempt had still to tell is dropped: %s", exc)
        return False
    return is_success(conclude)


def _tell(job: Job, attempt: int, untold: Untold, conclude: Callable[[], None] | None) -> None:
    """What it reported last, and how it ended: in one transaction, and told as one."""
    points, text = untold
    with lifecycle.together():
        if points or text:
            lifecycle.progress(job, attempt, points, text)
        if conclude:
            conclude()


def _run(job: Job, attempt: int, context: JobContext) -> Callable[..., None] | None:
    """Compute, and return the verb that tells how it ended, lacking only the files."""
    try:
        params = insist(partial(texts, job.params))
        outcome = execute(job.simulation, params, context)
    except simulations.Cancelled:
        # Only our parent can say that it is over: once this process is gone.
        return None
    except OSError as exc:
        return _infrastructure(job, attempt, exc)
    except Exception as exc:
        failed = failure(exc)
        if failed.trace:
            logger.exception("job %s raised", job.pk)
        kind = FailureKind(failed.kind)
        if kind is FailureKind.MEMORY:
            return _out_of_memory(job, attempt, exc)
        return partial(lifecycle.fail, job, attempt, kind, failed.error, traceback=failed.trace)
    return partial(
        lifecycle.succeed,
        job,
        attempt,
        outcome.result,
        summary=outcome.summary,
        methods=outcome.methods,
        fingerprint=_fingerprint(job, params, outcome.provenance),
    )


def _fingerprint(job: Job, params: dict[str, Any], provenance: dict[str, Any]) -> str:
    """Of what computed it, which need not be what the web had that took it: an older release, or
    other versions of the engines. Blank, which answers nobody, if it was begun by another version.
    """
    if provenance[EARLIER_VERSIONS]:
        return ""
    wanted = editions.made_for(job)
    if wanted is None or wanted.computes_as(editions.here(job.simulation)):
        return job.fingerprint
    checked = simulations.Checked(params=params, structure=job.structure)
    return equality.fingerprint(simulations.get(job.simulation), checked)


def _kept(job: Job, attempt: int, conclude: Callable[..., None] | None) -> list[FileOnDisk]:
    """Its files, in the bucket too; our parent sees to those of a run that was stopped."""
    files = artifacts.collect(job.workdir(attempt))
    if conclude is None:
        return files
    return keeping.keep(job, attempt, files, to_go_on_from=not is_success(conclude))


def is_success(conclude: Callable[..., None] | None) -> bool:
    return getattr(conclude, "func", None) is lifecycle.succeed


def _infrastructure(job: Job, attempt: int, exc: OSError) -> Callable[..., None]:
    """A full disk, a vanished file system: says nothing about the job, so it may be retried."""
    evidence = f"The worker's machine failed it: {exc.strerror or exc}."
    kind = FailureKind.INFRASTRUCTURE
    return partial(lifecycle.lose, job, attempt, evidence, kind=kind)


def _out_of_memory(job: Job, attempt: int, exc: BaseException) -> Callable[..., None]:
    """It asked at once for more than it may; what it had by then is the figure that there is."""
    limit = job.budget.memory_mib or 0
    had_mib = share_mib(psutil.Process())
    detail = (
        f"It asked for more memory than its limit of {limit:,} MiB"
        f"{f' ({exc})' if str(exc) else ''}; by then it had {had_mib:,.0f} MiB."
    )
    error = exceeded(FailureKind.MEMORY, had_mib, limit, detail)
    details = {"reached": error["reached"], "limit": error["limit"]}
    return partial(
        lifecycle.lose, job, attempt, detail, kind=FailureKind.MEMORY, error=error, details=details
    )
