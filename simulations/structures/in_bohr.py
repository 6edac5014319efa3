"""Coordinates that were most likely written in bohr, and are read in ångström."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulations.units import ANGSTROM_PER_BOHR

from .elements import ATOMIC_NUMBERS
from .model import Vector

APART = 1.4
"""Of the sum of two covalent radii: no bond is so long. That of H2 has 1.2 of it."""
BONDED = (0.75, 1.25)
NOBLE = frozenset({"He", "Ne", "Ar", "Kr", "Xe", "Rn"})
"""These are as far apart as others would be in bohr."""
WARNING = (
    "No two of its atoms are as close as a bond, and all would be if the coordinates were in bohr. "
    "They are read in Å; if they are in bohr, multiply them by 0.529177."
)


def warnings(symbols: Sequence[str], positions: Sequence[Vector]) -> tuple[str, ...]:
    if len(symbols) < 2 or NOBLE.intersection(symbols):
        return ()
    nearest = _nearest(symbols, positions)
    low, high = BONDED
    in_bohr = nearest * float(ANGSTROM_PER_BOHR)
    is_likely = nearest.min() > APART and low < in_bohr.min() and in_bohr.max() < high
    return (WARNING,) if is_likely else ()


def _nearest(symbols: Sequence[str], positions: Sequence[Vector]) -> Any:
    """Of each atom the nearest other one, in units of the bond that the two would have."""
    import numpy as np
    from ase.data import covalent_radii

    points = np.array(positions)
    radii = covalent_radii[[ATOMIC_NUMBERS[symbol] for symbol in symbols]]
    apart = np.linalg.norm(points[:, None] - points, axis=2)
    distances = apart / np.add.outer(radii, radii)
    np.fill_diagonal(distances, np.inf)
    return distances.min(axis=1)
