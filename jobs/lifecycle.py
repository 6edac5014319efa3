"""Everything that can happen to a job. The only module that writes its tables.

Every verb is a compare-and-set: the WHERE clause names the states it may leave and, for what a
worker writes, the attempt it writes for. Whoever comes second raises `IllegalTransition`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

import simulations

from . import dispatch, events
from .artifacts import FileOnDisk
from .models import Artifact, Attempt, Job, JobEvent
from .states import ACTIVE, RETRIED, FailureKind, JobState, Reason

logger = logging.getLogger(__name__)

CANNOT = {
    "cancel_requested": "it can no longer be cancelled",
    "started": "it cannot be started",
}
"""What an event that came too late would have done."""

POSITION = frozenset({"fraction", "message", "stage"})
"""What every point has; the rest of it are metrics."""


class IllegalTransition(Exception):
    """The job is not, or no longer, where this verb could take it from."""

    def __init__(self, job: Job, event: str) -> None:
        self.job = job
        super().__init__(
            f"The job is {JobState(job.state).label.lower()} (attempt {job.attempt}); "
            f"{CANNOT.get(event, f'{event} is not possible any more')}."
        )


# --- from submission to start ---------------------------------------------------------------


def submit(
    *,
    owner: Any,
    simulation: str,
    params: dict[str, Any],
    name: str = "",
    tags: Sequence[str] = (),
    wall_time_limit_s: int | None = None,
    notes: Sequence[simulations.Note] = (),
) -> Job:
    """Store a valid job, and hand it to its backend once the row is committed.

    :raises simulations.UnknownSimulation: there is none, or its engine is not installed.
    :raises simulations.InvalidParams: naming each param that is wrong; nothing was stored.
    """
    checked = simulations.find(simulation).check(params)
    with transaction.atomic():
        job = Job.objects.create(
            owner=owner,
            simulation=simulation,
            params=checked.params,
            structure=checked.structure,
            notes=[asdict(note) for note in (*notes, *checked.notes)],
            name=name,
            tags=list(tags),
            wall_time_limit_s=wall_time_limit_s or settings.JOB_WALL_TIME_S,
            max_attempts=settings.JOB_MAX_ATTEMPTS,
            reason=Reason.NO_FREE_WORKER,
            last_seq=1,
        )
        _record(job, "submitted")
        transaction.on_commit(partial(hand_to_backend, job))
    return job


def run_again(job: Job, *, owner: Any) -> Job:
    """A new job with the same input; what became of the old one stays as it is."""
    return submit(
        owner=owner,
        simulation=job.simulation,
        params=job.params,
        name=job.name,
        tags=job.tags,
        wall_time_limit_s=job.wall_time_limit_s,
    )


def hand_to_backend(job: Job) -> None:
    """Tell the backend of a queued job; doing so twice is harmless.

    A queue that cannot be reached loses nothing: the reconciler tries again until it can.
    """
    try:
        dispatch.backend(job.backend).submit(job)
    except dispatch.Unreachable as exc:
        logger.warning("job %s waits in the database: %s", job.pk, exc)
        _explain(job, Reason.QUEUE_UNREACHABLE)
    else:
        if job.reason == Reason.QUEUE_UNREACHABLE:
            _explain(job, Reason.NO_FREE_WORKER)


def start(job: Job, attempt: int, *, worker: str, host: str, pid: int) -> None:
    """A worker begins the attempt that was queued; a message from an older one is refused."""
    now = timezone.now()
    with transaction.atomic():
        _change(
            job,
            "started",
            # A cancel that was asked for first wins.
            {"state": JobState.QUEUED, "attempt": attempt, "cancel_requested_at": None},
            {"attempt": attempt, "worker": worker, "host": host},
            state=JobState.RUNNING,
            reason="",
            not_before=None,
            started_at=job.started_at or now,
            lease_expires_at=_lease_end(),
        )
        Attempt.objects.create(
            job=job,
            number=attempt,
            backend=job.backend,
            native_id=job.run_id,
            worker=worker,
            host=host,
            pid=pid,
            started_at=now,
        )


# --- while it runs --------------------------------------------------------------------------


def extend_lease(job: Job, attempt: int) -> bool:
    """Say that the attempt's worker is alive. False: it is not the attempt that runs."""
    rows = Job.objects.filter(pk=job.pk, **_running(attempt))
    return bool(rows.update(lease_expires_at=_lease_end()))


