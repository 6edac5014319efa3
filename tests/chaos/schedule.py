"""What will happen and when: the same seed, the same jobs and the same faults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

SMALL = ["O", "N", "C", "CO", "CCO", "C=O", "CC", "C#N"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    at_s: float
    name: str
    simulation: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFault:
    """:param choice: from 0 to 1, picks the victim among those that there are by then."""

    at_s: float
    kind: str
    choice: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    jobs: list[PlannedJob]
    faults: list[PlannedFault]


def _squares(random: Random) -> dict[str, Any]:
    return {"n": random.randint(1, 10_000)}


def _tight_binding(random: Random) -> dict[str, Any]:
    return {"structure": random.choice(SMALL)}


def _dynamics(random: Random) -> dict[str, Any]:
    return {
        "structure": random.choice(["CO", "CCO", "CC"]),
        "length_ps": random.randint(20, 300),
        "seed": random.randint(1, 10**6),
    }


def _energy(random: Random) -> dict[str, Any]:
    return {"structure": random.choice(SMALL), "basis": "sto-3g"}


Draw = Callable[[Random], dict[str, Any]]
MIX: list[tuple[int, str, Draw]] = [
    (8, "demo.sum_squares", _squares),
    (3, "xtb_optimization", _tight_binding),
    (6, "md_simulation", _dynamics),
    (3, "dft_single_point", _energy),
]


def make(*, seed: int, n_jobs: int, within_s: float, kinds: Sequence[str]) -> Plan:
    random = Random(seed)
    return Plan(jobs=_jobs(random, seed, n_jobs, within_s), faults=_faults(random, within_s, kinds))


def _jobs(random: Random, seed: int, n_jobs: int, within_s: float) -> list[PlannedJob]:
    moments = sorted(random.uniform(0, within_s) for _ in range(n_jobs))
    weights = [weight for weight, _, _ in MIX]
    drawn = random.choices(MIX, weights, k=n_jobs)
    return [
        PlannedJob(
            at_s=at_s, name=f"chaos-{seed}-{number}", simulation=simulation, params=draw(random)
        )
        for number, (at_s, (_, simulation, draw)) in enumerate(zip(moments, drawn, strict=True))
    ]


def _faults(random: Random, within_s: float, kinds: Sequence[str]) -> list[PlannedFault]:
    """Each kind once before any comes again, in an order of chance, some seconds apart."""
    faults: list[PlannedFault] = []
    at_s, bag = random.uniform(1, 5), [*kinds]
    while at_s < within_s:
        if not bag:
            bag = [*kinds]
        kind = bag.pop(random.randrange(len(bag)))
        faults.append(PlannedFault(at_s=at_s, kind=kind, choice=random.random()))
        at_s += random.uniform(2, 8)
    return faults
