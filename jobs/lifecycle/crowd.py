"""Submissions that come at the same time, each on its own and of whomever, stored together: in one
transaction, and told to the queue in one breath.

What is stored is what `submission.submit` would store. What is more than that, a webhook, an equal
job that answers, a key with a budget, or what may not be at all, is left to it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, transaction

import simulations
from jobs import equality, log_context
from jobs.keys import Origin
from jobs.models import Job
from jobs.states import Priority

from .admission import BudgetSpent, Closed, OverQuota, admit, admit_from, allowance_of
from .backends import hand_all_to_backend
from .drafting import drafts
from .filing import FileRemoved, refuse_removed
from .preparing import Wanted, prepare_each
from .storing import insert_all
from .submission import Prepared, sent_by
from .writing import SUBMITTED, record_all

logger = logging.getLogger(__name__)


class Unsure(Exception):
    """Whether they were stored the database did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One of them.

    :param request_id: of the request that brought it.
    """

    owner: Any
    origin: Origin
    wanted: Wanted
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One that may be stored, as far as it can be told of it alone."""

    sent: Sent
    prepared: Prepared


@dataclass(frozen=True, slots=True)
class _Draft:
    looked: Looked
    job: Job

    @property
    def origin(self) -> Origin:
        return self.looked.sent.origin


def is_told_at_a_glance(sent: Sent) -> bool:
    """Whether to look at it takes no reader of structures, for whom one might have to wait."""
    try:
        return simulations.find(sent.wanted.simulation).inspect is None
    except simulations.UnknownSimulation:
        return True


def look_at_each(sent: Sequence[Sent]) -> list[Looked | None]:
    """None: it is not one to be stored, or `submit` has to tell."""
    found: list[Looked | None] = [None] * len(sent)
    for some in _by_owner(enumerate(sent), lambda each: each[1].owner.pk):
        usual = [(n, each) for n, each in some if each.wanted.priority != Priority.URGENT]
        try:
            looked = prepare_each([each.wanted for _, each in usual], owner=some[0][1].owner)
        except (simulations.Busy, DatabaseError) as exc:
            logger.warning("%d submissions are looked at one by one: %s", len(some), exc)
            continue
        for (n, each), prepared in zip(usual, looked, strict=True):
            if isinstance(prepared, Prepared) and not prepared.references:
                found[n] = Looked(sent=each, prepared=prepared)
    return found


def submit_each(
    looked: Sequence[Looked], also: Callable[[list[Job | None]], None] = lambda jobs: None
) -> list[Job | None]:
    """The new job of each. None: nothing was stored of it, and `submit` is to be asked.

    :param also: called with them in the transaction that stores them.
    :raises Unsure: there may be jobs of all of them, or of none.
    """
    made: list[_Draft] = []
    kept: list[Job] = []
    is_written = False
    try:
        made += (_Draft(*pair) for pair in zip(looked, _jobs_of(looked), strict=True))
        with transaction.atomic():
            # In one order, so that two who do so never wait for each other.
            for some in _by_owner(made, lambda each: each.job.owner_id):
                kept += _admitted(some)
            if kept:
                insert_all(Job, kept)
                record_all(kept, SUBMITTED, sent_by)
            stored = {job.pk for job in kept}
            jobs = [each.job if each.job.pk in stored else None for each in made]
            also(jobs)
            # Robust: what is stored is accepted, and the reconciler tells of it too.
            transaction.on_commit(lambda: hand_all_to_backend(kept), robust=True)
            is_written = True
    except Exception as exc:
        if is_written:
            raise Unsure(str(exc)) from exc
        # Whatever it was, and whoever is to blame: the others have done nothing to be refused.
        logger.warning("%d submissions are stored one by one: %r", len(looked), exc)
        return [None] * len(looked)
    for job in kept:
        with log_context.about(job):
            logger.info("accepted %s of user %s", job.simulation, job.owner_id)
    return jobs


def _by_owner(each: Iterable[Any], owner_of: Callable[[Any], int]) -> Iterator[list[Any]]:
    found: dict[int, list[Any]] = {}
    for one in each:
        found.setdefault(owner_of(one), []).append(one)
    yield from (found[owner] for owner in sorted(found))


def _jobs_of(looked: Sequence[Looked]) -> list[Job]:
    found: dict[int, Job] = {}
    for some in _by_owner(enumerate(looked), lambda each: each[1].sent.owner.pk):
        good = {n: each.prepared for n, (_, each) in enumerate(some)}
        wanted = [each.sent.wanted for _, each in some]
        made = drafts(good, wanted, some[0][1].sent.owner)
        for n, (place, each) in enumerate(some):
            made[n].request_id = each.sent.request_id
            found[place] = made[n]
    return [found[n] for n in range(len(looked))]


def _admitted(some: Sequence[_Draft]) -> list[Job]:
    """Of one owner, whose allowance is locked from here on."""
    owner = some[0].looked.sent.owner
    allowance = allowance_of(owner)
    by_origin: dict[Origin, list[_Draft]] = {}
    for each in some:
        by_origin.setdefault(each.origin, []).append(each)
    found: list[Job] = []
    for origin, theirs in by_origin.items():
        found += _admitted_from(origin, [each.job for each in _with_no_equal(theirs, found)])
    try:
        refuse_removed(owner, found)
        if found:
            admit(allowance, len(found))
    except (Closed, OverQuota, FileRemoved):
        return []
    return found


def _with_no_equal(theirs: Sequence[_Draft], before: Sequence[Job]) -> list[_Draft]:
    """Those that no job answers that is there, or that comes of another of them.

    :param before: of the same owner, by another origin.
    """
    owner, origin = theirs[0].looked.sent.owner, theirs[0].origin
    asking = [each for each in theirs if each.looked.sent.wanted.reuse]
    said = [
        (each.prepared.fingerprint, each.prepared.columns, each.prepared.placed.queue)
        for each in (draft.looked for draft in asking)
    ]
    same = equality.equal_to_each(owner, said, key=origin.key) if said else []
    answered = {id(each) for each, job in zip(asking, same, strict=True) if job}
    seen = {job.fingerprint for job in before}
    found = []
    for each in theirs:
        if id(each) in answered:
            continue
        if each.looked.sent.wanted.reuse and each.job.fingerprint in seen:
            continue
        seen.add(each.job.fingerprint)
        found.append(each)
    return found


def _admitted_from(origin: Origin, jobs: list[Job]) -> list[Job]:
    if not jobs or (origin.key and origin.key.has_a_budget):
        return []
    try:
        admit_from(origin, jobs)
    except (BudgetSpent, OverQuota):
        return []
    # Its owner may have given it one meanwhile.
    is_as_it_was = origin.key is None or not any(job.key and job.key.has_a_budget for job in jobs)
    return jobs if is_as_it_was else []
