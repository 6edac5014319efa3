"""Coordinates in bohr are read in ångström, and whoever sends them is told of it."""

from __future__ import annotations

import pytest
from ase.build import molecule
from ase.collections import g2

from simulations.structures import StructureInput, resolve
from simulations.structures.in_bohr import WARNING, warnings
from simulations.units import ANGSTROM_PER_BOHR


def xyz(symbols: list[str], positions: list[list[float]]) -> str:
    rows = zip(symbols, positions, strict=True)
    lines = [f"{symbol} {x} {y} {z}" for symbol, (x, y, z) in rows]
    return "\n".join([str(len(symbols)), "", *lines])


def test_hydrogen_of_the_textbook_is_told_apart() -> None:
    found = resolve(StructureInput.model_validate(xyz(["H", "H"], [[0, 0, 0], [0, 0, 1.4]])))

    assert WARNING in found.warnings
    assert found.positions_angstrom == ((0, 0, 0), (0, 0, 1.4))


@pytest.mark.parametrize("name", g2.names)
def test_molecules_are_told_apart_from_themselves_in_bohr(name: str) -> None:
    atoms = molecule(name)
    symbols = atoms.get_chemical_symbols()
    in_angstrom = [tuple(map(float, row)) for row in atoms.positions]
    in_bohr = [tuple(float(x) / float(ANGSTROM_PER_BOHR) for x in row) for row in atoms.positions]

    assert warnings(symbols, in_angstrom) == ()  # type: ignore[arg-type]
    told = warnings(symbols, in_bohr)  # type: ignore[arg-type]
    assert told == (() if len(symbols) == 1 else (WARNING,))


@pytest.mark.parametrize(
    ("symbols", "distance"),
    [
        (["Ar", "Ar"], 3.76),
        (["He", "He"], 2.97),
        (["H", "H"], 0.741),
        (["H", "H"], 2.0),
        (["H", "H"], 50.0),
        (["Na", "Na"], 3.08),
        (["Cs", "Cs"], 4.65),
        (["Hg", "Hg"], 3.69),
        (["F", "F"], 3.0),
        (["Na", "Cl"], 2.82),
        (["C"], 0.0),
    ],
    ids=str,
)
def test_what_is_far_apart_for_another_reason_is_left_alone(
    symbols: list[str], distance: float
) -> None:
    positions = [(0.0, 0.0, distance * n) for n in range(len(symbols))]

    assert warnings(symbols, positions) == ()