def progress(job: Job, attempt: int, points: Sequence[dict[str, Any]], log: str = "") -> None:
    """Write down what the simulation reported since the last time: one event, no point lost."""
    data: dict[str, Any] = {"points": list(points)} if points else {}
    if log:
        data["log"] = log
    kind = "progress" if points else "log"
    _change(job, kind, _running(attempt), data, **_newest(job, points))


def request_cancel(job: Job, *, by: Any) -> None:
    """Cancel now what is still queued; ask what is running to stop."""
    with transaction.atomic():
        _change(
            job,
            "cancel_requested",
            {"state__in": ACTIVE},
            {"by": str(by)},
            cancel_requested_at=job.cancel_requested_at or timezone.now(),
        )
        if job.state == JobState.QUEUED:
            kind = FailureKind.CANCELLED_BY
            _end(job, JobState.CANCELLED, {"state": JobState.QUEUED}, failure_kind=kind)
            transaction.on_commit(partial(_withdraw, job))


# --- how it ends ----------------------------------------------------------------------------


def succeed(
    job: Job, attempt: int, result: dict[str, Any], files: Sequence[FileOnDisk] = ()
) -> None:
    _finish(job, JobState.SUCCEEDED, attempt, files=files, progress=1, result=result)


def cancel(job: Job, attempt: int, files: Sequence[FileOnDisk] = ()) -> None:
    """Its process is gone; what it had computed is kept."""
    _finish(job, JobState.CANCELLED, attempt, files=files, failure_kind=FailureKind.CANCELLED_BY)


def fail(
    job: Job,
    attempt: int,
    kind: FailureKind,
    error: dict[str, Any],
    files: Sequence[FileOnDisk] = (),
    traceback: str = "",
) -> None:
    """End it for good. `error` is for its user; `traceback` only for operators."""
    _finish(
        job,
        JobState.FAILED,
        attempt,
        files=files,
        evidence=str(error.get("detail", "")),
        traceback=traceback,
        failure_kind=kind,
        error={"kind": kind, **error},
    )


def lose(
    job: Job,
    attempt: int,
    evidence: str,
    *,
    kind: FailureKind = FailureKind.LOST,
    files: Sequence[FileOnDisk] = (),
) -> None:
    """Its process is gone without a word of its own: try again, as often as allowed."""
    before = job.attempts.filter(failure_kind__in=RETRIED).count()
    if job.cancel_requested_at is None and before + 1 >= job.max_attempts:
        detail = f"{evidence} It was tried {before + 1} times, the most that is allowed."
        fail(job, attempt, kind, {"detail": detail}, files)
    else:
        delay_s = settings.JOB_RETRY_DELAY_S * 2**before
        _requeue(job, attempt, Reason.BACKING_OFF, delay_s, evidence, kind, files)


def expire(job: Job, attempt: int, evidence: str) -> None:
    """Its worker has been silent for longer than its lease.

    The lease is looked at again in the same transaction: the worker may have spoken since.
    """
    with transaction.atomic():
        overdue = Job.objects.filter(pk=job.pk, lease_expires_at__lt=timezone.now())
        if not overdue.filter(**_running(attempt)).select_for_update().first():
            raise IllegalTransition(job, "expired")
        lose(job, attempt, evidence)


def hand_over(job: Job, attempt: int, evidence: str, files: Sequence[FileOnDisk] = ()) -> None:
    """Its worker is being stopped: another goes on from the checkpoint. No failure of the job."""
    _requeue(job, attempt, Reason.HANDED_OVER, 0, evidence, files=files)


# --- how all of it is written ---------------------------------------------------------------


def _change(
    job: Job,
    kind: str,
    where: dict[str, Any],
    data: dict[str, Any] | None = None,
    **fields: Any,
) -> None:
    """Compare-and-set the row, number the event, and tell of it after commit."""
    with transaction.atomic():
        changed = Job.objects.filter(pk=job.pk, **where).update(
            last_seq=F("last_seq") + 1, **fields
        )
        job.refresh_from_db()
        if not changed:
            raise IllegalTransition(job, kind)
        _record(job, kind, data)


