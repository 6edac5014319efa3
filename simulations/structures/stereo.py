"""Where a molecule leaves open which of its stereoisomers it is."""

from __future__ import annotations

from functools import cache
from typing import Any

WORTH_A_LOOK = 30
"""Of fewer atoms RDKit finds all places as soon as one can see that there are none."""
_BRANCHED = "[!D0;!D1;!D2;!#6,!X3;!#7,!X3,r3,x3,x4]"
"""Has three neighbours or more, and is neither planar carbon nor nitrogen that turns over."""
_UNCOMMON = "[!#1;!#5;!#6;!#7;!#8;!#9;!#17;!#35;!#53;!#16,X3,X4,X5,X6]"
"""Of these RDKit has rules of their own."""


def open_places(mol: Any, smiles: str) -> list[Any]:
    """The atoms and bonds, as RDKit describes them, whose stereochemistry is not given.

    :param smiles: its canonical one.
    """
    from rdkit import Chem

    if mol.GetNumAtoms() >= WORTH_A_LOOK and are_none(mol, smiles):
        return []
    unspecified = Chem.StereoSpecified.Unspecified
    return [each for each in Chem.FindPotentialStereo(mol) if each.specified == unspecified]


def are_none(mol: Any, smiles: str) -> bool:
    """Whether that is sure at a glance: a peptide has many places, and all of them are given.

    RDKit would rank all atoms, which takes an eighth of the time to read one.
    """
    return _all_double_bonds_end(smiles) and all(
        _has_two_methyls(atom) for atom in mol.GetAtomsMatchingQuery(_may_be_open())
    )


def _all_double_bonds_end(smiles: str) -> bool:
    """In an oxygen: they have no cis and trans."""
    n_ends = smiles.count("=O)") + smiles.startswith("O=") + smiles.endswith("=O")
    return smiles.count("=") == n_ends


@cache
def _may_be_open() -> Any:
    """The query for an atom that has no handedness, and might have one."""
    from rdkit import Chem
    from rdkit.Chem import rdqueries

    query = Chem.AtomFromSmarts(_BRANCHED)
    query.ExpandQuery(rdqueries.HasChiralTagQueryAtom(negate=True))
    query.ExpandQuery(Chem.AtomFromSmarts(_UNCOMMON), how=Chem.CompositeQueryType.COMPOSITE_OR)
    return query


def _has_two_methyls(atom: Any) -> bool:
    """Two neighbours that are the same, as in valine and leucine: carbon has no handedness then."""
    if atom.GetAtomicNum() != 6:
        return False
    return sum(map(_is_methyl, atom.GetNeighbors())) > 1


def _is_methyl(atom: Any) -> bool:
    is_labelled = atom.GetIsotope() or atom.GetAtomMapNum()
    is_last = atom.GetDegree() == 1 and atom.GetTotalNumHs() == 3
    return is_last and atom.GetAtomicNum() == 6 and not is_labelled
