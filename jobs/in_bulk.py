"""What operators do to all the jobs that a search finds: a piece at a time, by the lifecycle.

The jobs are taken in the order of their ids, so that what was begun can be gone on with.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Case, Q, QuerySet, Value, When

import simulations

from . import budget, lifecycle, retention
from .models import Job
from .states import ACTIVE, FINAL, Consent, FailureKind, JobState, Priority

WITHIN_S = 20.0
"""Somebody waits for the answer; what is left then takes another go."""
REFUSALS = (
    lifecycle.IllegalTransition,
    lifecycle.BudgetSpent,
    lifecycle.Closed,
    lifecycle.FileRemoved,
    lifecycle.OverQuota,
    lifecycle.NotAllowed,
    lifecycle.CannotRestart,
    simulations.UnknownSimulation,
    simulations.InvalidParams,
    simulations.Busy,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who does it, and why: for every job's own event."""

    user: Any
    why: str

    @property
    def name(self) -> str:
        return f"operator {self.user}"


@dataclass(slots=True, kw_only=True)
class Outcome:
    """:param refused: how many were left as they are, by why.
    :param made: the new jobs, by those that they were made of.
    :param left_from: the job after which to go on; None: all were looked at.
    """

    done: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    made: dict[str, str] = field(default_factory=dict)
    left_from: UUID | None = None


