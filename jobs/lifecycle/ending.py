"""How a job ends, or goes back to the queue; and what is done long after."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from jobs import keeping, log_context, rows
from jobs.artifacts import FileOnDisk, sealed
from jobs.keys import UNKNOWN, Origin
from jobs.models import Artifact, Job
from jobs.prepared import Example, Prepared
from jobs.states import ACTIVE, FINAL, RETRIED, FailureKind, JobState, Reason, in_a_row

from .backends import hand_to_backend, wake, withdraw
from .batch_course import settle_after
from .charging import charge
from .storing import insert_all
from .together import follow
from .writing import NOTHING, IllegalTransition, change, details_of, fence, update_attempt

logger = logging.getLogger(__name__)


def request_cancel(job: Job, *, by: Any, origin: Origin = UNKNOWN) -> None:
    """Cancel now what is still queued; ask what is running to stop."""
    with transaction.atomic():
        change(
            job,
            "cancel_requested",
            {"state__in": ACTIVE},
            {"by": origin.signed(by)},
            cancel_requested_at=job.cancel_requested_at or timezone.now(),
        )
        if job.state == JobState.QUEUED:
            kind = FailureKind.CANCELLED_BY
            where = {"state": JobState.QUEUED}
            end(job, JobState.CANCELLED, where, failure_kind=kind, message="")
            transaction.on_commit(partial(withdraw, job))


def succeed(
    job: Job,
    attempt: int,
    result: dict[str, Any],
    files: Sequence[FileOnDisk] = (),
    *,
    summary: dict[str, Any] | None = None,
    methods: dict[str, Any] | None = None,
    fingerprint: str | None = None,
) -> None:
    """:param fingerprint: of what computed it, where that may be another than was asked."""
    told: dict[str, Any] = {"result": result, "summary": summary, "methods": methods}
    if fingerprint is not None:
        told["fingerprint"] = fingerprint
    _finish(job, JobState.SUCCEEDED, attempt, files=files, progress=1, **told)


def cancel(
    job: Job,
    attempt: int,
    files: Sequence[FileOnDisk] = (),
    evidence: str = "",
    details: Mapping[str, Any] = NOTHING,
) -> None:
    """Its process is gone; what it had computed is kept.

    :param evidence: how it is known that it is gone, where it was not ended for the cancel.
    """
    told: dict[str, Any] = {"evidence": evidence, "details": details}
    kind = FailureKind.CANCELLED_BY
    _finish(job, JobState.CANCELLED, attempt, files=files, failure_kind=kind, **told)


def fail(
    job: Job,
    attempt: int,
    kind: FailureKind,
    error: dict[str, Any],
    files: Sequence[FileOnDisk] = (),
    traceback: str = "",
    details: Mapping[str, Any] = NOTHING,
) -> None:
    """End it for good. `error` is for its user; `traceback` only for operators."""
    _finish(
        job,
        JobState.FAILED,
        attempt,
        files=files,
        evidence=str(error.get("detail", "")),
        traceback=traceback,
        details=details,
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
    error: Mapping[str, Any] = NOTHING,
    details: Mapping[str, Any] = NOTHING,
) -> None:
    """An attempt ended without a result: try again, where the kind allows and as often as allowed.

    :param error: what its user is told beside the evidence, should it have been the last one.
    :param details: the evidence in figures: the signal, the limit, how long it was silent.
    """
    is_retried = kind in RETRIED or kind in job.retry_on
    tried = in_a_row([*_reached_before(job, attempt), _reached(job)])
    if job.cancel_requested_at is None and (not is_retried or tried >= job.max_attempts):
        if is_retried:
            evidence += f" It was tried {tried} times without getting further, the most allowed."
        fail(job, attempt, kind, {**error, "detail": evidence}, files, details=details)
    else:
        delay_s = min(settings.JOB_RETRY_DELAY_S * 2 ** (tried - 1), settings.JOB_RETRY_MAX_DELAY_S)
        _requeue(job, attempt, Reason.BACKING_OFF, delay_s, evidence, kind, files, details)


def _reached(job: Job) -> float:
    """How far it is by now, whatever it was when the row was read."""
    return Job.objects.values_list("progress", flat=True).get(pk=job.pk)


def _reached_before(job: Job, attempt: int) -> list[float]:
    """How far the attempts got that failed and were followed by another."""
    failed = job.attempts.filter(number__lt=attempt).exclude(failure_kind="")
    return list(failed.order_by("number").values_list("progress", flat=True))


def expire(
    job: Job,
    attempt: int,
    evidence: str,
    details: Mapping[str, Any] = NOTHING,
    files: Sequence[FileOnDisk] = (),
) -> None:
    """Its worker is taken for dead.

    The lease is looked at again in the same transaction: the worker may have spoken since.

    :param job: as it was when its worker was last looked for.
    """
    with transaction.atomic():
        unheard = Job.objects.filter(pk=job.pk, lease_expires_at=job.lease_expires_at)
        if not unheard.filter(**fence(attempt)).select_for_update().first():
            raise IllegalTransition(job, "expired")
        lose(job, attempt, evidence, files=files, details=details)


def hand_over(job: Job, attempt: int, evidence: str, files: Sequence[FileOnDisk] = ()) -> None:
    """Its worker is being stopped: another goes on from the checkpoint. No failure of the job."""
    _requeue(job, attempt, Reason.HANDED_OVER, 0, evidence, files=files)


def remove_files(job: Job, **told: Any) -> None:
    """Say that the files of an ended job are no longer to be had; input, result and events stay.

    Its caller deletes them after that: a file that is still there and not promised harms nobody.

    :param told: why they are removed, for the event.
    """
    change(
        job,
        "files_removed",
        {"state__in": FINAL, "files_removed_at": None},
        told,
        files_removed_at=timezone.now(),
    )


def note_key(artifact: Artifact, key: str) -> None:
    """The bucket has it by now: there it is read from then on."""
    Artifact.objects.filter(pk=artifact.pk).update(key=key)


def record_usage(job: Job, attempt: int, *, peak_memory_mib: float, cpu_seconds: float) -> None:
    """What the attempt's processes had used when they were gone."""
    update_attempt(job, attempt, peak_memory_mib=peak_memory_mib, cpu_seconds=cpu_seconds)


