"""Orbital levels near the gap, by the names that cube files have too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, Field

from .cube_names import MAX_OFFSET

EV_PER_HARTREE = 27.211386245988  # CODATA 2018

Spin = Literal["alpha", "beta"]


class OrbitalLevel(BaseModel):
    """One orbital: of one spin where each spin has its own, else of both."""

    name: str = Field(title="Name", description="homo, homo-1, lumo+2: counted from the gap.")
    spin: Spin | None = Field(title="Spin", description="Empty where both spins share it.")
    energy_ev: float = Field(title="Energy", json_schema_extra={"unit": "eV"})
    occupation: float = Field(title="Electrons in it")


def levels_near_gap(
    energies_hartree: Any, occupations: Any, *, filled_from: float = 0.0
) -> list[OrbitalLevel]:
    """On either side of the gap so many as may be asked for as a cube; by rising energy.

    :param energies_hartree: of shared orbitals in one row, or in one row for each spin.
    :param filled_from: an orbital that holds more electrons counts as occupied.
    """
    import numpy as np

    if np.ndim(energies_hartree) == 1:
        return list(_of_one_row(energies_hartree, occupations, filled_from, None))
    spins: tuple[Spin, Spin] = ("alpha", "beta")
    rows = zip(energies_hartree, occupations, spins, strict=True)
    levels = [
        level for row, filled, spin in rows for level in _of_one_row(row, filled, filled_from, spin)
    ]
    return sorted(levels, key=lambda level: level.energy_ev)


def _of_one_row(
    energies: Any, occupations: Any, filled_from: float, spin: Spin | None
) -> Iterator[OrbitalLevel]:
    import numpy as np

    by_energy = np.argsort(energies, kind="stable")
    below = [i for i in by_energy if occupations[i] > filled_from][-MAX_OFFSET - 1 :]
    above = [i for i in by_energy if occupations[i] <= filled_from][: MAX_OFFSET + 1]
    names = [_named("homo", "-", len(below) - 1 - place) for place in range(len(below))]
    names += [_named("lumo", "+", place) for place in range(len(above))]
    for name, i in zip(names, [*below, *above], strict=True):
        yield OrbitalLevel(
            name=name,
            spin=spin,
            energy_ev=float(energies[i]) * EV_PER_HARTREE,
            occupation=float(occupations[i]),
        )


def _named(side: str, sign: str, offset: int) -> str:
    return f"{side}{sign}{offset}" if offset else side
