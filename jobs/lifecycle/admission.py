"""Who may store one more job: counted under the lock of the owner's allowance, so that no burst
gets past a limit by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from jobs import maintenance, spending, turns
from jobs.key_models import ApiKey
from jobs.keys import Origin
from jobs.line import LOCKED
from jobs.models import Allowance, Job
from jobs.states import Consent, JobState, Reason

from .writing import change


class OverQuota(Exception):
    """The owner has as many jobs waiting as they may; nothing was stored."""

    def __init__(self, limit: int, n_new: int = 1) -> None:
        self.limit = limit
        why = (
            f"You have {limit} jobs waiting, the most that you may. Submit again"
            if n_new == 1
            else f"With these {n_new:,} you would have more than {limit:,} jobs waiting, the most "
            "that you may. Submit fewer, or again"
        )
        super().__init__(
            f"{why} once some of them have started, cancel some, or ask an administrator for a "
            "larger allowance."
        )


class KeyOverQuota(OverQuota):
    """The key has as many jobs waiting as it may."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        Exception.__init__(
            self,
            f"This key may have {limit:,} jobs waiting, and would have more. Submit again once "
            "some of them have started, cancel some, or ask its owner for a larger budget.",
        )


class BudgetSpent(Exception):
    """The key's core-hours are used up or reserved, or its deadline is over."""


class Closed(Exception):
    """The site accepts no new jobs for now; nothing was stored.

    :param wait_s: when it may be worth while to ask again.
    """

    def __init__(self, told: str, wait_s: int) -> None:
        self.wait_s = wait_s
        super().__init__(f"{told}. Submit again after that.")


FEW = 1_000
"""So many are counted each time."""


def allowance_of(owner: Any) -> Allowance:
    """What they may have, locked until the transaction ends: nobody else counts their jobs."""
    try:
        found: Allowance = LOCKED.get(user=owner.pk)
    except Allowance.DoesNotExist:
        found, _ = Allowance.objects.select_for_update().get_or_create(user=owner)
    return found


def admit(allowance: Allowance, n_new: int = 1) -> None:
    """To be called under the lock of the allowance, by who stores so many new jobs.

    :raises Closed, OverQuota: as `refuse_unless_room`.
    """
    at_most = refuse_unless_room(allowance, n_new)
    if at_most != allowance.unfinished_at_most:
        Allowance.objects.filter(pk=allowance.pk).update(unfinished_at_most=at_most)


def refuse_unless_room(allowance: Allowance, n_new: int = 1) -> int | None:
    """Give no more than how many of the owner's will then wait or run; None: they are few.

    To count thousands takes longer than to store one more: until as many as may be could be there,
    it is enough to have counted them once.

    :raises Closed: the site accepts none, whoever asks.
    :raises OverQuota: they would have more waiting than they may.
    """
    now = maintenance.current()
    if now is not None and not now.accepts:
        raise Closed(maintenance.sentence(now), maintenance.retry_after_s(now))
    limit, at_most = turns.max_queued(allowance), allowance.unfinished_at_most
    if at_most is not None and at_most + n_new <= limit:
        return at_most + n_new
    counted = turns.n_unfinished(allowance.user_id)
    n_queued = counted[JobState.QUEUED] + n_new
    if n_queued > limit:
        raise OverQuota(limit, n_new)
    return None if n_queued <= FEW else counted.total() + n_new


def admit_from(origin: Origin, jobs: Sequence[Job]) -> None:
    """Write on jobs that are not yet stored who sent them, what that key reserves for each, and
    which of them wait for approval. To be called under the lock of the owner's allowance.

    An administrator's key may make jobs for somebody else, as it resumes their batch: these are on
    no account of its, and name the agent only.

    :raises OverQuota: the key has as many jobs waiting as it may.
    :raises BudgetSpent: they would take more than is left, or come too late.
    """
    for job in jobs:
        job.agent, job.purpose = origin.agent, origin.purpose
    if origin.key is None:
        return
    # As it is now: its owner may have changed it since it was recognised.
    key = ApiKey.objects.get(pk=origin.key.pk)
    if not key.is_usable:
        raise BudgetSpent("This key was revoked, or has expired, while the request was looked at.")
    if any(job.owner_id != key.owner_id for job in jobs):
        # Counted under the lock of another's allowance, they would be on no account that holds.
        _refuse_where_limited(key)
        return
    _refuse_too_many(key, len(jobs))
    expected = [spending.core_hours(job.estimate, job.budget.threads or 1) for job in jobs]
    _refuse_too_costly(key, sum(hours or 0.0 for hours in expected))
    for job, hours in zip(jobs, expected, strict=True):
        job.key = key
        job.purpose = job.purpose or key.purpose
        job.reserved_core_s = (hours or 0.0) * spending.S_PER_H
        if spending.needs_approval(key, hours):
            job.consent, job.reason = Consent.AWAITED, Reason.AWAITING_APPROVAL


def _refuse_where_limited(key: ApiKey) -> None:
    if key.has_a_budget:
        raise BudgetSpent(
            "This key has a budget, or its jobs wait for approval: that holds for jobs of its "
            "owner, and these are somebody else's. Resume the batch with a key that has neither, "
            "or signed in."
        )


def ask_for_approval(job: Job) -> None:
    """Tell of a job that was stored to wait for it."""
    change(job, "awaiting_approval", {"consent": Consent.AWAITED}, why_it_waits(job))


def why_it_waits(job: Job) -> dict[str, Any]:
    hours = job.reserved_core_s / spending.S_PER_H
    told = f"It may take {hours:.3g} core-hours." if hours else "What it takes is not known."
    return {"why": told}


def _refuse_too_many(key: ApiKey, n_new: int) -> None:
    if key.deadline and key.deadline <= timezone.now():
        raise BudgetSpent(
            f"The deadline of this key, {key.deadline:%Y-%m-%d %H:%M} UTC, is over. "
            "Its owner can set a later one."
        )
    if key.max_queued is not None and spending.n_queued(key) + n_new > key.max_queued:
        raise KeyOverQuota(key.max_queued)


def _refuse_too_costly(key: ApiKey, more: float) -> None:
    if key.core_hours is None:
        return
    # In this order: a job that ends between the two reads counts twice, and never not at all.
    reserved = spending.reserved_core_hours(key)
    used = spending.used_core_hours(key)
    if used >= key.core_hours or used + reserved + more > key.core_hours:
        raise BudgetSpent(
            f"This key has {key.core_hours:g} core-hours: {used:.3g} are used and {reserved:.3g} "
            f"reserved for what waits and runs, and this would take up to {more:.3g} more. "
            "Submit something smaller, or ask its owner for a larger budget."
        )
