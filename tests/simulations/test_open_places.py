"""Where RDKit finds a place that is left open, none is said to be there at a glance."""

import pytest
from rdkit import Chem

from simulations.structures import StructureInput, resolve
from simulations.structures.stereo import WORTH_A_LOOK, are_none

LONG = "C" * WORTH_A_LOOK
OPEN = [
    "CC(N)C(=O)O", "FC=CF", "CC=NO", "CC(=N)N", "CN1CC1C", "CC1CCC(O)CC1", "C1CCCCCCC=C1",
    "CS(=O)CC", "C[N+](CC)(CCC)CCCC", "[2H]C(F)Cl", "C[SiH](F)Cl", "C[C@H](O)C(F)O",
    "[13CH3]C(C)O", "N[C@@H](CCCNC(=N)N)C(=O)O",
]  # fmt: skip
CLOSED = ["VLPGFMKDEH", "AIST", "WYNQC"]


def is_open(mol: Chem.Mol) -> bool:
    found = Chem.FindPotentialStereo(mol)
    return any(each.specified == Chem.StereoSpecified.Unspecified for each in found)


@pytest.mark.parametrize("line", OPEN)
def test_one_that_is_left_open_is_not_overlooked(line: str) -> None:
    mol = Chem.MolFromSmiles(line)
    smiles = Chem.MolToSmiles(mol)

    assert is_open(mol)
    assert not are_none(mol, smiles)


@pytest.mark.parametrize("sequence", CLOSED)
def test_a_peptide_has_all_of_them_given(sequence: str) -> None:
    mol = Chem.MolFromSequence(sequence)
    smiles = Chem.MolToSmiles(mol)

    assert not is_open(mol)
    assert are_none(Chem.MolFromSmiles(smiles), smiles)


@pytest.mark.parametrize(
    ("line", "n_warnings"),
    [(f"{LONG}C(F)O", 1), (f"{LONG}[C@H](F)O", 0), (f"{LONG}C=CC", 1), (f"{LONG}C(C)(C)O", 0)],
)
def test_it_is_told_of_a_large_molecule_too(line: str, n_warnings: int) -> None:
    told = [each for each in resolve(StructureInput(text=line)).warnings if "Stereo" in each]

    assert len(told) == n_warnings
