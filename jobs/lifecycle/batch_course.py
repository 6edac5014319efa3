"""The course of a batch after it was stored: how far it is, when it is over, and how it is stopped.

The row of a batch is the lock under which its events are numbered. A job tells its batches of its
end once that is committed; should its process die before, the reconciler looks at every open one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from jobs import batches, events
from jobs.batch_models import Batch, BatchEvent
from jobs.models import Job
from jobs.prepared import Example, PreparedModel
from jobs.states import FailureKind, JobState
from jobs.webhooks import of_batches

from .many import cancel_waiting, hold
from .writing import change_all

logger = logging.getLogger(__name__)

TOLD_EVERY = timedelta(seconds=1)
"""How far a batch is becomes an event no more often."""


class BatchIsOver(Exception):
    """None of its jobs is on its way any more."""

    def __init__(self) -> None:
        super().__init__("The batch is over: none of its jobs waits or runs.")


def tell(batch: Batch, kind: str, **data: Any) -> None:
    """Number an event of a batch whose row is locked."""
    now = timezone.now()
    batch.last_seq += 1
    batch.told_at = now
    batch.save(update_fields=["last_seq", "told_at"])
    counted = batches.counts(batch)
    standing = {"state": batches.standing(batch), "progress": counted.progress}
    event = BatchEvent.objects.create(
        batch=batch,
        seq=batch.last_seq,
        at=now,
        kind=kind,
        data={**standing, "counts": counted.as_dict(), **data},
    )
    of_batches.announce(event)
    batch_id = batch.pk
    transaction.on_commit(lambda: events.nudge_batch(batch_id), robust=True)


def finish_if_over(batch: Batch) -> bool:
    """Whether no job of the batch, whose row is locked, is on its way."""
    if batch.is_over or batches.has_open(batch):
        return False
    # While it is open: what is kept of how it ended before is no answer then.
    batch.ended_as = batches.counts(batch).stored()
    batch.finished_at = timezone.now()
    batch.save(update_fields=["finished_at", "ended_as"])
    tell(batch, "finished")
    return True


def settle_after(job_ids: Sequence[UUID]) -> None:
    """Jobs have ended: see what that means for the batches that they are part of."""
    if len(job_ids) == 1:
        found: Iterable[Batch] = OPEN_WITH.all(job=job_ids[0])
    else:
        found = _open_with(items__job__in=job_ids)
    for batch in found:
        settle(batch)


def _open_with(**items: Any) -> QuerySet[Batch]:
    return Batch.objects.filter(finished_at=None, **items).distinct()


OPEN_WITH = PreparedModel(lambda job: _open_with(items__job=job), job=Example.ID)


def settle_open_batches() -> None:
    """Look at every batch that is not over; for the reconciler."""
    for batch in Batch.objects.filter(finished_at=None).order_by("created_at", "id"):
        settle(batch)


def settle(batch: Batch) -> None:
    """Stop a batch of which too many have failed, finish one that is done, tell of the others.

    Safe to call as often as one likes: looked at without a lock first, then once more with it.
    """
    if _fails_too_often(batch) or not batches.has_open(batch):
        with transaction.atomic():
            batch = _locked(batch)
            if _fails_too_often(batch):
                _stop(batch)
            finish_if_over(batch)
    elif _is_to_be_told(batch) and _has_moved(batch):
        with transaction.atomic():
            batch = _locked(batch)
            if _is_to_be_told(batch):
                tell(batch, "progress")


def cancel_batch(batch: Batch, *, by: str) -> Batch:
    """Cancel at once what waits, and ask what runs to stop. What it only reuses is left alone.

    :param by: who asked for it.
    :raises BatchIsOver: there is nothing to cancel.
    """
    with transaction.atomic():
        batch = _locked(batch)
        if batch.is_over:
            raise BatchIsOver
        now = timezone.now()
        batch.cancel_requested_at = batch.cancel_requested_at or now
        batch.save(update_fields=["cancel_requested_at"])
        hold(Job.objects.filter(batch=batch))
        n_cancelled = _cancel_what_waits(batch, by=by, cancel_requested_at=now)
        running = Job.objects.unfinished(JobState.RUNNING).filter(batch=batch)
        asked = change_all(
            running.filter(cancel_requested_at=None),
            "cancel_requested",
            lambda job: {"by": by},
            cancel_requested_at=now,
        )
        tell(batch, "cancel_requested", by=by, n_cancelled=n_cancelled, n_asked=len(asked))
        finish_if_over(batch)
    logger.info(
        "batch %s: %d jobs are cancelled, %d asked to stop", batch.pk, n_cancelled, len(asked)
    )
    return batch


def _is_to_be_told(batch: Batch) -> bool:
    """Not a moment ago; what was told in the future is from before a clock was set back."""
    now = timezone.now()
    return not now - TOLD_EVERY <= batch.told_at <= now


def _locked(batch: Batch) -> Batch:
    return Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)


def _fails_too_often(batch: Batch) -> bool:
    if batch.max_failures is None or batch.stopped_at is not None:
        return False
    return batches.n_failed(batch) >= batch.max_failures


def _stop(batch: Batch) -> None:
    batch.stopped_at = timezone.now()
    batch.save(update_fields=["stopped_at"])
    why = f"{batch.max_failures} of the jobs of its batch had failed, as many as it allows."
    n_cancelled = _cancel_what_waits(
        batch, by="its batch", error={"kind": FailureKind.CANCELLED_BY, "detail": why}
    )
    tell(batch, "stopped", evidence=why, n_cancelled=n_cancelled)
    logger.info("batch %s: %s %d jobs are cancelled", batch.pk, why, n_cancelled)


def _cancel_what_waits(batch: Batch, *, by: str, **fields: Any) -> int:
    waiting = Job.objects.unfinished(JobState.QUEUED).filter(batch=batch)
    return len(cancel_waiting(waiting, {"by": by}, **fields))


def _has_moved(batch: Batch) -> bool:
    last = batch.events.order_by("-seq").values_list("data", flat=True).first() or {}
    now = batches.counts(batch)
    return (last.get("counts"), last.get("progress")) != (now.as_dict(), now.progress)
