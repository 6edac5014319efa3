"""Proteins from PDB and mmCIF: what is told of them, and who takes them."""

import io
from typing import Any

import gemmi
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

import simulations
from simulations import InvalidParams, ScienceError
from simulations.dynamics import pdb_text
from simulations.quantum.geometry import embed
from simulations.structures import Structure, StructureInput, resolve

from .recording import RecordingContext
from .test_docking import EXAMPLE, POCKET
from .test_md_input import ALANINE_DIPEPTIDE, HEME, WATER

SEQRES = "SEQRES   1 A    5  GLY ALA GLY GLY SER\n"
BACKBONE = (("N", 0.0), ("CA", 1.46), ("C", 2.98))


def residue(name: str, number: int, x: float = 0.0, alternates: str = " ") -> str:
    """A backbone along x, each atom in each alternate location."""
    lines = []
    for atom, offset in BACKBONE:
        for letter in alternates:
            shown = f" {atom:<3}{letter}{name} A{number:4}"
            place = f"{x + offset:8.3f}{0.0:8.3f}{0.0:8.3f}"
            lines.append(f"ATOM      1 {shown}    {place}  1.00  0.00          {atom[:1]:>2}")
    return "\n".join([*lines, ""])


PEPTIDE = residue("GLY", 1) + residue("ALA", 2, 4.3) + residue("SER", 5, 30.0)


def read(text: str, format: str = "auto") -> Structure:
    return resolve(StructureInput(format=format, text=text))


def refusal(text: str, format: str = "auto") -> str:
    with pytest.raises(InvalidParams) as refused:
        read(text, format)
    (error,) = refused.value.errors
    assert error.path == ("structure",)
    return error.detail


def as_mmcif(pdb: str) -> str:
    found = gemmi.read_pdb_string(pdb)
    for chain in found[0]:
        chain.name = chain.name.strip("_ ") or "W"  # gemmi cannot read a _ that it wrote
    found.setup_entities()
    return found.make_mmcif_document().as_string()


def test_what_a_file_holds_is_told() -> None:
    structure = read(SEQRES + PEPTIDE + HEME + WATER)

    assert structure.as_dict() == {
        "kind": "macromolecule",
        "reading": "read as PDB: 3 residues in 1 chain (A), 1 water, 1 ligand or ion",
        "formula": "C6FeN3O",
        "n_atoms": 11,
        "chains": ["A"],
        "n_residues": 3,
        "n_waters": 1,
        "ligands": ["HEM A:142"],
        "missing_residues": ["A: 2 of 5"],
        "chain_breaks": ["A:2–A:5"],
        "warnings": [
            "Residues of the sequence are missing: A: 2 of 5.",
            "Chains are broken at A:2–A:5.",
        ],
    }


def test_alternate_locations_and_models_are_told() -> None:
    both = residue("GLY", 1, alternates="AB")
    models = f"MODEL        1\n{both}ENDMDL\nMODEL        2\n{both}ENDMDL\n"

    structure = read(models)

    assert structure.n_atoms == 3
    assert structure.warnings == (
        "The file has 2 models: the first is taken.",
        "Some atoms are in alternate locations: GLY A:1.",
    )


def test_mmcif_reads_as_the_same_protein() -> None:
    from_mmcif = read(as_mmcif(POCKET)).as_dict()
    from_pdb = read(POCKET).as_dict()

    assert from_mmcif.pop("reading").startswith("read as mmCIF: ")
    assert from_pdb.pop("reading").startswith("read as PDB: ")
    assert from_mmcif == from_pdb


@pytest.mark.parametrize(
    ("text", "format", "reason"),
    [
        ("garbage\nof two lines", "pdb", "it holds no atoms"),
        ("data_x\n_atom_site.Cartn_x 1\n", "mmcif", "it holds no atoms"),
        ("data_x\nloop_\n_a\n_b\n1\n", "mmcif", "line 2, column 1: Wrong number of values"),
        ("data_x\n_cell.length_a 1\n", "mmcif", "it lists no atoms by Cartesian coordinates"),
        ("REMARK\nATOM      1  N   ALA A   1      x\n", "pdb", "line 2 has no coordinates"),
        (WATER * 2, "pdb", "no amino acid or nucleotide"),
        (PEPTIDE.replace("   4.300", "     nan"), "pdb", "line 4 has a coordinate outside"),
    ],
)
def test_what_is_no_protein_is_refused(text: str, format: str, reason: str) -> None:
    assert reason in refusal(text, format)


