"""Telling a backend what there is to run. The database knows it too: a deaf queue loses nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from django.db.models import QuerySet

from jobs import dispatch, log_context, turns
from jobs.models import Job
from jobs.states import JobState, Reason

from .writing import ROWS_AT_ONCE, IllegalTransition, change, change_all

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


def hand_all_to_backend(jobs: Sequence[Job]) -> None:
    """As `hand_to_backend`, for jobs that are new; they are told then as they are."""
    for name, some in _by_backend(jobs).items():
        try:
            dispatch.backend(name).submit_all(some)
        except dispatch.Unreachable as exc:
            logger.warning("%d jobs wait in the database: %s", len(some), exc)
            told_nobody = [job.pk for job in some]
            for at in range(0, len(told_nobody), ROWS_AT_ONCE):
                told = _explain_all(told_nobody[at : at + ROWS_AT_ONCE], Reason.QUEUE_UNREACHABLE)
                now = {each.pk: each for each in told}
                for job in (each for each in some if each.pk in now):
                    job.reason, job.last_seq = now[job.pk].reason, now[job.pk].last_seq


def explain_anew(backend: str) -> int:
    """The backend answers: jobs that wait for it to come back now wait for a worker, as all do.

    Those that it is told of say so by themselves; of many it need not know all by now.
    """
    n = 0
    while some := list(_unreached(backend).values_list("pk", flat=True)[:ROWS_AT_ONCE]):
        n += len(some)
        _explain_all(some, Reason.NO_FREE_WORKER)
    return n


def tell_unreached(backend: str) -> None:
    """The backend does not answer: what waits for a worker there waits for it to come back."""
    waiting = Job.objects.unfinished(JobState.QUEUED).filter(
        backend=backend, reason=Reason.NO_FREE_WORKER
    )
    while some := list(waiting.values_list("pk", flat=True)[:ROWS_AT_ONCE]):
        _explain_all(some, Reason.QUEUE_UNREACHABLE)


def is_any_unreached(backend: str) -> bool:
    return _unreached(backend).exists()


def _unreached(backend: str) -> QuerySet[Job]:
    waiting = Job.objects.unfinished(JobState.QUEUED)
    return waiting.filter(reason=Reason.QUEUE_UNREACHABLE, backend=backend)


def withdraw_all(jobs: Sequence[Job]) -> None:
    for name, some in _by_backend(jobs).items():
        try:
            dispatch.backend(name).withdraw_all(some)
        except dispatch.Unreachable as exc:
            # Harmless: a ticket entitles to no more than a turn.
            logger.warning("%d dead letters stay on the queue: %s", len(some), exc)


def _by_backend(jobs: Sequence[Job]) -> dict[str, list[Job]]:
    found: dict[str, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.backend, []).append(job)
    return found


def _explain(job: Job, reason: Reason) -> None:
    # Started or finished meanwhile: then there is nothing to explain any more.
    with suppress(IllegalTransition):
        change(job, "waiting", {"state": JobState.QUEUED, "attempt": job.attempt}, reason=reason)


def _explain_all(job_ids: Sequence[UUID], reason: Reason) -> list[Job]:
    waiting = Job.objects.unfinished(JobState.QUEUED).filter(pk__in=job_ids)
    return change_all(waiting.exclude(reason=reason), "waiting", reason=reason)


def tell_pending(job_ids: Sequence[UUID], text: str) -> None:
    """They wait in a cluster's own queue, which says why: their waiting is told in its words."""
    reason, message = Reason.SCHEDULER, text[:300]
    for at in range(0, len(job_ids), ROWS_AT_ONCE):
        some = job_ids[at : at + ROWS_AT_ONCE]
        waiting = Job.objects.unfinished(JobState.QUEUED).filter(pk__in=some)
        untold = waiting.exclude(reason=reason, message=message)
        change_all(untold, "waiting", reason=reason, message=message)


def withdraw(job: Job) -> None:
    try:
        dispatch.backend(job.backend).withdraw(job)
    except dispatch.Unreachable as exc:
        # Harmless: a message for a cancelled job is refused by `start`.
        logger.warning("job %s stays on the queue as a dead letter: %s", job.pk, exc)


def wake(ended: Sequence[Job]) -> None:
    """One that a limit held back may start now; its ticket was drawn in vain."""
    for job in {(job.owner_id, job.key_id, job.backend): job for job in ended}.values():
        _wake(job)


def _wake(ended: Job) -> None:
    limited = turns.max_running_of(ended.owner_id) < turns.UNLIMITED
    limited = limited or (ended.key is not None and ended.key.max_running is not None)
    if limited and (held := turns.next_job(ended.owner_id, ended.backend)):
        hand_to_backend(held, again=True)
