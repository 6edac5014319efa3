"""Which of its periodic images each water and ion is written as: the one around the solute."""

from __future__ import annotations

from typing import Any

from .prepared import SOLVENT, Prepared


def gathered(prepared: Prepared, positions_nm: Any, box_nm: Any) -> Any:
    """Water and ions in the unit cell about the middle of the solute; each molecule stays whole.

    In a run of some length they diffuse through many cells, and as they are would be shown far
    from what they surround. All images are equal under periodic boundary conditions, so distances
    to the nearest image are unchanged. The solute is left where it is.

    :param box_nm: the three vectors in the reduced form in which OpenMM holds them.
    """
    import numpy as np

    at = np.array(positions_nm, dtype=float)
    box = np.array(box_nm, dtype=float)
    solvent = [each for each in prepared.topology.residues() if each.name in SOLVENT]
    around = {atom.index for each in solvent for atom in each.atoms()}
    rest = [i for i in range(len(at)) if i not in around]
    if not rest:
        return at
    middle = at[rest].mean(axis=0)
    for residue in solvent:
        atoms = [atom.index for atom in residue.atoms()]
        at[atoms] += image_shift(at[atoms].mean(axis=0) - middle, box)
    return at


def image_shift(apart: Any, box: Any) -> Any:
    """The lattice vector that brings this difference into the cell about the origin.

    From the third vector to the first, for each has no part along those after it.
    """
    import numpy as np

    shift = np.zeros(3)
    for axis in (2, 1, 0):
        shift -= box[axis] * round((apart[axis] + shift[axis]) / box[axis][axis])
    return shift
