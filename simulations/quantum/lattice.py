"""A crystal's cell at given lattice constants."""

from __future__ import annotations

import math
from typing import Any

from simulations.structures import Crystal
from simulations.structures.model import GivenCell, Vector

BOHR_PER_ANGSTROM = 1 / 0.529177210903  # CODATA 2018

Cell = tuple[Vector, Vector, Vector]


def vectors(crystal: Crystal, constants: dict[str, float]) -> Cell:
    """The primitive cell's three edges, Å."""
    if crystal.given:
        return _stretched(crystal.given, crystal.constants, constants)
    a = constants["a_angstrom"]
    half = a / 2
    match crystal.lattice:
        case "hexagonal":
            c = constants["c_angstrom"]
            return (a, 0.0, 0.0), (-half, half * math.sqrt(3), 0.0), (0.0, 0.0, c)
        case "fcc":
            return (0.0, half, half), (half, 0.0, half), (half, half, 0.0)
    raise ValueError(f"{crystal.key} has no cell")


def _stretched(given: GivenCell, before: dict[str, float], after: dict[str, float]) -> Cell:
    """The user's cell with a, b and c of its conventional cell as they are now, angles kept."""
    import numpy as np

    ratios = {name[0]: after[name] / before[name] for name in before}
    # What symmetry ties to a has no constant of its own.
    along = [ratios.get(axis, ratios["a"]) for axis in "abc"]
    axes = np.array(given.conventional)
    in_axes = np.array(given.primitive) @ np.linalg.inv(axes)
    first, second, third = (in_axes @ (np.array(along)[:, None] * axes)).tolist()
    return tuple(first), tuple(second), tuple(third)


def scaled(crystal: Crystal, scales: tuple[float, ...]) -> dict[str, float]:
    """The lattice constants after these relative changes to the literature's."""
    changes = zip(crystal.constants.items(), scales, strict=True)
    return {name: value * (1 + scale) for (name, value), scale in changes}


def fft_mesh(crystal: Crystal, cutoff_hartree: float) -> tuple[int, int, int]:
    """The fewest grid points that resolve the cutoff along each edge, as PySCF counts them."""
    import numpy as np

    waves = 2 * math.pi * np.linalg.inv(np.array(vectors(crystal, crystal.constants)).T)
    waves /= BOHR_PER_ANGSTROM
    reach = math.sqrt(2 * cutoff_hartree)
    # A plane's distance from the origin: the part of a reciprocal edge that the others lack.
    heights = [abs(np.linalg.qr(np.roll(waves, -axis - 1, axis=0).T)[1][2, 2]) for axis in range(3)]
    first, second, third = (2 * math.ceil(reach / height) + 1 for height in heights)
    return first, second, third


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