def _end(job: Job, target: JobState, where: dict[str, Any], **fields: Any) -> None:
    _change(
        job,
        str(target),
        where,
        state=target,
        reason="",
        lease_expires_at=None,
        finished_at=timezone.now(),
        **fields,
    )


def _finish(
    job: Job,
    target: JobState,
    attempt: int,
    *,
    files: Sequence[FileOnDisk] = (),
    evidence: str = "",
    traceback: str = "",
    **fields: Any,
) -> None:
    """End the job with what its attempt left behind, all in one transaction."""
    with transaction.atomic():
        _end(job, target, _running(attempt), **fields)
        Artifact.objects.bulk_create(
            Artifact(job=job, attempt=attempt, **asdict(file)) for file in files
        )
        _end_attempt(job, attempt, target, fields.get("failure_kind", ""), evidence, traceback)


def _requeue(
    job: Job,
    attempt: int,
    reason: Reason,
    delay_s: float,
    evidence: str,
    failure_kind: str = "",
    files: Sequence[FileOnDisk] = (),
) -> None:
    """Back to the queue, unless a cancel came first: then that was its last attempt."""
    try:
        with transaction.atomic():
            _change(
                job,
                "requeued",
                {**_running(attempt), "cancel_requested_at": None},
                {"evidence": evidence, "next_attempt": attempt + 1},
                state=JobState.QUEUED,
                reason=reason,
                attempt=attempt + 1,
                not_before=timezone.now() + timedelta(seconds=delay_s) if delay_s else None,
                queued_at=timezone.now(),
                lease_expires_at=None,
                progress=0,
                message="",
                stage="",
                metrics={},
            )
            _end_attempt(job, attempt, "requeued", failure_kind, evidence)
            transaction.on_commit(partial(hand_to_backend, job))
    except IllegalTransition:
        if job.cancel_requested_at is None:
            raise
        cancel(job, attempt, files)


def _end_attempt(
    job: Job,
    attempt: int,
    outcome: str,
    failure_kind: str,
    evidence: str,
    traceback: str = "",
) -> None:
    job.attempts.filter(number=attempt).update(
        ended_at=timezone.now(),
        outcome=outcome,
        failure_kind=failure_kind,
        evidence=evidence,
        traceback=traceback,
    )


def record_usage(job: Job, attempt: int, peak_memory_mib: float) -> None:
    """What the operating system said of the attempt's process once it was gone."""
    job.attempts.filter(number=attempt).update(peak_memory_mib=peak_memory_mib)


def _explain(job: Job, reason: Reason) -> None:
    # Started or finished meanwhile: then there is nothing to explain any more.
    with suppress(IllegalTransition):
        _change(job, "waiting", {"state": JobState.QUEUED, "attempt": job.attempt}, reason=reason)


def _withdraw(job: Job) -> None:
    try:
        dispatch.backend(job.backend).withdraw(job)
    except dispatch.Unreachable as exc:
        # Harmless: a message for a cancelled job is refused by `start`.
        logger.warning("job %s stays on the queue as a dead letter: %s", job.pk, exc)


def _newest(job: Job, points: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The columns that show where the job is now."""
    if not points:
        return {}
    metrics = dict(job.metrics)
    for point in points:
        metrics.update(
            {k: v for k, v in point.items() if k not in {"fraction", "message", "stage"}}
        )
    last = points[-1]
    return {
        "progress": min(max(float(last["fraction"]), 0.0), 1.0),
        "message": str(last["message"])[:300],
        "stage": str(last["stage"])[:100],
        "metrics": metrics,
    }


def _record(job: Job, kind: str, data: dict[str, Any] | None = None) -> None:
    JobEvent.objects.create(
        job=job, seq=job.last_seq, kind=kind, data={**events.snapshot(job), **(data or {})}
    )
    # Robust: the row is the truth, a deaf channel layer must not stop a simulation. No partial:
    # Django wants a __qualname__ for its log line, and raises where there is none.
    transaction.on_commit(lambda: events.nudge(job.pk), robust=True)


def _running(attempt: int) -> dict[str, Any]:
    """The fence: only the attempt that runs now may write."""
    return {"state": JobState.RUNNING, "attempt": attempt}


def _lease_end() -> Any:
    return timezone.now() + timedelta(seconds=settings.JOB_LEASE_S)
