"""The runs that a machine is measured by: small, real, of different sizes for each simulation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
IBUPROFEN = "CC(C)Cc1ccc(cc1)C(C)C(=O)O"
CHOLESTEROL = "CC(C)CCCC(C)C1CCC2C1(CCC3C2CC=C4C3(CCC(C4)O)C)C"
NAPHTHALENE = "c1ccc2ccccc2c1"


@dataclass(frozen=True, slots=True)
class Case:
    """:param is_quick: of the few that `--quick` runs."""

    simulation: str
    params: dict[str, Any]
    is_quick: bool = False


def cases(*, quick: bool = False) -> list[Case]:
    every = [
        *_single_points(), *_optimizations(), *_frequencies(), *_crystals(), *_xtb(), *_reactions(),
        *_small_dynamics(), *_protein_dynamics(), *_docking(),
    ]  # fmt: skip
    return [case for case in every if case.is_quick or not quick]


def _single_points() -> Iterator[Case]:
    name = "dft_single_point"
    yield Case(name, {"structure": "O"}, is_quick=True)
    yield Case(name, {"structure": "CCO", "functional": "PBE"}, is_quick=True)
    yield Case(name, {"structure": "CCO"}, is_quick=True)
    yield Case(name, {"structure": "CO", "basis": "def2-tzvp"})
    yield Case(name, {"structure": "C[CH2]"})
    yield Case(name, {"structure": "CO", "solvent": "water"})
    yield Case(name, {"structure": "CO", "density_fit": False})
    yield Case(name, {"structure": "CC(=O)C", "functional": "r2SCAN"})
    yield Case(name, {"structure": "c1ccccc1"})
    yield Case(name, {"structure": NAPHTHALENE, "functional": "PBE"})


def _optimizations() -> Iterator[Case]:
    name = "dft_optimization"
    yield Case(name, {"structure": "O"}, is_quick=True)
    yield Case(name, {"structure": "C=O", "functional": "PBE"}, is_quick=True)
    yield Case(name, {"structure": "CO"})
    yield Case(name, {"structure": "C=C"})
    yield Case(name, {"structure": "CCO", "functional": "PBE"})


def _frequencies() -> Iterator[Case]:
    name = "dft_frequencies"
    yield Case(name, {"structure": "O"}, is_quick=True)
    yield Case(name, {"structure": "C=O", "functional": "PBE"}, is_quick=True)
    yield Case(name, {"structure": "CO", "optimize_first": False})


def _crystals() -> Iterator[Case]:
    name, rough = "dft_crystal", {"basis": "gth-szv-molopt-sr", "ke_cutoff_hartree": 60}
    one = {**rough, "task": "single_point"}
    yield Case(name, {**one, "structure": "diamond", "k_mesh": [2, 2, 2]}, is_quick=True)
    yield Case(name, {**one, "structure": "graphite", "k_mesh": [3, 3, 1]}, is_quick=True)
    yield Case(name, {**one, "structure": "LiC6", "k_mesh": [2, 2, 2]})
    finer = {"ke_cutoff_hartree": 100, "task": "single_point"}
    yield Case(name, {**finer, "structure": "diamond", "k_mesh": [2, 2, 2]})
    for task in ("lattice_optimization", "equation_of_state"):
        for k in (2, 3):
            mesh = {"task": task, "k_mesh": [k, k, k]}
            yield Case(name, {**rough, **mesh, "structure": "diamond"})
    yield Case(name, {**rough, "structure": "graphite", "k_mesh": [2, 2, 1]})


def _xtb() -> Iterator[Case]:
    for number, smiles in enumerate(("CCO", ASPIRIN, IBUPROFEN, CHOLESTEROL)):
        yield Case("xtb_optimization", {"structure": smiles}, is_quick=number < 2)
        yield Case("xtb_frequencies", {"structure": smiles}, is_quick=number < 2)
    yield Case("conformer_search", {"structure": "CCCC", "n_trials": 6}, is_quick=True)
    yield Case("conformer_search", {"structure": "CCCCO", "n_trials": 12}, is_quick=True)
    yield Case("conformer_search", {"structure": IBUPROFEN, "n_trials": 6})


def _reactions() -> Iterator[Case]:
    name = "reaction_energy"
    shift = {"reactants": ["[C-]#[O+]", "O"], "products": ["O=C=O", "[H][H]"]}
    isomers = {"reactants": ["CCO"], "products": ["COC"]}
    for method in ("GFN2-xTB", "DFT"):
        yield Case(name, {**shift, "method": method}, is_quick=method == "GFN2-xTB")
        yield Case(name, {**isomers, "method": method}, is_quick=method == "GFN2-xTB")


def _small_dynamics() -> Iterator[Case]:
    for smiles, length_ps in (("CCO", 50), (ASPIRIN, 20), (IBUPROFEN, 20)):
        params = {"structure": smiles, "length_ps": length_ps, "equilibration_ps": 1}
        yield Case("md_simulation", params, is_quick=smiles != IBUPROFEN)


def _protein_dynamics() -> Iterator[Case]:
    """Peptides of alanine in each surroundings."""
    lengths = {"vacuum": (40, 2), "implicit": (15, 2), "explicit": (1, 0.5)}
    for environment, (production, equilibration) in lengths.items():
        for residues in (3, 12):
            params = {
                "structure": {"format": "pdb", "text": peptide("A" * residues)},
                "environment": environment,
                "length_ps": production,
                "equilibration_ps": equilibration,
                "padding_angstrom": 10,
            }
            yield Case("md_simulation", params)


def peptide(sequence: str) -> str:
    """A peptide's heavy atoms as a PDB text, made by RDKit."""
    from rdkit import Chem
    from rdkit.Chem import rdDistGeom

    mol = Chem.AddHs(Chem.MolFromSequence(sequence))
    rdDistGeom.EmbedMolecule(mol, randomSeed=42)
    return str(Chem.MolToPDBBlock(Chem.RemoveHs(mol), flavor=2 | 8))


def _docking() -> Iterator[Case]:
    receptor = _receptor()
    if receptor is None:
        return
    box = {"receptor_pdb": receptor, "box_center_angstrom": [-0.5, -6.9, -22.8]}
    box |= {"box_size_angstrom": [20, 20, 20]}
    adenosine = "Nc1ncnc2c1ncn2[C@H]1C[C@H](O)[C@@H](CO)O1"
    for searches, smiles in ((1, ASPIRIN), (4, adenosine), (2, IBUPROFEN)):
        params = {**box, "ligand": smiles, "exhaustiveness": searches}
        yield Case("docking", params, is_quick=smiles != IBUPROFEN)
    two = f"{ASPIRIN} aspirin\nNc1ncnc2[nH]cnc12 adenine"
    yield Case("docking_screen", {**box, "ligands": two, "exhaustiveness": 1}, is_quick=True)
    more = f"{two}\n{IBUPROFEN} ibuprofen\n{adenosine} deoxyadenosine"
    yield Case("docking_screen", {**box, "ligands": more, "exhaustiveness": 1})


def _receptor() -> str | None:
    """The pocket that ships with ProLIF, of PDB 1S2G."""
    spec = find_spec("prolif")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "data" / "implicitHbond" / "receptor_ph7_amber.pdb"
    return path.read_text() if path.exists() else None
