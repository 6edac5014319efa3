"""A crystal's cell at given lattice constants."""

from __future__ import annotations

import math
from typing import Any

from simulations.structures import Crystal
from simulations.structures.model import Vector

BOHR_PER_ANGSTROM = 1 / 0.529177210903  # CODATA 2018

Cell = tuple[Vector, Vector, Vector]


def vectors(crystal: Crystal, constants: dict[str, float]) -> Cell:
    """The primitive cell's three edges, Å."""
    a = constants["a_angstrom"]
    half = a / 2
    match crystal.lattice:
        case "hexagonal":
            c = constants["c_angstrom"]
            return (a, 0.0, 0.0), (-half, half * math.sqrt(3), 0.0), (0.0, 0.0, c)
        case "fcc":
            return (0.0, half, half), (half, 0.0, half), (half, half, 0.0)


def scaled(crystal: Crystal, scales: tuple[float, ...]) -> dict[str, float]:
    """The lattice constants after these relative changes to the literature's."""
    changes = zip(crystal.constants.items(), scales, strict=True)
    return {name: value * (1 + scale) for (name, value), scale in changes}


def to_ase(crystal: Crystal, constants: dict[str, float]) -> Any:
    from ase import Atoms

    symbols = [symbol for symbol, _ in crystal.sites]
    fractional = [position for _, position in crystal.sites]
    return Atoms(symbols, scaled_positions=fractional, cell=vectors(crystal, constants), pbc=True)


def k_mesh(crystal: Crystal, spacing: float) -> tuple[int, int, int]:
    """The fewest k-points along each reciprocal vector that lie no farther apart, 1/bohr."""
    import numpy as np

    cell = np.array(vectors(crystal, crystal.constants)) * BOHR_PER_ANGSTROM
    lengths = 2 * math.pi * np.linalg.norm(np.linalg.inv(cell).T, axis=1)
    first, second, third = (math.ceil(length / spacing) for length in lengths)
    return first, second, third
