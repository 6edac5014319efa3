"""Telling a backend what there is to run. The database knows it too: a deaf queue loses nothing."""

from __future__ import annotations

import logging
from contextlib import suppress

from jobs import dispatch, log_context, turns
from jobs.models import Job
from jobs.states import JobState, Reason

from .writing import IllegalTransition, change

logger = logging.getLogger(__name__)


def hand_to_backend(job: Job, *, again: bool = False) -> None:
    """Tell the backend of a queued job; doing so twice is harmless.

    A queue that cannot be reached loses nothing: the reconciler tries again until it can.

    :param again: what the backend was told before is gone, or was spent on another job.
    """
    try:
        dispatch.backend(job.backend).submit(job, again=again)
    except dispatch.Unreachable as exc:
        with log_context.about(job):
            logger.warning("it waits in the database: %s", exc)
        _explain(job, Reason.QUEUE_UNREACHABLE)
    else:
        if job.reason == Reason.QUEUE_UNREACHABLE:
            _explain(job, Reason.NO_FREE_WORKER)


def _explain(job: Job, reason: Reason) -> None:
    # Started or finished meanwhile: then there is nothing to explain any more.
    with suppress(IllegalTransition):
        change(job, "waiting", {"state": JobState.QUEUED, "attempt": job.attempt}, reason=reason)


def withdraw(job: Job) -> None:
    try:
        dispatch.backend(job.backend).withdraw(job)
    except dispatch.Unreachable as exc:
        # Harmless: a message for a cancelled job is refused by `start`.
        logger.warning("job %s stays on the queue as a dead letter: %s", job.pk, exc)


def wake(owner_id: int, backend: str) -> None:
    """One that its owner's limit held back may start now; its ticket was drawn in vain."""
    if turns.max_running_of(owner_id) < turns.UNLIMITED and (
        held := turns.next_job(owner_id, backend)
    ):
        hand_to_backend(held, again=True)
