"""How a job comes to be, and what may be asked of one that waits or is over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction

import simulations
from jobs import equality, estimates, heritage, log_context, turns
from jobs.budget import Budget
from jobs.files import fold, unfold
from jobs.models import Allowance, Job
from jobs.states import FailureKind, JobState, Priority, Reason
from simulations import bounded

from .backends import hand_to_backend
from .writing import change, record

logger = logging.getLogger(__name__)


class OverQuota(Exception):
    """The owner has as many jobs waiting as they may; nothing was stored."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"You have {limit} jobs waiting, the most that you may. Submit again once some of "
            "them have started, cancel some, or ask an administrator for a larger allowance."
        )


class CannotRestart(Exception):
    """There is nothing to go on from."""


class NotAllowed(Exception):
    """It takes somebody with more rights."""


def submit(
    *,
    owner: Any,
    simulation: str,
    params: dict[str, Any],
    name: str = "",
    tags: Sequence[str] = (),
    limits: Budget = Budget(),  # noqa: B008
    notes: Sequence[simulations.Note] = (),
    priority: Priority = Priority.NORMAL,
    max_attempts: int | None = None,
    retry_on: Sequence[FailureKind] = (),
    restarted_from: Job | None = None,
    reuse: bool = False,
    also: Callable[[Job], None] = lambda job: None,
) -> Job:
    """Store a valid job, and hand it to its backend once the row is committed.

    :param max_attempts: how many attempts in a row may bring it no further.
    :param retry_on: what is tried again of `RETRIED_IF_ASKED`.
    :param restarted_from: a job whose files its first attempt goes on from.
    :param reuse: answer with an equal job of the owner's, where there is one that has succeeded
        or is on its way; its `reused_because` then says so.
    :param also: called with the job in the transaction that stores it.

    :raises simulations.UnknownSimulation: there is none, or its engine is not installed.
    :raises simulations.InvalidParams: naming each param that is wrong; nothing was stored.
    :raises simulations.Busy: everything that reads structures is busy.
    :raises OverQuota: the owner has as many jobs waiting as they may.
    :raises NotAllowed: it is to go before everybody's, and the owner is not of the staff.
    """
    _may_give(priority, owner)
    found = simulations.find(simulation)
    unfolded = unfold(params, owner=owner, model=found.Params)
    checked = bounded.check(found, unfolded.params)
    columns = _columns(limits)
    estimate = estimates.of(found, checked, threads=columns["threads"])
    fingerprint = equality.fingerprint(found, checked)
    with transaction.atomic():
        allowance, _ = Allowance.objects.select_for_update().get_or_create(user=owner)
        if reuse and (same := equality.equal(owner, fingerprint, columns)):
            same.reused_because = _why_reused(same)
            also(same)
            return same
        _admit(allowance)
        job = Job.objects.create(
            owner=owner,
            fingerprint=fingerprint,
            priority=priority,
            simulation=found.name,
            params=fold(checked.params, unfolded.references, owner=owner),
            structure=checked.structure,
            estimate=estimate,
            notes=[
                asdict(note) for note in (*notes, *found.notes_on_name(simulation), *checked.notes)
            ],
            name=name,
            tags=list(tags),
            **columns,
            max_attempts=max_attempts or settings.JOB_MAX_ATTEMPTS,
            retry_on=[str(kind) for kind in retry_on],
            restarted_from=restarted_from,
            request_id=log_context.current().get("request_id", ""),
            reason=Reason.NO_FREE_WORKER,
            last_seq=1,
        )
        record(job, "submitted")
        also(job)
        transaction.on_commit(partial(hand_to_backend, job))
    with log_context.about(job):
        logger.info("accepted %s of user %s", job.simulation, job.owner_id)
    return job


def _columns(limits: Budget) -> dict[str, Any]:
    settled = limits.settled()
    return {
        "wall_time_limit_s": settled.wall_time_s,
        "memory_limit_mib": settled.memory_mib,
        "disk_limit_mib": settled.disk_mib,
        "threads": settled.threads,
    }


def _may_give(priority: Priority, user: Any) -> None:
    if priority == Priority.URGENT and not user.is_staff:
        raise NotAllowed(
            "Only the staff may call a job urgent, for it goes before those of other people; "
            "expected low, normal or high."
        )


def _admit(allowance: Allowance) -> None:
    """Count under the lock of the owner's allowance, so that no burst gets past the limit."""
    limit = turns.max_queued(allowance)
    if turns.n_queued(allowance.user_id) >= limit:
        raise OverQuota(limit)


def _why_reused(job: Job) -> str:
    if job.is_final:
        return "An equal job of yours has succeeded: same simulation, versions and input."
    return "An equal job of yours is on its way: same simulation, versions and input."


def run_again(job: Job, *, owner: Any, also: Callable[[Job], None] = lambda job: None) -> Job:
    """A new job with the same input; what became of the old one stays as it is."""
    return submit(owner=owner, also=also, **_same_as(job))


def restart(
    job: Job,
    *,
    owner: Any,
    limits: Budget = Budget(),  # noqa: B008
    also: Callable[[Job], None] = lambda job: None,
) -> Job:
    """A new job that goes on from where this one was stopped, within other limits if need be.

    What this one became stays as it is: it is final.

    :raises CannotRestart: there is nothing to go on from; to run it again may be what is meant.
    """
    if why := why_no_restart(job):
        raise CannotRestart(why)
    wanted = _same_as(job) | {"limits": limits.over(job.budget)}
    return submit(owner=owner, restarted_from=job, also=also, **wanted)


def why_no_restart(job: Job) -> str:
    """A sentence for whoever wants to restart it; empty where they may."""
    if job.state not in {JobState.FAILED, JobState.CANCELLED}:
        return f"It is {JobState(job.state).label.lower()}; only what was stopped can be restarted."
    if job.failure_kind == FailureKind.INPUT:
        return "Its input cannot be computed, and would not be the second time; change it."
    if job.files_removed_at:
        return f"Its files were removed on {job.files_removed_at:%Y-%m-%d}; run it again instead."
    if not heritage.is_there(job):
        return "It left nothing to go on from; run it again instead."
    return ""


def _same_as(job: Job) -> dict[str, Any]:
    return {
        "simulation": job.simulation,
        "params": job.params,
        "name": job.name,
        "tags": job.tags,
        "limits": job.budget,
        "max_attempts": job.max_attempts,
        "retry_on": [FailureKind(kind) for kind in job.retry_on],
        "priority": Priority(min(job.priority, Priority.HIGH)),
    }


def set_priority(job: Job, priority: Priority, *, by: Any) -> None:
    """Move a queued job within its owner's line, or before everybody's.

    :raises NotAllowed: only the staff may have a job go before those of other people.
    """
    _may_give(priority, by)
    data = {"priority": priority.name.lower(), "by": str(by)}
    change(job, "priority", {"state": JobState.QUEUED}, data, priority=priority)
