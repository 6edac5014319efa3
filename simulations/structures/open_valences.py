"""Electrons of an atom that are in none of the bonds as written: alone each, or a pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .spins import is_of_second_row, valence_electrons

LONE_PAIRS = frozenset({"N", "O", "F", "P", "S", "Cl", "As", "Se", "Br", "Te", "I"})
"""Beside a carbene's carbon they fill the p orbital that would hold the second electron."""
CARBENE, NITRENE = 4, 5
"""Valence electrons, its charge counted, of an atom that may hold two unpaired ones."""
SMALL_RING = 3
"""Its narrow angle favours the pair: cyclopropenylidene."""


def unpaired_of(atom: Any) -> int:
    """Of RDKit's atom, in the ground state where that is plain, or else as many as may be.

    RDKit counts each missing valence. Two on one atom are a pair in CO, CCl2, a carbene of
    imidazole, SiH2 and BH, and are not in CH2, NH and OH⁺.
    """
    missing = int(atom.GetNumRadicalElectrons())
    if missing < 2:
        return missing
    if missing % 2:
        return 1  # CH is a doublet
    return 2 if missing == 2 and _keeps_apart(atom) else 0


def _keeps_apart(atom: Any) -> bool:
    symbol = atom.GetSymbol()
    electrons = valence_electrons(symbol)
    if electrons is None:
        return True  # a metal, of which a SMILES tells nothing
    electrons -= int(atom.GetFormalCharge())
    if electrons == CARBENE:
        return is_of_second_row(symbol) and not _is_singlet_carbene(atom)
    return electrons >= NITRENE


def _is_singlet_carbene(atom: Any) -> bool:
    is_doubly_bound = any(bond.GetBondTypeAsDouble() > 1 for bond in atom.GetBonds())
    has_donor = any(other.GetSymbol() in LONE_PAIRS for other in atom.GetNeighbors())
    return is_doubly_bound or has_donor or bool(atom.IsInRingSize(SMALL_RING))


def warnings_of(atoms: Sequence[Any], n_atoms: int) -> list[str]:
    """Of a molecule's atoms with open valences, which a slip of the pen makes as well."""
    if n_atoms == 1:
        return []
    unpaired = sum(unpaired_of(atom) for atom in atoms)
    electrons = f"{unpaired} unpaired electron{'s' if unpaired > 1 else ''}"
    warnings = [f"As written it is a radical, with {electrons}."] if unpaired else []
    paired = sorted({atom.GetSymbol() for atom in atoms if not unpaired_of(atom)})
    if paired:
        warnings.append(
            f"As written {' and '.join(paired)} has two electrons in no bond, as a carbene has: "
            "they are a pair unless a multiplicity of 3 is given."
        )
    return warnings