def end(
    job: Job,
    target: JobState,
    where: dict[str, Any],
    data: dict[str, Any] | None = None,
    **fields: Any,
) -> None:
    change(
        job,
        str(target),
        where,
        data,
        state=target,
        reason="",
        lease_expires_at=None,
        finished_at=timezone.now(),
        **fields,
    )
    transaction.on_commit(partial(_log_end, job, job.attempt, str(target)))
    # Robust: should it fail, the reconciler does it.
    transaction.on_commit(lambda: follow(settle_after, job.pk), robust=True)


def _log_end(job: Job, attempt: int, state: str) -> None:
    with log_context.bound(job_id=str(job.pk), attempt=attempt, request_id=job.request_id):
        logger.info("it is %s", state)


def _finish(
    job: Job,
    target: JobState,
    attempt: int,
    *,
    files: Sequence[FileOnDisk] = (),
    evidence: str = "",
    traceback: str = "",
    details: Mapping[str, Any] = NOTHING,
    **fields: Any,
) -> None:
    """End the job with what its attempt left behind, all in one transaction."""
    with transaction.atomic():
        kind = fields.get("failure_kind", "")
        reached = _reached_by(job, attempt)
        known, kept = None, files
        if reached is not None:
            known, kept = _sealed(job, target, attempt, kind, files)
        kept = keeping.keep_record(job, attempt, kept)
        told = details_of(job, attempt, details) if details else None
        data = {"evidence": evidence, "details": told} if told else None
        end(job, target, fence(attempt), data, provenance=known, **fields)
        insert_all(Artifact, [Artifact(job=job, attempt=attempt, **asdict(file)) for file in kept])
        _end_attempt(
            job, attempt, target, kind, evidence, traceback, details=told, progress=reached
        )
        transaction.on_commit(partial(follow, wake, job))


OURS = Prepared(
    lambda id, attempt: (
        Job.objects.filter(pk=id, **fence(attempt)).select_for_update().values_list("progress")
    ),
    id=Example.ID,
    attempt=Example.COUNT,
)


def _reached_by(job: Job, attempt: int) -> float | None:
    """How far the job is, its row locked. None: it is not this attempt that runs."""
    found = OURS.rows(id=job.pk, attempt=attempt)
    return float(found[0][0]) if found else None


def _sealed(
    job: Job, target: JobState, attempt: int, kind: str, files: Sequence[FileOnDisk]
) -> tuple[dict[str, Any] | None, Sequence[FileOnDisk]]:
    """The record of the run, made to agree with the job's end in file and row alike.

    Behind the fence only, and locked: who comes too late must not touch the file.
    """
    told: dict[str, Any] = {"failure_kind": str(kind)}
    if job.restarted_from_id:
        told["restarted_from"] = str(job.restarted_from_id)
    by = rows.of_attempt(job, attempt)
    if by and by.cpu_seconds is not None:
        # Its processes were seen to end: of one that only fell silent nobody knows how long it ran.
        told["wall_s"] = round((timezone.now() - by.started_at).total_seconds(), 3)
        told |= {"cpu_s": by.cpu_seconds, "peak_memory_mib": by.peak_memory_mib}
    return sealed(job.workdir(attempt), files, str(target), **told)


def _requeue(
    job: Job,
    attempt: int,
    reason: Reason,
    delay_s: float,
    evidence: str,
    failure_kind: str = "",
    files: Sequence[FileOnDisk] = (),
    details: Mapping[str, Any] = NOTHING,
) -> None:
    """Back to the queue, unless a cancel came first: then that was its last attempt."""
    try:
        with transaction.atomic():
            told, reached = details_of(job, attempt, details), _reached(job)
            change(
                job,
                "requeued",
                {**fence(attempt), "cancel_requested_at": None},
                {"evidence": evidence, "details": told, "next_attempt": attempt + 1},
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
            ended: dict[str, Any] = {"details": told, "progress": reached}
            _end_attempt(job, attempt, "requeued", failure_kind, evidence, **ended)
            transaction.on_commit(partial(hand_to_backend, job))
    except IllegalTransition:
        if job.cancel_requested_at is None:
            raise
        cancel(job, attempt, files, evidence, details)


def _end_attempt(
    job: Job,
    attempt: int,
    outcome: str,
    failure_kind: str,
    evidence: str,
    traceback: str = "",
    **more: Any,
) -> None:
    if failure_kind != FailureKind.LOST:
        charge(job, attempt)
    update_attempt(
        job,
        attempt,
        ended_at=timezone.now(),
        outcome=outcome,
        failure_kind=failure_kind,
        evidence=evidence,
        traceback=traceback,
        **more,
    )
