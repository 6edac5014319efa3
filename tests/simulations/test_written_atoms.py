"""The atoms that a SMILES tells are those that RDKit reads from it."""

import pytest
from rdkit import Chem

from simulations.structures import StructureInput, resolve

WRITTEN = [
    "C[C@@H](N)C(=O)O", "c1ccc(Br)cc1Cl", "[nH]1cccc1", "c1cc[se]c1", "c1cc[te]c1", "[H][H]",
    "[2H]C([2H])[2H]", "[H]Cl", "[H+]", "[Na+].[Cl-]", "[13CH4]", "[Cu+2]", "[Sc]", "C[CH2]",
    "[CH]1[CH]C1", "CN(C)[O]", "[O][O]", "O=O", "[NH3]->[Pt](<-[NH3])(Cl)Cl", "C%12CCCCC%12",
    "[Co]", "[Og]", "N[C@@H](Cc1c[nH]cn1)C(=O)N[C@@H](CS)C(=O)O",
]  # fmt: skip


@pytest.mark.parametrize("line", WRITTEN)
def test_they_come_in_its_order_and_then_the_hydrogens_that_are_not_written(line: str) -> None:
    read = resolve(StructureInput(text=line))
    rdkit = Chem.AddHs(Chem.MolFromSmiles(read.smiles))

    assert read.symbols == tuple(atom.GetSymbol() for atom in rdkit.GetAtoms())


@pytest.mark.parametrize(
    ("line", "unpaired"),
    [("C[CH2]", 1), ("[CH2]", 2), ("CN(C)[O]", 1), ("[O][O]", 2), ("C[C@H](F)Cl", 0)],
)
def test_only_those_in_brackets_may_be_radicals(line: str, unpaired: int) -> None:
    assert resolve(StructureInput(text=line)).multiplicity == 1 + unpaired


def test_they_are_counted_once_and_the_formula_is_theirs() -> None:
    read = resolve(StructureInput(text="NCC(=O)O"))

    assert read.counts == {"C": 2, "H": 5, "N": 1, "O": 2}
    assert read.counts is read.counts
    assert (read.formula, read.n_protons) == ("C2H5NO2", 40)
