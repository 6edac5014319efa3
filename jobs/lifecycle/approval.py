"""A person's yes or no to a job of one of their keys that waits for it, or to many at once."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from jobs import keys
from jobs.keys import UNKNOWN, Origin
from jobs.models import Job
from jobs.states import Consent, FailureKind, JobState, Reason

from .backends import hand_all_to_backend, hand_to_backend
from .ending import end
from .many import cancel_waiting
from .submission import NotAllowed
from .writing import change, change_all

AWAITED = {"state": JobState.QUEUED, "consent": Consent.AWAITED}


def approve(job: Job, *, by: Any, origin: Origin = UNKNOWN) -> None:
    """It joins the line now.

    :raises NotAllowed: it is the key's own job.
    """
    _refuse_its_own(job, origin)
    with transaction.atomic():
        change(
            job,
            "approved",
            AWAITED,
            {"by": origin.signed(by)},
            consent=Consent.GIVEN,
            reason=Reason.NO_FREE_WORKER,
            queued_at=timezone.now(),
        )
        transaction.on_commit(partial(hand_to_backend, job))


def reject(job: Job, *, by: Any, why: str = "", origin: Origin = UNKNOWN) -> None:
    """It is cancelled, and says by whom and why.

    :raises NotAllowed: it is the key's own job.
    """
    _refuse_its_own(job, origin)
    who = origin.signed(by)
    detail = _told(who, why)
    with transaction.atomic():
        change(job, "rejected", AWAITED, {"by": who, "why": why}, consent=Consent.REFUSED)
        kind = FailureKind.CANCELLED_BY
        end(
            job,
            JobState.CANCELLED,
            {"state": JobState.QUEUED},
            {"evidence": detail},
            failure_kind=kind,
            error={"kind": kind, "detail": detail},
        )


def approve_each(jobs: QuerySet[Job], *, by: str, why: str = "") -> int:
    """Those of them that still wait for it join the line; returns how many."""
    told = {"by": by, "why": why}
    with transaction.atomic():
        approved = change_all(
            jobs.filter(finished_at=None, **AWAITED),
            "approved",
            lambda job: told,
            consent=Consent.GIVEN,
            reason=Reason.NO_FREE_WORKER,
            queued_at=timezone.now(),
        )
        transaction.on_commit(partial(hand_all_to_backend, approved))
    return len(approved)


def reject_each(jobs: QuerySet[Job], *, by: str, why: str = "") -> int:
    """Those of them that still wait for it are cancelled; returns how many.

    Of a batch of theirs that is over by this, the reconciler takes notice.
    """
    told, detail = {"by": by, "why": why}, _told(by, why)
    with transaction.atomic():
        refused = change_all(
            jobs.filter(finished_at=None, **AWAITED),
            "rejected",
            lambda job: told,
            consent=Consent.REFUSED,
        )
        cancel_waiting(
            jobs.filter(finished_at=None, state=JobState.QUEUED, consent=Consent.REFUSED),
            {"evidence": detail},
            error={"kind": FailureKind.CANCELLED_BY, "detail": detail},
        )
    return len(refused)


def _told(who: str, why: str) -> str:
    return f"Rejected by {who}: {why}" if why else f"Rejected by {who}."


def _refuse_its_own(job: Job, origin: Origin) -> None:
    key = origin.key
    if key is None or job.key_id is None:
        return
    if job.key_id == key.pk or keys.comes_of(key, job.key_id):
        raise NotAllowed(
            "A key has no say on its own jobs, nor on those of the key that made it; "
            "that is for their owner."
        )
