"""A person's yes or no to a job of one of their keys that waits for it."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from jobs import keys
from jobs.keys import UNKNOWN, Origin
from jobs.models import Job
from jobs.states import Consent, FailureKind, JobState, Reason

from .backends import hand_to_backend
from .ending import end
from .submission import NotAllowed
from .writing import change

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
    detail = f"Rejected by {who}: {why}" if why else f"Rejected by {who}."
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


def _refuse_its_own(job: Job, origin: Origin) -> None:
    key = origin.key
    if key is None or job.key_id is None:
        return
    if job.key_id == key.pk or keys.comes_of(key, job.key_id):
        raise NotAllowed(
            "A key has no say on its own jobs, nor on those of the key that made it; "
            "that is for their owner."
        )
