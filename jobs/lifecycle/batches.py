"""Many jobs as one: stored all together, or not at all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.db import transaction

from jobs import equality
from jobs.batch_models import Batch, BatchItem
from jobs.keys import UNKNOWN, Origin
from jobs.models import Allowance, Job
from jobs.states import Consent, FailureKind, JobState

from . import molecules
from .admission import admit, admit_from, allowance_of, why_it_waits
from .backends import hand_all_to_backend
from .batch_course import finish_if_over, tell
from .drafting import drafts
from .filing import refuse_removed
from .following import follow_all
from .preparing import Refusal, Wanted, errors_of, prepare_each
from .storing import insert_all, update_all
from .submission import Prepared, same_as, sent_by, why_no_restart
from .writing import ROWS_AT_ONCE, SUBMITTED, change_all, record_all

logger = logging.getLogger(__name__)

Outcome = BatchItem.Outcome
STOPPED = frozenset({FailureKind.CANCELLED_BY, FailureKind.LOST, FailureKind.INFRASTRUCTURE})
"""What says nothing about a job itself, so that it is worth another try."""


class NothingToResume(Exception):
    def __init__(self) -> None:
        super().__init__(
            "No job of the batch was stopped, or failed for a reason that is not its own. To run "
            "those again that failed by themselves, name their kinds of failure in `also`."
        )


class InvalidBatch(Exception):
    """Some of what was submitted cannot be run, and nothing was stored.

    :param refusals: by the number of the item.
    """

    def __init__(self, refusals: Mapping[int, Refusal], n: int) -> None:
        self.refusals = refusals
        super().__init__(f"{len(refusals):,} of {n:,} jobs cannot be run; nothing was stored.")


def submit_batch(
    *,
    owner: Any,
    wanted: Sequence[Wanted],
    name: str = "",
    tags: Sequence[str] = (),
    varied: Sequence[str] = (),
    max_failures: int | None = None,
    skip_invalid: bool = False,
    origin: Origin = UNKNOWN,
    also: Callable[[Batch], None] = lambda batch: None,
) -> Batch:
    """Store many valid jobs in one transaction, and hand them to their backend after it.

    :param varied: what tells the items apart, by dotted name.
    :param max_failures: when so many have failed, those that still wait are cancelled.
    :param skip_invalid: what cannot be run becomes a refused item, and the rest is run.
    :param also: called with the batch in the transaction that stores it.

    :raises InvalidBatch: some, or with `skip_invalid` all, cannot be run; nothing was stored.
    :raises TooSlow: they cannot be checked while somebody waits.
    :raises OverQuota, BudgetSpent, NotAllowed, Busy: as for one job; nothing was stored.
    """
    looked = prepare_each(wanted, owner=owner)
    refusals = {n: each for n, each in enumerate(looked) if not isinstance(each, Prepared)}
    if refusals and (not skip_invalid or len(refusals) == len(wanted)):
        raise InvalidBatch(refusals, len(wanted))
    good = {n: each for n, each in enumerate(looked) if isinstance(each, Prepared)}
    jobs = drafts(good, wanted, owner)
    with transaction.atomic():
        allowance = allowance_of(owner)
        batch = Batch.objects.create(
            owner=owner,
            name=name,
            tags=list(tags),
            simulations=sorted({each.simulation.name for each in good.values()}),
            varied=list(varied),
            n_items=len(wanted),
            max_failures=max_failures,
            began_at=_first_queued_at(jobs.values()),
            inchikeys_due_since=molecules.due_since(jobs.values()),
        )
        answers = _answers(owner, good, wanted, jobs, origin)
        new = [job for n, job in jobs.items() if answers[n] is job]
        _store(batch, new, allowance, origin)
        follow_all([job for n, job in answers.items() if job is not jobs[n]], origin)
        _store_items(batch, wanted, answers, jobs, refusals)
        tell(batch, "submitted", n_new=len(new), **_said_by(new))
        finish_if_over(batch)
        also(batch)
    logger.info("accepted batch %s of user %s: %d new jobs", batch.pk, owner.pk, len(new))
    return batch


def _answers(
    owner: Any,
    good: Mapping[int, Prepared],
    wanted: Sequence[Wanted],
    jobs: Mapping[int, Job],
    origin: Origin,
) -> dict[int, Job]:
    """Which job answers which item: its own, an equal one of before, or of an item before it."""
    asked = [n for n in good if wanted[n].reuse]
    said = [(good[n].fingerprint, good[n].columns, good[n].placed.queue) for n in asked]
    equal = dict(zip(asked, equality.equal_to_each(owner, said, key=origin.key), strict=True))
    seen: dict[Any, Job] = {}
    found = {}
    for n, job in jobs.items():
        same = equal.get(n)
        if same is None and wanted[n].reuse:
            same = seen.setdefault((job.fingerprint, *good[n].columns.values()), job)
        found[n] = same or job
    return found


def _store(batch: Batch, new: Sequence[Job], allowance: Allowance, origin: Origin) -> None:
    """:raises OverQuota, BudgetSpent: they are more than may be."""
    if not new:
        return
    admit(allowance, len(new))
    for job in new:
        job.batch = batch
    admit_from(origin, new)
    refuse_removed(batch.owner, new)
    insert_all(Job, new)
    record_all(new, SUBMITTED, sent_by)
    if any(job.awaits_approval for job in new):
        # Of a batch that is resumed, those that waited before were asked for then.
        waiting = Job.objects.unfinished(JobState.QUEUED).filter(batch=batch, last_seq=1)
        change_all(waiting.filter(consent=Consent.AWAITED), "awaiting_approval", why_it_waits)
    free = [job for job in new if not job.awaits_approval]
    transaction.on_commit(partial(hand_all_to_backend, free))


def _store_items(
    batch: Batch,
    wanted: Sequence[Wanted],
    answers: Mapping[int, Job],
    jobs: Mapping[int, Job],
    refusals: Mapping[int, Refusal],
) -> None:
    refused = {n: _told(each, wanted[n]) for n, each in refusals.items()}
    # No instances of the model: to make one takes longer than to write it.
    insert_all(
        BatchItem,
        (
            SimpleNamespace(
                batch_id=batch.pk,
                index=n,
                outcome=_outcome(answers.get(n), jobs.get(n)),
                job_id=answers[n].pk if n in answers else None,
                refusal=refused.get(n),
            )
            for n in range(len(wanted))
        ),
    )


def _outcome(answer: Job | None, own: Job | None) -> str:
    if answer is None:
        return Outcome.REFUSED.value
    return Outcome.ACCEPTED.value if answer is own else Outcome.REUSED.value


def _told(refusal: Refusal, wanted: Wanted) -> dict[str, Any]:
    return {"errors": [error.as_dict() for error in errors_of(refusal)], "submission": wanted.given}


def _said_by(new: Sequence[Job]) -> dict[str, Any]:
    return sent_by(new[0]) if new else {}


def resume_batch(
    batch: Batch,
    *,
    by: str,
    kinds: Collection[FailureKind] = STOPPED,
    origin: Origin = UNKNOWN,
    if_still: Callable[[Batch], None] = lambda batch: None,
    also: Callable[[Batch], None] = lambda batch: None,
) -> Batch:
    """A new job for each item whose job was stopped, going on from where that one stopped.

    What cannot be run any more stays as it is. Doing so twice does it once.

    :param by: who asked for it.
    :param kinds: which ends are worth another try.
    :param if_still: raises what keeps it as it is, by its row as it is now.
    :raises NothingToResume: no item ended that way, or none can be run any more.
    :raises TooSlow, OverQuota, BudgetSpent, NotAllowed, Busy: as for `submit_batch`.
    """
    stopped = _stopped(batch, kinds)
    wanted = [
        Wanted(**same_as(job), restarted_from=None if why_no_restart(job) else job)
        for job in stopped
    ]
    looked = prepare_each(wanted, owner=batch.owner)
    good = {n: each for n, each in enumerate(looked) if isinstance(each, Prepared)}
    jobs = drafts(good, wanted, batch.owner)
    with transaction.atomic():
        # In the order in which everybody takes these locks.
        allowance = allowance_of(batch.owner)
        batch = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
        if_still(batch)
        # As it is now: somebody else may have resumed it meanwhile.
        instead: dict[UUID | None, Job] = {stopped[n].pk: job for n, job in jobs.items()}
        items = _items_of(batch, [stopped[n].pk for n in jobs])
        if not items:
            raise NothingToResume
        needed = {item.job_id for item in items}
        new = [job for old, job in instead.items() if old in needed]
        batch.inchikeys_due_since = molecules.due_since(new) or batch.inchikeys_due_since
        _open_again(batch, _first_queued_at(new))
        _store(batch, new, allowance, origin)
        for item in items:
            item.job, item.outcome = instead[item.job_id], Outcome.ACCEPTED
        update_all(items, ["job", "outcome"])
        tell(batch, "resumed", by=by, n_new=len(new), n_refused=len(stopped) - len(good))
        also(batch)
    logger.info("batch %s goes on with %d new jobs", batch.pk, len(new))
    return batch


def _stopped(batch: Batch, kinds: Collection[FailureKind]) -> list[Job]:
    ended = Job.objects.filter(
        state__in=[JobState.FAILED, JobState.CANCELLED], failure_kind__in=kinds
    )
    return list(ended.filter(batch_items__batch=batch).distinct().order_by("created_at", "id"))


def _items_of(batch: Batch, job_ids: Sequence[UUID]) -> list[BatchItem]:
    found: list[BatchItem] = []
    for at in range(0, len(job_ids), ROWS_AT_ONCE):
        found += batch.items.filter(job__in=job_ids[at : at + ROWS_AT_ONCE])
    return sorted(found, key=lambda item: item.index)


def _first_queued_at(new: Iterable[Job]) -> datetime:
    """When it begins: none of its jobs was in line before, by which its pace is told."""
    return min(job.queued_at for job in new)


def _open_again(batch: Batch, began_at: datetime) -> None:
    """What failed before counts no more towards the failures that it allows."""
    batch.began_at = began_at
    batch.n_resumed += 1
    batch.stopped_at = batch.cancel_requested_at = batch.finished_at = batch.ended_as = None
    batch.save(
        update_fields=[
            "began_at",
            "n_resumed",
            "stopped_at",
            "cancel_requested_at",
            "finished_at",
            "ended_as",
            "inchikeys_due_since",
        ]
    )
