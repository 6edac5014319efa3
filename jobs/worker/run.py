"""One attempt at one job, from start to its final word. Runs in a worker's work-horse process."""

from __future__ import annotations

import json
import logging
import os
import traceback
from collections.abc import Callable
from functools import partial

import simulations
from jobs import artifacts, lifecycle
from jobs.models import Job
from jobs.states import FailureKind

from .context import JobContext
from .host import HOST, identity
from .patience import insist

logger = logging.getLogger(__name__)


def run_job(job_id: str, attempt: int) -> None:
    """Run the job's attempt, unless somebody else has decided its fate meanwhile."""
    job = Job.objects.get(pk=job_id)
    try:
        # The parent is the worker; it is the one whose death would lose the job.
        parent = os.getppid()
        lifecycle.start(job, attempt, worker=identity(parent), host=HOST, pid=parent)
    except lifecycle.IllegalTransition as exc:
        logger.info("message for a job that is not to be run: %s", exc)
        return
    try:
        with JobContext(job, attempt) as context:
            conclude = _run(job, attempt, context)
        files = artifacts.collect(job.workdir(attempt))
    except OSError as exc:
        # Its directory is gone or full: there is no file to speak of.
        conclude, files = _infrastructure(job, attempt, exc), []
    if conclude is None:
        return
    try:
        insist(partial(conclude, files=files))
    except lifecycle.IllegalTransition as exc:
        logger.warning("the result of a fenced attempt is dropped: %s", exc)


def _run(job: Job, attempt: int, context: JobContext) -> Callable[..., None] | None:
    """Compute, and return the verb that tells how it ended, lacking only the files."""
    fail = partial(lifecycle.fail, job, attempt)
    try:
        result = simulations.find(job.simulation).run(job.params, context)
        json.dumps(result, allow_nan=False)
    except simulations.UnknownSimulation as exc:
        return partial(fail, FailureKind.INPUT, {"detail": str(exc)})
    except simulations.Cancelled:
        # Only our parent can say that it is over: once this process is gone.
        return None
    except simulations.InvalidParams as exc:
        errors = [error.as_dict() for error in exc.errors]
        return partial(fail, FailureKind.INPUT, {"detail": str(exc), "errors": errors})
    except simulations.ScienceError as exc:
        error = {"detail": str(exc), "hints": [*exc.hints], "fix": exc.fix}
        return partial(fail, FailureKind.SCIENCE, error)
    except MemoryError:
        detail = "The engine asked for more memory than this machine gives it."
        return partial(fail, FailureKind.MEMORY, {"detail": detail})
    except OSError as exc:
        return _infrastructure(job, attempt, exc)
    except Exception as exc:
        logger.exception("job %s raised", job.pk)
        detail = f"The simulation stopped on an unexpected {type(exc).__name__}: {exc}"
        trace = traceback.format_exc()
        return partial(fail, FailureKind.INTERNAL, {"detail": detail}, traceback=trace)
    return partial(lifecycle.succeed, job, attempt, result)


def _infrastructure(job: Job, attempt: int, exc: OSError) -> Callable[..., None]:
    """A full disk, a vanished file system: says nothing about the job, so it may be retried."""
    evidence = f"The worker's machine failed it: {exc.strerror or exc}."
    kind = FailureKind.INFRASTRUCTURE
    return partial(lifecycle.lose, job, attempt, evidence, kind=kind)
