"""The same question twice: what a request is equal to, and where an unequal one differs.

Only among the owner's own jobs. Equal means that the same code would compute the same: simulation
and version, engine versions, params as used, and a molecule by its canonical SMILES, however it
was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.db.models import Q

import simulations
from simulations.record import digests, machine

from . import spending
from .key_models import ApiKey
from .models import Job
from .states import ACTIVE, MAY_START, Approval, JobState

NEAREST_OF = 50
"""How many of the newest jobs are looked through for the nearest."""
AT_ONCE = 500
"""Fingerprints that one query asks for."""
LARGE = ("params", "structure", "notes", "result", "provenance", "methods")


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
            "params": {**checked.params, "structure": _canonical(checked)},
        }
    )


_software = cache(machine.software)


def _canonical(checked: simulations.Checked) -> Any:
    """Of a molecule given in one line its canonical SMILES; coordinates count as they are."""
    given = checked.params.get("structure")
    text = given.get("text", "") if isinstance(given, dict) else str(given or "")
    smiles = (checked.structure or {}).get("smiles")
    return {"smiles": smiles} if smiles and "\n" not in text.strip() else given


def equal(owner: Any, wanted: str, limits: dict[str, Any], key: ApiKey | None = None) -> Job | None:
    """The owner's job of that fingerprint that has succeeded, or else that will have.

    :param limits: only a job that runs within the same ones is waited for.
    :param key: that asks. What waits because of another's budget, or for a yes that this one does
        not need, does not answer it.
    """
    same = Job.objects.filter(owner=owner, fingerprint=wanted, files_removed_at=None)
    finished = same.filter(state=JobState.SUCCEEDED).order_by("-finished_at", "id")
    on_its_way = same.filter(_coming(owner, key), **limits)
    return finished.first() or on_its_way.order_by("created_at", "id").first()


def _coming(owner: Any, key: ApiKey | None) -> Q:
    """What is on its way, and is not held back by what would not hold back a new one."""
    own = Q(key=key, key__isnull=False)
    agreed = Q(consent__in=MAY_START)
    if key is not None and key.approval != Approval.NEVER:
        agreed |= own
    held = Q(state=JobState.QUEUED, key__in=spending.spent_keys().filter(owner=owner))
    return agreed & (own | ~held) & Q(state__in=ACTIVE, cancel_requested_at=None)


def equal_to_each(
    owner: Any, wanted: Iterable[tuple[str, dict[str, Any]]], key: ApiKey | None = None
) -> list[Job | None]:
    """As `equal` for each of many fingerprints and limits, in few queries."""
    asked = list(wanted)
    known = _known(owner, {fingerprint for fingerprint, _ in asked}, key)
    return [_best(known.get(fingerprint, ()), limits) for fingerprint, limits in asked]


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
        for job in same.order_by("created_at", "id").defer(*LARGE):
            known.setdefault(job.fingerprint, []).append(job)
    return known


def _best(same: Sequence[Job], limits: dict[str, Any]) -> Job | None:
    if finished := [job for job in same if job.finished_at]:
        return max(finished, key=lambda job: job.finished_at or job.created_at)
    fits = (job for job in same if all(getattr(job, name) == limits[name] for name in limits))
    return next(fits, None)


def nearest(job: Job) -> Nearest:
    """The owner's earlier job of the same simulation whose input differs least, and in what."""
    others = Job.objects.filter(owner=job.owner_id, simulation=job.simulation)
    others = others.exclude(pk=job.pk).filter(created_at__lte=job.created_at)
    found = [
        Nearest(job=other, differences=_differences(job, other))
        for other in others.newest_first()[:NEAREST_OF]
    ]
    return min(found, key=lambda each: len(each.differences), default=Nearest())


def _differences(here: Job, there: Job) -> list[Difference]:
    names = sorted({*here.params, *there.params})
    found = [
        Difference(field=name, here=here.params.get(name), there=there.params.get(name))
        for name in names
        if here.params.get(name) != there.params.get(name)
    ]
    if not found and here.fingerprint != there.fingerprint:
        found.append(Difference(field="software", here="as installed now", there="older versions"))
    if there.state in {JobState.FAILED, JobState.CANCELLED}:
        found.append(Difference(field="state", here=str(JobState.SUCCEEDED), there=there.state))
    return found
