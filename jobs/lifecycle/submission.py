"""How a job comes to be, and what may be asked of one that waits or is over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.base import ModelState
from django.utils import timezone

import simulations
from jobs import equality, estimates, heritage, log_context, placement
from jobs.budget import Budget
from jobs.keys import UNKNOWN, Origin
from jobs.models import LONGEST_FORMULA, Job
from jobs.placement import ANYWHERE, Asked, Placed
from jobs.references import fold, unfold
from jobs.states import FailureKind, JobState, Priority, Reason
from jobs.webhooks import endpoints as webhooks
from simulations import bounded

from .admission import admit, admit_from, allowance_of, ask_for_approval
from .backends import hand_to_backend
from .filing import refuse_removed
from .following import follow, settled
from .storing import insert
from .writing import SUBMITTED, change, record

logger = logging.getLogger(__name__)


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
    place: Asked = ANYWHERE,
    max_attempts: int | None = None,
    retry_on: Sequence[FailureKind] = (),
    restarted_from: Job | None = None,
    reuse: bool = False,
    origin: Origin = UNKNOWN,
    also: Callable[[Job], None] = lambda job: None,
) -> Job:
    """Store a valid job, and hand it to its backend once the row is committed.

    :param place: where it is to run, where its sender does not leave that open.
    :param max_attempts: how many attempts in a row may bring it no further.
    :param retry_on: what is tried again of `RETRIED_IF_ASKED`.
    :param restarted_from: a job whose files its first attempt goes on from.
    :param reuse: answer with an equal job of the owner's, where there is one that has succeeded
        or is on its way; its `reused_because` then says so.
    :param origin: who sends it and what for; what its key may not do at once waits or is refused.
    :param also: called with the job in the transaction that stores it.

    :raises simulations.UnknownSimulation: there is none, or its engine is not installed.
    :raises simulations.InvalidParams: naming each param that is wrong; nothing was stored.
    :raises simulations.Busy: everything that reads structures is busy.
    :raises OverQuota: the owner or the key has as many jobs waiting as they may.
    :raises BudgetSpent: the key's core-hours or its time are over.
    :raises NotAllowed: it is to go before everybody's, and the owner is not of the staff.
    :raises FileRemoved: a file that it refers to was removed meanwhile.
    """
    wanted = prepare(
        owner=owner,
        simulation=simulation,
        params=params,
        limits=limits,
        priority=priority,
        place=place,
    )
    with transaction.atomic():
        allowance = allowance_of(owner)
        if reuse and (same := settled(partial(wanted.equal_of, owner, origin))):
            same.reused_because = why_reused(same)
            follow(same, origin)
            also(same)
            return same
        admit(allowance)
        job = new_job(
            wanted,
            owner=owner,
            priority=priority,
            params=fold(wanted.checked.params, wanted.references, owner=owner),
            notes=notes,
            name=name,
            tags=tags,
            max_attempts=max_attempts,
            retry_on=retry_on,
            restarted_from=restarted_from,
        )
        admit_from(origin, [job])
        refuse_removed(owner, [job])
        insert(job)
        record(job, SUBMITTED, sent_by(job))
        if job.awaits_approval:
            ask_for_approval(job)
        also(job)
        if not job.awaits_approval:
            transaction.on_commit(partial(hand_to_backend, job))
    with log_context.about(job):
        logger.info("accepted %s of user %s", job.simulation, job.owner_id)
    return job


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A valid submission, and all that is known of it before anything is stored.

    :param references: what stands for the texts in its params that came from files.
    :param columns: its limits, as the job's row has them.
    :param placed: where it is to run, and why.
    """

    simulation: simulations.Simulation
    checked: simulations.Checked
    references: dict[tuple[str, str], dict[str, str]]
    notes: Sequence[simulations.Note]
    columns: dict[str, Any]
    estimate: dict[str, Any] | None
    fingerprint: str
    placed: Placed

    def equal_of(self, owner: Any, origin: Origin) -> Job | None:
        """What the owner has that answers it."""
        return equality.equal(
            owner, self.fingerprint, self.columns, key=origin.key, queue=self.placed.queue
        )


def prepare(
    *,
    owner: Any,
    simulation: str,
    params: dict[str, Any],
    limits: Budget = Budget(),  # noqa: B008
    priority: Priority = Priority.NORMAL,
    place: Asked = ANYWHERE,
) -> Prepared:
    """Look at a submission and store nothing; it raises what `submit` does, but no `OverQuota`."""
    may_give(priority, owner)
    found = simulations.find(simulation)
    unfolded = unfold(params, owner=owner, model=found.Params)
    checked = bounded.check(found, unfolded.params)
    columns = columns_of(limits)
    estimate = estimates.of(found, checked, threads=columns["threads"])
    placed = placement.place(found.name, estimate, place)
    return Prepared(
        simulation=found,
        checked=checked,
        references=unfolded.references,
        notes=notes_on(found, simulation, checked, placed),
        columns=columns,
        estimate=estimate,
        fingerprint=equality.fingerprint(found, checked),
        placed=placed,
    )


def notes_on(
    simulation: simulations.Simulation, asked: str, checked: simulations.Checked, placed: Placed
) -> list[simulations.Note]:
    """:param asked: the name that it was asked for by."""
    on_place = placement.notes_on(simulation, placed)
    return [*simulation.notes_on_name(asked), *checked.notes, *on_place]


