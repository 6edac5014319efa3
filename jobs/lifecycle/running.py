"""From the worker that takes a job to what it reports: the verbs of an attempt that is alive."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from jobs import turns
from jobs.abilities import Ability
from jobs.models import Allowance, Attempt, Job
from jobs.states import MAY_START, JobState, Reason

from .charging import charge
from .storing import insert_all, update_where
from .writing import (
    NOTHING,
    ROWS_AT_ONCE,
    IllegalTransition,
    change,
    details_of,
    fence,
    lease_end,
    update_attempt,
)

POSITION = frozenset({"fraction", "message", "stage"})
"""What every point has; the rest of it are metrics."""


class NotLoaded(Exception):
    """The job whose turn it is was left where it is: its worker is to import its engines first."""

    def __init__(self, simulation: str) -> None:
        super().__init__(f"{simulation} is not loaded yet")
        self.simulation = simulation


class MadeForNewer(Exception):
    """The job whose turn it is was left where it is: a worker of a newer release is to run it."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"job {job.pk} was made for a newer release of {job.simulation}")
        self.simulation = job.simulation


def take_next(
    backend: str,
    *,
    able: Ability | None = None,
    loaded: Container[str] | None = None,
    is_of_a_newer: Callable[[Job], bool] = lambda job: False,
    **by: Any,
) -> Job | None:
    """Start the job whose turn it is. None: there is none that may start now.

    :param able: what the worker can serve, where that is not everything.
    :param loaded: the simulations that the worker is ready to run at once, where that matters.
    :param is_of_a_newer: whether the worker is of too old a release for it.
    :param by: whom to name as its worker, as in `start`.
    :raises NotLoaded: it is a job of another simulation than those; it still waits.
    :raises MadeForNewer: it still waits, too.
    """
    while True:
        with transaction.atomic():
            allowance = turns.next_allowance(backend, able)
            if allowance is None:
                return None
            # Between the choice and the lock another worker may have served the same user.
            has_room = turns.has_room(allowance)
            job = turns.next_job(allowance.user_id, backend, able) if has_room else None
            if job is None:
                continue
            if is_of_a_newer(job):
                raise MadeForNewer(job)
            if loaded is not None and job.simulation not in loaded:
                raise NotLoaded(job.simulation)
            with suppress(IllegalTransition):  # cancelled meanwhile
                start(job, job.attempt, **by)
                served = {"served_at": timezone.now()}
                update_where(Allowance, {"pk": allowance.pk}, served)
                return job


def start(
    job: Job,
    attempt: int,
    *,
    worker: str,
    host: str,
    pid: int | None,
    machine: str = "",
    pid_started: int | None = None,
    native_id: str = "",
) -> None:
    """A worker begins the attempt that was queued; one that comes too late is refused.

    :param machine: what tells this host, as booted now, from every other one.
    :param pid_started: when the process of that number began, in the system's own count.
    :param native_id: what its backend calls it, if not as we do.
    """
    now = timezone.now()
    with transaction.atomic():
        change(
            job,
            "started",
            # A cancel that was asked for first wins.
            {
                "state": JobState.QUEUED,
                "attempt": attempt,
                "cancel_requested_at": None,
                "consent__in": MAY_START,
            },
            {"attempt": attempt, "worker": worker, "host": host},
            state=JobState.RUNNING,
            reason="",
            message="",
            not_before=None,
            started_at=job.started_at or now,
            lease_expires_at=lease_end(),
        )
        begun = Attempt(
            job=job,
            number=attempt,
            backend=job.backend,
            native_id=native_id or job.run_id,
            worker=worker,
            host=host,
            pid=pid,
            machine=machine,
            pid_started=pid_started,
            started_at=now,
            heartbeat_at=now,
        )
        insert_all(Attempt, [begun])


def extend_lease(job: Job, attempt: int) -> bool:
    """Say that the attempt's worker is alive. False: it is not the attempt that runs.

    :param job: as it is now; one that was taken for silent is so no longer.
    """
    with transaction.atomic():
        ours = {"pk": job.pk, **fence(attempt)}
        if not update_where(Job, ours, {"lease_expires_at": lease_end()}):
            return False
        charge(job, attempt)
        update_attempt(job, attempt, heartbeat_at=timezone.now())
    if job.is_unconfirmed:
        with suppress(IllegalTransition):
            change(job, "confirmed", {**fence(attempt), "reason": job.reason}, reason="")
    return True


def extend_leases(jobs: Sequence[Job]) -> None:
    """As `extend_lease`, for the current attempts of many, in few words."""
    apart = [job for job in jobs if job.is_unconfirmed or job.key_id]
    for job in apart:
        extend_lease(job, job.attempt)
    others = [job for job in jobs if not job.is_unconfirmed and not job.key_id]
    for at in range(0, len(others), ROWS_AT_ONCE):
        some = [job.pk for job in others[at : at + ROWS_AT_ONCE]]
        with transaction.atomic():
            running = Job.objects.unfinished(JobState.RUNNING).filter(pk__in=some)
            running.update(lease_expires_at=lease_end())
            Attempt.objects.filter(job__in=some, number=F("job__attempt"), ended_at=None).update(
                heartbeat_at=timezone.now()
            )


def doubt(job: Job, attempt: int, evidence: str, details: Mapping[str, Any] = NOTHING) -> None:
    """Its worker is silent, and may be dead or only slow: say so, and wait a little.

    :param job: as it was when its worker was last looked for; refused if it has spoken since.
    """
    known = {"lease_expires_at": job.lease_expires_at, "reason": ""}
    data = {"evidence": evidence, "details": details_of(job, attempt, details)}
    where = {**fence(attempt), **known}
    change(job, "unconfirmed", where, data, reason=Reason.UNCONFIRMED)


def progress(job: Job, attempt: int, points: Sequence[dict[str, Any]], log: str = "") -> None:
    """Write down what the simulation reported since the last time: one event, no point lost."""
    data: dict[str, Any] = {"points": list(points)} if points else {}
    if log:
        data["log"] = log
    kind = "progress" if points else "log"
    change(job, kind, fence(attempt), data, **_newest(job, points))


def _newest(job: Job, points: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The columns that show where the job is now."""
    if not points:
        return {}
    metrics = dict(job.metrics)
    for point in points:
        metrics.update({k: v for k, v in point.items() if k not in POSITION})
    last = points[-1]
    return {
        "progress": min(max(float(last["fraction"]), 0.0), 1.0),
        "message": str(last["message"])[:300],
        "stage": str(last["stage"])[:100],
        "metrics": metrics,
    }
