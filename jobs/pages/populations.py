"""How the molecules of several jobs share themselves out, where they are of the same atoms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.models import Job

from .comparable import converted, why_not, why_not_this

KELVIN_PER_HARTREE = 315775.02480407
"""A hartree by Boltzmann's constant, CODATA 2018."""
ROOM_K = 298.15
LOWEST_K, HIGHEST_K = 1.0, 10_000.0
BY = {"gibbs_hartree": "Gibbs energy", "energy_hartree": "energy"}
"""What they are weighed by: the first that all of them have."""
SAME = ("charge", "multiplicity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    job: Job
    above: float
    part: float

    @property
    def percent(self) -> float:
        return 100 * self.part


@dataclass(frozen=True, slots=True, kw_only=True)
class Populations:
    """:param by: what they are weighed by, in words."""

    by: str
    temperature_k: float
    unit: str
    shares: list[Share]


def temperature(text: str) -> float:
    """What was asked for, or room temperature where that is none."""
    try:
        asked = float(text)
    except ValueError:
        return ROOM_K
    return asked if LOWEST_K <= asked <= HIGHEST_K else ROOM_K


def populations(jobs: Sequence[Job], temperature_k: float, unit: str) -> Populations | None:
    """None unless there are two or more whose energies may be subtracted."""
    told = {name: [_number(job, name) for job in jobs] for name in BY}
    name = next((name for name, values in told.items() if None not in values), None)
    if name is None or len(jobs) < 2 or any(_differ(name, job, jobs[0]) for job in jobs[1:]):
        return None
    energies = [value for value in told[name] if value is not None]
    return Populations(
        by=BY[name],
        temperature_k=temperature_k,
        unit=unit,
        shares=_shares(jobs, energies, temperature_k, unit),
    )


def _number(job: Job, name: str) -> float | None:
    value = (job.result or {}).get(name)
    return float(value) if isinstance(value, int | float) else None


def _differ(name: str, job: Job, other: Job) -> bool:
    """In their level of theory, their atoms or their electrons: then no weight means anything."""
    if any(job.params.get(each) != other.params.get(each) for each in SAME):
        return True
    return bool(why_not(job, other) or why_not_this(name, "hartree", job, other))


def _shares(
    jobs: Sequence[Job], energies: Sequence[float], temperature_k: float, unit: str
) -> list[Share]:
    lowest = min(energies)
    factors = [math.exp((lowest - each) * KELVIN_PER_HARTREE / temperature_k) for each in energies]
    found = [
        Share(job=job, above=converted(energy - lowest, "hartree", unit), part=each / sum(factors))
        for job, energy, each in zip(jobs, energies, factors, strict=True)
    ]
    return sorted(found, key=lambda share: share.above)
