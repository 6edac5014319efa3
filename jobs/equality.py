"""The same question twice: what a request is equal to, and where an unequal one differs.

Only among the owner's own jobs. Equal means that the same code would compute the same: simulation
and version, engine versions, params as used, and a molecule by its canonical SMILES, however it
was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import Q

import simulations
from simulations.record import digests, machine

from . import fleet, spending
from .key_models import ApiKey
from .models import Job
from .states import ACTIVE, MAY_START, Approval, JobState

NEAREST_OF = 50
"""How many of the newest jobs are looked through for the nearest."""
AT_ONCE = 500
"""Fingerprints that one query asks for."""
BULK = ("notes", "result", "provenance", "methods")
LARGE = ("params", "structure", *BULK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field in which a job differs from its nearest."""

    field: str
    here: Any
    there: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    job: Job | None = None
    differences: list[Difference] = field(default_factory=list)


def fingerprint(simulation: simulations.Simulation, checked: simulations.Checked) -> str:
    """One word for everything that decides the result."""
    return digests.of_json(
        {
            "simulation": simulation.name,
            "version": simulation.version,
            "software": _software(simulation.requires),
            "params": _comparable(checked.params, checked.structure),
        }
    )


_software = cache(machine.software)


def _comparable(params: dict[str, Any], structure: dict[str, Any] | None) -> dict[str, Any]:
    """With the canonical SMILES of a molecule that was given in one line; coordinates, and what
    stands for a file of them, count as they are."""
    given = params.get("structure")
    text = given.get("text") if isinstance(given, dict) else given
    smiles = (structure or {}).get("smiles")
    is_line = isinstance(text, str) and "\n" not in text.strip()
    return {**params, "structure": {"smiles": smiles} if smiles and is_line else given}


def equal(
    owner: Any, wanted: str, limits: dict[str, Any], key: ApiKey | None = None, queue: str = ""
) -> Job | None:
    """The owner's job of that fingerprint that has succeeded, or else that will have.

    :param limits: only a job that runs within the same ones is waited for.
    :param queue: where a new one would wait. What waits where nobody serves it does not answer it.
    :param key: that asks. What waits because of another's budget, or for a yes that this one does
        not need, does not answer it.
    """
    same = Job.objects.filter(owner=owner, fingerprint=wanted, files_removed_at=None)
    finished = same.filter(state=JobState.SUCCEEDED).order_by("-finished_at", "id")
    on_its_way = same.filter(_coming(owner, key), **limits)
    return finished.first() or _first_served(on_its_way.order_by("created_at", "id"), queue)


def _first_served(on_its_way: Iterable[Job], queue: str) -> Job | None:
    return next((job for job in on_its_way if not _is_left_waiting(job, queue)), None)


def _is_left_waiting(job: Job, queue: str) -> bool:
    """Whether it waits where no worker takes it, and a new one would wait for one that is there."""
    is_elsewhere = job.backend == fleet.OWN and job.queue != queue
    if not (queue and is_elsewhere and job.state == JobState.QUEUED):
        return False
    served = {each for worker in fleet.known() or () for each in worker.queues}
    return queue in served and job.queue not in served


def _coming(owner: Any, key: ApiKey | None) -> Q:
    """What is on its way, and is not held back by what would not hold back a new one."""
    own = Q(key=key, key__isnull=False)
    agreed = Q(consent__in=MAY_START)
    if key is not None and key.approval != Approval.NEVER:
        agreed |= own
    held = Q(state=JobState.QUEUED, key__in=spending.spent_keys().filter(owner=owner))
    return agreed & (own | ~held) & Q(state__in=ACTIVE, cancel_requested_at=None)


def equal_to_each(
    owner: Any, wanted: Iterable[tuple[str, dict[str, Any], str]], key: ApiKey | None = None
) -> list[Job | None]:
    """As `equal` for each of many fingerprints, limits and queues, in few queries."""
    asked = list(wanted)
    known = _known(owner, {fingerprint for fingerprint, _, _ in asked}, key)
    return [_best(known.get(wanted, ()), limits, queue) for wanted, limits, queue in asked]


def _known(owner: Any, wanted: set[str], key: ApiKey | None) -> dict[str, list[Job]]:
    known: dict[str, list[Job]] = {}
    all_ = sorted(wanted)
    for at in range(0, len(all_), AT_ONCE):
        same = Job.objects.filter(
            Q(state=JobState.SUCCEEDED) | _coming(owner, key),
            owner=owner,
            fingerprint__in=all_[at : at + AT_ONCE],
            files_removed_at=None,
        )
        # Put in order here: for the order's sake SQLite would look through all that they have.
        for job in sorted(same.defer(*LARGE), key=lambda job: (job.created_at, job.pk)):
            known.setdefault(job.fingerprint, []).append(job)
    return known


def _best(same: Sequence[Job], limits: dict[str, Any], queue: str) -> Job | None:
    if finished := [job for job in same if job.finished_at]:
        return max(finished, key=lambda job: job.finished_at or job.created_at)
    fits = (job for job in same if all(getattr(job, name) == limits[name] for name in limits))
    return _first_served(fits, queue)


def nearest(job: Job) -> Nearest:
    """The owner's earlier job of the same simulation that differs least, and in what."""
    others = Job.objects.filter(owner=job.owner_id, simulation=job.simulation)
    others = others.exclude(pk=job.pk).filter(created_at__lte=job.created_at).defer(*BULK)
    found = [
        Nearest(job=other, differences=[*_differences(job, other)])
        for other in others.newest_first()[:NEAREST_OF]
    ]
    return min(found, key=lambda each: len(each.differences), default=Nearest())


def _differences(here: Job, there: Job) -> Iterator[Difference]:
    """In the question first, then in what kept the other one from answering it."""
    if here.fingerprint == there.fingerprint:
        yield from _why_no_answer(here, there)
        return
    params = [*_params_that_differ(here, there)]
    yield from params
    if not params:
        yield Difference(field="software", here="as installed now", there="older versions")
    yield from _why_no_answer(here, there)


def _params_that_differ(here: Job, there: Job) -> Iterator[Difference]:
    """A molecule that is written in another way is the same one."""
    as_asked = _comparable(here.params, here.structure), _comparable(there.params, there.structure)
    for name in sorted({*here.params, *there.params}):
        mine, other = (each.get(name) for each in as_asked)
        if mine != other:
            yield Difference(field=name, here=here.params.get(name), there=there.params.get(name))


def _why_no_answer(here: Job, there: Job) -> Iterator[Difference]:
    """As it was when this one was asked for."""
    if _is_past(there.finished_at, here):
        if there.state != JobState.SUCCEEDED:
            yield Difference(field="state", here=str(JobState.SUCCEEDED), there=there.state)
        if removed_at := _is_past(there.files_removed_at, here):
            yield Difference(field="files", here="kept", there=f"removed on {removed_at:%Y-%m-%d}")
        return
    if _is_past(there.cancel_requested_at, here):
        yield Difference(field="state", here="on its way", there="being cancelled")
    mine, other = here.budget.told(), there.budget.told()
    for name in (name for name in mine if mine[name] != other[name]):
        yield Difference(field=f"limits.{name}", here=mine[name], there=other[name])


def _is_past(moment: datetime | None, job: Job) -> datetime | None:
    """The moment, if it was before that job was asked for."""
    return moment if moment and moment <= job.created_at else None
