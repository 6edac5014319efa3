"""A submission looked at as if it were meant: what it is understood as, what it takes, whether it
would be accepted. Nothing is stored and nothing is queued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import lifecycle, outlook, references, turns
from .budget import Budget
from .keys import UNKNOWN, Origin
from .lifecycle.admission import BudgetSpent, Closed, admit_from, refuse_unless_room
from .lifecycle.submission import new_job
from .models import Allowance, Job
from .placement import ANYWHERE, Asked
from .states import FailureKind, Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What would become of a valid submission.

    :param job: the one that it would make; it is not stored.
    :param same: the one that would answer it instead.
    :param refusal: why it would not be accepted now, valid as it is.
    """

    job: Job
    same: Job | None
    refusal: lifecycle.OverQuota | BudgetSpent | Closed | None

    @property
    def standing(self) -> dict[str, Any]:
        """How many of the owner's wait and run, and when this one would start."""
        owner = self.job.owner_id
        most, running = turns.max_running_of(owner), turns.n_running(owner)
        stands = turns.standing_of(self.job)
        return {
            "queued": turns.n_queued(owner),
            "max_queued": _max_queued(self.job.owner),
            "running": running,
            "max_running": None if most >= turns.UNLIMITED else most,
            "awaits_approval": self.job.awaits_approval,
            "place": stands.place,
            "starts_in_s": outlook.starts_in_s(self.job, stands) if running < most else None,
        }


def check(
    *,
    owner: Any,
    simulation: str,
    params: dict[str, Any],
    name: str = "",
    tags: Sequence[str] = (),
    limits: Budget = Budget(),  # noqa: B008
    priority: Priority = Priority.NORMAL,
    place: Asked = ANYWHERE,
    max_attempts: int | None = None,
    retry_on: Sequence[FailureKind] = (),
    reuse: bool = False,
    origin: Origin = UNKNOWN,
) -> Verdict:
    """Takes what `lifecycle.submit` takes, and raises what that raises for bad input."""
    wanted = lifecycle.prepare(
        owner=owner,
        simulation=simulation,
        params=params,
        limits=limits,
        priority=priority,
        place=place,
    )
    same = None
    if reuse:
        same = wanted.equal_of(owner, origin)
    job = new_job(
        wanted,
        owner=owner,
        priority=priority,
        params=references.folded(wanted.checked.params, wanted.references),
        name=name,
        tags=tags,
        max_attempts=max_attempts,
        retry_on=retry_on,
    )
    refusal = None if same else _refusal(job, origin)
    return Verdict(job=job, same=same, refusal=refusal)


def _refusal(job: Job, origin: Origin) -> lifecycle.OverQuota | BudgetSpent | Closed | None:
    """As of now; only a submission counts under the lock that makes it certain."""
    try:
        refuse_unless_room(_allowance(job.owner))
        admit_from(origin, [job])
    except (lifecycle.OverQuota, BudgetSpent, Closed) as exc:
        return exc
    return None


def _allowance(owner: Any) -> Allowance:
    return Allowance.objects.filter(user=owner).first() or Allowance(user=owner)


def _max_queued(owner: Any) -> int:
    return turns.max_queued(_allowance(owner))