Piece = Callable[[Sequence[UUID], Operator, Outcome], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """:param can_be: which jobs it can be done to.
    :param warns: what whoever does it has to know.
    :param at_once: how many it is done to between two looks at the clock.
    """

    slug: str
    title: str
    done: str
    permission: str
    can_be: Q
    does: Piece
    warns: str = ""
    at_once: int = 500

    def of(self, jobs: QuerySet[Job]) -> QuerySet[Job]:
        return jobs.filter(self.can_be)


def possible(verbs: Sequence[Verb], job: Job) -> list[Verb]:
    """Those of them that can be done to this job, by one query."""
    if not verbs:
        return []
    asked = {f"can_{n}": Case(When(each.can_be, then=Value(True))) for n, each in enumerate(verbs)}
    (found,) = Job.objects.filter(pk=job.pk).annotate(**asked).values_list(*asked)
    return [each for each, can in zip(verbs, found, strict=True) if can]


def do(
    verb: Verb,
    jobs: QuerySet[Job],
    operator: Operator,
    *,
    after: UUID | None = None,
    within_s: float = WITHIN_S,
) -> Outcome:
    """Do it to those of them that allow it, as far as the time goes."""
    outcome, ends_at = Outcome(), time.monotonic() + within_s
    ids = verb.of(jobs).order_by("pk").values_list("pk", flat=True)
    while some := list((ids.filter(pk__gt=after) if after else ids)[: verb.at_once]):
        verb.does(some, operator, outcome)
        after = some[-1]
        if time.monotonic() > ends_at:
            outcome.left_from = after
            break
    return outcome


def _cancel(job_ids: Sequence[UUID], operator: Operator, outcome: Outcome) -> None:
    outcome.done += lifecycle.cancel_each(job_ids, by=operator.name, why=operator.why)


def _answer(
    answer_each: Callable[..., int],
    job_ids: Sequence[UUID],
    operator: Operator,
    outcome: Outcome,
) -> None:
    jobs = Job.objects.filter(pk__in=job_ids)
    outcome.done += answer_each(jobs, by=operator.name, why=operator.why)


def _prioritise(
    priority: Priority, job_ids: Sequence[UUID], operator: Operator, outcome: Outcome
) -> None:
    told = {"by": operator.name, "why": operator.why}
    outcome.done += lifecycle.prioritise_each(job_ids, priority, **told)


def _purge(job_ids: Sequence[UUID], operator: Operator, outcome: Outcome) -> None:
    jobs = list(Job.objects.filter(pk__in=job_ids).order_by("pk"))
    for kept in retention.purge(jobs, by=operator.name, why=operator.why):
        if kept is None:
            outcome.done += 1
        else:
            outcome.refused[str(kept)] += 1


def _anew(
    make: Callable[[Job], Job], job_ids: Sequence[UUID], operator: Operator, outcome: Outcome
) -> None:
    """Each by itself: one that cannot be made keeps none of the others back."""
    for job in Job.objects.filter(pk__in=job_ids).select_related("owner").order_by("pk"):
        try:
            outcome.made[str(job.pk)] = str(make(job).pk)
        except REFUSALS as exc:
            outcome.refused[str(exc)] += 1
        else:
            outcome.done += 1


def _again(job: Job) -> Job:
    return lifecycle.run_again(job, owner=job.owner)


def _restart(job: Job) -> Job:
    """Within the limits that its error says would do."""
    return lifecycle.restart(job, owner=job.owner, limits=budget.mended(job.budget, job.error))


OPEN = Q(finished_at=None)
CANCEL = Verb(
    slug="cancel",
    title="Cancel",
    done="cancelled, or asked to stop",
    permission="jobs.change_job",
    can_be=OPEN & Q(state__in=ACTIVE, cancel_requested_at=None),
    does=_cancel,
    warns="What waits is cancelled at once; what runs is asked to stop. Neither can be undone.",
)
AWAITED = OPEN & Q(state=JobState.QUEUED, consent=Consent.AWAITED)
APPROVE = Verb(
    slug="approve",
    title="Approve",
    done="approved",
    permission="jobs.change_job",
    can_be=AWAITED,
    does=partial(_answer, lifecycle.approve_each),
    warns="Each joins the line now, in its owner's name. What it takes is charged to its key.",
)
REJECT = Verb(
    slug="reject",
    title="Reject",
    done="rejected",
    permission="jobs.change_job",
    can_be=AWAITED,
    does=partial(_answer, lifecycle.reject_each),
    warns="Each is cancelled, and says by whom and why.",
)
AGAIN = Verb(
    slug="again",
    title="Run again",
    done="submitted again, for their owners",
    permission="jobs.add_job",
    can_be=Q(finished_at__isnull=False, state__in=FINAL),
    does=partial(_anew, _again),
    warns="Each becomes a new job of its owner's, from the beginning, on the site's account.",
    at_once=10,
)
RESTART = Verb(
    slug="restart",
    title="Restart",
    done="restarted, for their owners",
    permission="jobs.add_job",
    can_be=Q(
        finished_at__isnull=False,
        state__in=[JobState.FAILED, JobState.CANCELLED],
        files_removed_at=None,
    )
    & ~Q(failure_kind=FailureKind.INPUT),
    does=partial(_anew, _restart),
    warns="Each becomes a new job that goes on from the files of the old one, where it left any.",
    at_once=10,
)
PURGE = Verb(
    slug="purge",
    title="Remove files",
    done="rid of their files",
    permission="jobs.delete_job",
    can_be=Q(finished_at__isnull=False, state__in=FINAL, files_removed_at=None),
    does=_purge,
    warns="The files are deleted for good; input, result and events stay.",
    at_once=50,
)


def _to(priority: Priority) -> Verb:
    word = priority.name.lower()
    return Verb(
        slug=f"priority-{word}",
        title=f"Make {word}",
        done=f"made {word}",
        permission="jobs.change_job",
        can_be=OPEN & Q(state=JobState.QUEUED) & ~Q(priority=priority),
        does=partial(_prioritise, priority),
        warns="Urgent ones go before those of everybody." if priority is Priority.URGENT else "",
    )


VERBS = {
    verb.slug: verb
    for verb in [
        CANCEL,
        APPROVE,
        REJECT,
        AGAIN,
        RESTART,
        *(_to(each) for each in reversed(Priority)),
        PURGE,
    ]
}
