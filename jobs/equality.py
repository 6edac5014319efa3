"""The same question twice: what a request is equal to, and where an unequal one differs.

Only among the owner's own jobs. Equal means that the same code would compute the same: simulation
and version, engine versions, params as used, and a molecule by its canonical SMILES, however it
was written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import simulations
from simulations.record import digests, machine

from .models import Job
from .states import ACTIVE, JobState

NEAREST_OF = 50
"""How many of the newest jobs are looked through for the nearest."""


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


def equal(owner: Any, wanted: str, limits: dict[str, Any]) -> Job | None:
    """The owner's job of that fingerprint that has succeeded, or else that will have.

    :param limits: only a job that runs within the same ones is waited for.
    """
    same = Job.objects.filter(owner=owner, fingerprint=wanted, files_removed_at=None)
    finished = same.filter(state=JobState.SUCCEEDED).order_by("-finished_at", "id")
    on_its_way = same.filter(**limits, state__in=ACTIVE, cancel_requested_at=None)
    return finished.first() or on_its_way.order_by("created_at", "id").first()


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