def new_job(
    prepared: Prepared,
    *,
    notes: Sequence[simulations.Note] = (),
    tags: Sequence[str],
    max_attempts: int | None,
    retry_on: Sequence[FailureKind],
    **columns: Any,
) -> Job:
    """A row as it is before its first event, not yet stored.

    :param notes: that come before those on its input.
    """
    return Job(
        **_columns_of(prepared, notes),
        tags=list(tags),
        max_attempts=max_attempts or settings.JOB_MAX_ATTEMPTS,
        retry_on=[str(kind) for kind in retry_on],
        request_id=log_context.current().get("request_id", ""),
        reason=Reason.NO_FREE_WORKER,
        last_seq=1,
        **prepared.columns,
        **columns,
    )


def another(pattern: Job, prepared: Prepared, **columns: Any) -> Job:
    """As `new_job`, where all but these columns is as the pattern has it.

    To ask each of fifty fields for its default takes as long as all the rest of a job in a batch,
    and so do the hooks by which Python copies an object.

    :param columns: its id among them, and none that refers to another row.
    """
    job = Job.__new__(Job)
    job.__dict__ |= pattern.__dict__
    job._state = ModelState()
    job._state.fields_cache = {**pattern._state.fields_cache}
    job.created_at = job.queued_at = timezone.now()
    job.__dict__ |= _columns_of(prepared) | columns
    return job


def _columns_of(prepared: Prepared, notes: Sequence[simulations.Note] = ()) -> dict[str, Any]:
    """What tells the job of one submission from that of another."""
    structure = prepared.checked.structure or {}
    return {
        "simulation": prepared.simulation.name,
        "structure": prepared.checked.structure,
        "inchikey": structure.get("inchikey") or "",
        "formula": str(structure.get("formula") or "")[:LONGEST_FORMULA],
        "estimate": prepared.estimate,
        "fingerprint": prepared.fingerprint,
        "notes": [
            {"code": note.code, "message": note.message} for note in (*notes, *prepared.notes)
        ],
        **prepared.placed.columns,
    }


def columns_of(limits: Budget) -> dict[str, Any]:
    settled = limits.settled()
    return {
        "wall_time_limit_s": settled.wall_time_s,
        "memory_limit_mib": settled.memory_mib,
        "disk_limit_mib": settled.disk_mib,
        "threads": settled.threads,
    }


def may_give(priority: Priority, user: Any) -> None:
    if priority == Priority.URGENT and not user.is_staff:
        raise NotAllowed(
            "Only the staff may call a job urgent, for it goes before those of other people; "
            "expected low, normal or high."
        )


def sent_by(job: Job) -> dict[str, Any]:
    """For the event of its submission: who sent it, and what for."""
    told = {"key": job.key and job.key.prefix, "agent": job.agent, "purpose": job.purpose}
    return {name: value for name, value in told.items() if value}


def why_new() -> str:
    return "No equal job of yours has succeeded or is on its way."


def why_reused(job: Job) -> str:
    if job.is_final:
        return "An equal job of yours has succeeded: same simulation, versions and input."
    return "An equal job of yours is on its way: same simulation, versions and input."


def run_again(
    job: Job,
    *,
    owner: Any,
    origin: Origin = UNKNOWN,
    also: Callable[[Job], None] = lambda job: None,
) -> Job:
    """A new job with the same input; what became of the old one stays as it is."""
    also = _told_as_before(job, also)
    return submit(owner=owner, origin=_as_before(job, origin), also=also, **same_as(job))


def restart(
    job: Job,
    *,
    owner: Any,
    limits: Budget = Budget(),  # noqa: B008
    origin: Origin = UNKNOWN,
    also: Callable[[Job], None] = lambda job: None,
) -> Job:
    """A new job that goes on from where this one was stopped, within other limits if need be.

    What this one became stays as it is: it is final.

    :raises CannotRestart: there is nothing to go on from; to run it again may be what is meant.
    """
    if why := why_no_restart(job):
        raise CannotRestart(why)
    wanted = same_as(job) | {"limits": limits.over(job.budget)}
    origin, also = _as_before(job, origin), _told_as_before(job, also)
    return submit(owner=owner, restarted_from=job, origin=origin, also=also, **wanted)


def _told_as_before(job: Job, also: Callable[[Job], None]) -> Callable[[Job], None]:
    """Whoever is told of the old one is told of the new one."""

    def both(new: Job) -> None:
        webhooks.carry_over(job, new)
        also(new)

    return both


def _as_before(job: Job, origin: Origin) -> Origin:
    """For the same purpose, where no other is told."""
    return origin.for_(origin.purpose or job.purpose)


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


def same_as(job: Job) -> dict[str, Any]:
    return {
        "simulation": job.simulation,
        "params": job.params,
        "name": job.name,
        "tags": job.tags,
        "limits": job.budget,
        "max_attempts": job.max_attempts,
        "retry_on": [FailureKind(kind) for kind in job.retry_on],
        "priority": Priority(min(job.priority, Priority.HIGH)),
        "place": Asked.for_(job),
    }


def set_priority(job: Job, priority: Priority, *, by: Any, origin: Origin = UNKNOWN) -> None:
    """Move a queued job within its owner's line, or before everybody's.

    :raises NotAllowed: only the staff may have a job go before those of other people.
    """
    may_give(priority, by)
    data = {"priority": priority.name.lower(), "by": origin.signed(by)}
    change(job, "priority", {"state": JobState.QUEUED}, data, priority=priority)