@pytest.mark.parametrize("simulation", ["dft_single_point", "xtb_optimization", "dft_crystal"])
@pytest.mark.parametrize("text", [PEPTIDE, as_mmcif(PEPTIDE)])
def test_a_protein_is_sent_to_molecular_dynamics(simulation: str, text: str) -> None:
    with pytest.raises(InvalidParams) as refused:
        simulations.get(simulation).check({"structure": text})

    (error,) = refused.value.errors
    assert (error.code, error.fix) == ("is_macromolecule", {"simulation": "md_simulation"})


# Molecular dynamics


@pytest.mark.parametrize("field", ["structure", "pdb"])
@pytest.mark.parametrize("as_text", [str, as_mmcif])
def test_a_peptide_may_be_given_by_either_name_and_format(field: str, as_text: Any) -> None:
    text = as_text(ALANINE_DIPEPTIDE)

    checked = simulations.get("md_simulation").check({field: text})

    assert checked.params[field] == text
    assert checked.structure
    assert checked.structure["kind"] == "protein"
    assert (checked.structure["n_residues"], checked.structure["n_atoms"]) == (3, 10)
    assert checked.structure["chains"] == ["A"]


def test_what_is_wrong_is_told_on_the_field_that_holds_it() -> None:
    for field in ("structure", "pdb"):
        with pytest.raises(InvalidParams) as refused:
            simulations.get("md_simulation").check({field: ALANINE_DIPEPTIDE + HEME})

        assert refused.value.errors[0].path == (field,)


def test_mmcif_keeps_every_atom_in_its_place() -> None:
    from simulations.structures.macromolecules import as_pdb

    before = pdb_text.read(ALANINE_DIPEPTIDE)
    after = pdb_text.read(as_pdb(as_mmcif(ALANINE_DIPEPTIDE), "mmcif"))

    assert [r.atoms for r in after.residues] == [r.atoms for r in before.residues]
    assert [r.name for r in after.residues] == ["ACE", "ALA", "NME"]


@pytest.mark.slow
@pytest.mark.engine
def test_a_peptide_from_mmcif_moves(context: RecordingContext) -> None:
    params = {"structure": as_mmcif(ALANINE_DIPEPTIDE), "length_ps": 0.1, "equilibration_ps": 0}

    result = simulations.get("md_simulation").run(params, context)

    assert result["n_atoms"] == 22
    assert "ff14SB" in result["method"]


# Docking


def test_a_receptor_may_be_mmcif() -> None:
    from_pdb = simulations.get("docking").check(EXAMPLE)
    from_mmcif = simulations.get("docking").check({**EXAMPLE, "receptor_pdb": as_mmcif(POCKET)})
    said = {"format": "mmcif", "text": as_mmcif(POCKET)}

    assert from_mmcif.notes == from_pdb.notes
    assert simulations.get("docking").check({**EXAMPLE, "receptor_pdb": said}).params[
        "receptor_pdb"
    ] == said  # fmt: skip


def test_a_receptor_is_no_ligand() -> None:
    with pytest.raises(InvalidParams, match="it goes into receptor_pdb"):
        simulations.get("docking").check({**EXAMPLE, "ligand": POCKET})


# 3D of molecules that resist


def first_try_fails(smiles: str) -> bool:
    settings = rdDistGeom.ETKDGv3()
    settings.randomSeed = 42
    return rdDistGeom.EmbedMolecule(Chem.AddHs(Chem.MolFromSmiles(smiles)), settings) != 0


@pytest.mark.slow
def test_3d_that_fails_is_tried_again_from_random_coordinates() -> None:
    chain = "C" * 60

    made = embed(read(chain), 42, io.StringIO())

    assert first_try_fails(chain)
    assert len(made.positions) == 182


@pytest.mark.parametrize("smiles", ["C1C#C1", "[C@H]12C[C@@H]1C2"])
def test_3d_that_fails_twice_is_told(smiles: str) -> None:
    with pytest.raises(ScienceError, match="No 3D structure could be made") as refused:
        embed(read(smiles), 42, io.StringIO())

    assert "Give coordinates" in refused.value.hints[0]
    assert refused.value.fix == {"seed": 43}
