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


class Together:
    """Keeps the molecules of the solute as they lay to each other at the start.

    A chain that crosses the edge of the box comes in on the other side, by itself: the barostat
    and the trajectory's writer do that. It is the same place, and to a distance, an RMSD or a
    radius of gyration it is another.
    """

    def __init__(self, prepared: Prepared) -> None:
        parts = _molecules_of_solute(prepared) if prepared.periodic else []
        self._first, self._others = (parts[0], parts[1:]) if parts else ([], [])
        start = prepared.positions
        self._apart = [start[part].mean(axis=0) - start[self._first].mean(axis=0) for part in parts]

    def __call__(self, positions_nm: Any, box_nm: Any) -> Any:
        """The same positions, each molecule of the solute in its image next to the first."""
        import numpy as np

        if not self._others:
            return positions_nm
        at, box = np.array(positions_nm, dtype=float), np.array(box_nm, dtype=float)
        middle = at[self._first].mean(axis=0)
        for part, apart in zip(self._others, self._apart[1:], strict=True):
            at[part] += image_shift(at[part].mean(axis=0) - middle - apart, box)
        return at


def _molecules_of_solute(prepared: Prepared) -> list[list[int]]:
    """Its atoms by what is bonded, the largest molecule first."""
    bonded: dict[int, list[int]] = {
        atom.index: []
        for residue in prepared.topology.residues()
        if residue.name not in SOLVENT
        for atom in residue.atoms()
    }
    for one, other in prepared.topology.bonds():
        if one.index in bonded:
            bonded[one.index].append(other.index)
            bonded[other.index].append(one.index)
    found: list[list[int]] = []
    while bonded:
        part, reached = [], [next(iter(bonded))]
        while reached:
            atom = reached.pop()
            if atom in bonded:
                part.append(atom)
                reached += bonded.pop(atom)
        found.append(sorted(part))
    return sorted(found, key=len, reverse=True)


def image_shift(apart: Any, box: Any) -> Any:
    """The lattice vector that brings this difference into the cell about the origin.

    From the third vector to the first, for each has no part along those after it.
    """
    import numpy as np

    shift = np.zeros(3)
    for axis in (2, 1, 0):
        shift -= box[axis] * round((apart[axis] + shift[axis]) / box[axis][axis])
    return shift
