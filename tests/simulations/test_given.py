"""Params from the words of a command line: which field a file goes into, and how it is read."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

import simulations
from simulations import InvalidParams
from simulations.command.given import params_of

PDB = "ATOM      1  N   ALA A   1       0.000   0.000   0.000  1.00  0.00           N\nEND\n"
MMCIF = "data_1ABC\nloop_\n_atom_site.id\n_atom_site.Cartn_x\n1 0.0\n"
CIF = "data_x\n_cell_length_a 4\n"
XYZ = "1\n\nO 0 0 0\n"


def given(simulation: str, file: Path) -> dict[str, Any]:
    words = Namespace(params=None, smiles=None, structure=None, file=file, param=[])
    return params_of(words, simulations.get(simulation))


@pytest.mark.parametrize(
    ("simulation", "name", "text", "field", "format"),
    [
        ("dft", "water.xyz", XYZ, "structure", "xyz"),
        ("dft", "water.smi", "O\n", "structure", "smiles"),
        ("dft", "water.inchi", "InChI=1S/H2O/h1H2", "structure", "inchi"),
        ("dft", "water.mol", "", "structure", "sdf"),
        ("dft", "water.txt", XYZ, "structure", "xyz"),
        ("dft", "protein.pdb", PDB, "structure", "pdb"),
        ("crystal", "salt.cif", CIF, "structure", "cif"),
        ("crystal", "POSCAR", "", "structure", "poscar"),
        ("md", "protein.pdb", PDB, "structure", "pdb"),
        ("md", "protein.cif", MMCIF, "structure", "mmcif"),
        ("docking", "receptor.pdb", PDB, "receptor_pdb", "pdb"),
        ("docking", "receptor.cif", MMCIF, "receptor_pdb", "mmcif"),
        ("docking", "ligand.sdf", "", "ligand", "sdf"),
        ("screen", "receptor.ent", PDB, "receptor_pdb", "pdb"),
    ],
)  # fmt: skip
def test_a_file_is_read_as_what_it_is_and_goes_where_it_belongs(
    tmp_path: Path, simulation: str, name: str, text: str, field: str, format: str
) -> None:
    (tmp_path / name).write_text(text)

    assert given(simulation, tmp_path / name) == {field: {"format": format, "text": text}}


def test_a_simulation_that_takes_no_structure_says_what_it_takes(tmp_path: Path) -> None:
    (tmp_path / "water.xyz").write_text(XYZ)

    with pytest.raises(InvalidParams, match="takes no structure, but n"):
        given("demo.sum_squares", tmp_path / "water.xyz")
