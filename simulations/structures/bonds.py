"""Bonds that coordinates imply, by RDKit: for a name of the molecule, or for a force field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .model import Vector
from .rdkit_log import listening

SEARCH_ROUNDS = 2000
"""Of RDKit's search for bond orders, which may else go on for hours."""
MAX_NAMED_ATOMS = 100
"""Of a molecule whose bonds are looked for only to name it."""


def atoms_in_space(symbols: Sequence[str], positions: Sequence[Vector]) -> Any:
    """RDKit's molecule without bonds."""
    from rdkit import Chem
    from rdkit.Geometry import Point3D

    mol = Chem.RWMol()
    conformer = Chem.Conformer(len(symbols))
    for symbol, position in zip(symbols, positions, strict=True):
        conformer.SetAtomPosition(mol.AddAtom(Chem.Atom(symbol)), Point3D(*position))
    mol.AddConformer(conformer)
    return mol.GetMol()


def find_bonds(mol: Any, charge: int) -> None:
    """Give it its bonds.

    :raises ValueError, RuntimeError: none fit these atoms, their distances and the charge.
    """
    from rdkit.Chem import rdDetermineBonds

    rdDetermineBonds.DetermineBonds(mol, charge=charge, maxIterations=SEARCH_ROUNDS)


def inchikey_of_coordinates(symbols: Sequence[str], positions: Sequence[Vector]) -> str | None:
    """Of the closed-shell neutral molecule that they make; None if they make none."""
    from rdkit import Chem

    if not 1 < len(symbols) <= MAX_NAMED_ATOMS:
        return None
    mol = atoms_in_space(symbols, positions)
    with listening():
        try:
            find_bonds(mol, charge=0)
            Chem.SanitizeMol(mol)
        except (ValueError, RuntimeError):
            return None
        if any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()):
            return None
        return Chem.MolToInchiKey(mol) or None
