"""The ligand: may it be docked, and its 3D and PDBQT once it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from simulations.errors import FieldError, InvalidParams, ScienceError
from simulations.quantum.geometry import LARGEST_SEED
from simulations.structures import Structure, StructureInput, resolve

from . import engines

FIELD = "ligand"
ELEMENTS = {"H", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Br", "I"}
"""Those that Vina has parameters for."""

MAX_HEAVY_ATOMS = 120
MAX_TORSIONS = 32
MANY_TORSIONS = 10
LARGEST_RING = 11
"""A larger ring folds in ways that are not searched: its generated conformation stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ligand:
    """A molecule that can be docked."""

    structure: Structure
    smiles: str
    n_heavy: int
    n_rotatable: int
    largest_ring: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedLigand:
    """The ligand in 3D, hydrogens included, and as Vina reads it."""

    mol: Any
    pdbqt: str
    n_torsions: int


def understand_ligand(given: StructureInput) -> Ligand:
    """:raises InvalidParams: on the field `ligand`."""
    try:
        structure = resolve(given)
    except InvalidParams as refusal:
        raise InvalidParams([_of_ligand(error) for error in refusal.errors]) from None
    if structure.smiles is None:
        raise _refusal("no_bonds", f"{structure.sentence} {_no_bonds(structure)}")
    ligand = _describe(structure, structure.smiles)
    _refuse_undockable(ligand)
    return ligand


def _of_ligand(error: FieldError) -> FieldError:
    """The resolver speaks of a field `structure`; here it is called `ligand`."""
    fix = {FIELD: error.fix["structure"]} if error.fix and "structure" in error.fix else None
    return replace(error, path=(FIELD,), fix=fix)


def _no_bonds(structure: Structure) -> str:
    if structure.crystal:
        return "A crystal cannot be docked."
    if structure.macromolecule:
        return "That is a receptor: it goes into receptor_pdb; the ligand is a small molecule."
    return "Docking needs the ligand's bonds: give SMILES or a mol block."


def _describe(structure: Structure, smiles: str) -> Ligand:
    from rdkit import Chem
    from rdkit.Chem import rdMolDescriptors

    mol = Chem.MolFromSmiles(smiles)
    rings = mol.GetRingInfo().AtomRings()
    return Ligand(
        structure=structure,
        smiles=smiles,
        n_heavy=mol.GetNumHeavyAtoms(),
        n_rotatable=rdMolDescriptors.CalcNumRotatableBonds(mol),
        largest_ring=max(map(len, rings), default=0),
    )


def _refuse_undockable(ligand: Ligand) -> None:
    foreign = sorted(set(ligand.structure.symbols) - ELEMENTS)
    if ligand.n_heavy == 0:
        raise _refusal("no_heavy_atom", "The ligand is hydrogen only: there is nothing to dock.")
    if "." in ligand.smiles:
        detail = "The ligand has several parts: give the one that binds, without its counter-ion."
        largest = max(ligand.smiles.split("."), key=len)
        raise _refusal("several_parts", detail, fix={FIELD: largest})
    if foreign:
        raise _refusal("unknown_element", f"Vina has no parameters for {', '.join(foreign)}.")
    for code, count, limit, what, why in _limits(ligand):
        if count > limit:
            raise _refusal(code, f"The ligand has {count} {what}, more than {limit}: {why}.")


def _limits(ligand: Ligand) -> tuple[tuple[str, int, int, str, str], ...]:
    """Code, number, limit, of what, and why it is one."""
    return (
        ("too_many_atoms", ligand.n_heavy, MAX_HEAVY_ATOMS, "heavy atoms", "it is no small one"),
        (
            "too_many_torsions",
            ligand.n_rotatable,
            MAX_TORSIONS,
            "rotatable bonds",
            "no search finds its pose; dock its rigid core",
        ),
        (
            "macrocycle",
            ligand.largest_ring,
            LARGEST_RING,
            "atoms in a ring",
            "rings are docked rigid, which makes no sense for a macrocycle",
        ),
    )


def _refusal(code: str, detail: str, fix: dict[str, Any] | None = None) -> InvalidParams:
    return InvalidParams([FieldError(path=(FIELD,), code=code, detail=detail, fix=fix)])


def embed(smiles: str, seed: int) -> Any:
    """The molecule in 3D with its hydrogens, the same for the same seed; relaxed with MMFF94.

    :raises ScienceError: no 3D was found.
    """
    from rdkit import Chem
    from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    settings: Any = rdDistGeom.ETKDGv3()
    settings.randomSeed = seed
    if rdDistGeom.EmbedMolecule(mol, settings) != 0:
        settings.useRandomCoords = True
        if rdDistGeom.EmbedMolecule(mol, settings) != 0:
            raise ScienceError(
                "No 3D structure of the ligand was found.",
                hints=["Check its stereochemistry: some combinations cannot exist."],
                fix={"seed": (seed + 1) % LARGEST_SEED},
                cause="no_3d",
            )
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol):
        rdForceFieldHelpers.MMFFOptimizeMolecule(mol, maxIters=500)
    return mol


def sizes_of(smiles: str) -> dict[str, float]:
    """What a score is looked at beside: larger and greasier molecules score better."""
    from rdkit import Chem
    from rdkit.Chem import Descriptors, rdMolDescriptors

    mol = Chem.MolFromSmiles(smiles)
    return {
        "molecular_weight_g_per_mol": round(Descriptors.MolWt(mol), 2),  # type: ignore[attr-defined]
        # Added to nothing, for what rounds to it has no sign.
        "crippen_logp": round(rdMolDescriptors.CalcCrippenDescriptors(mol)[0], 2) + 0.0,
    }


def prepare_ligand(ligand: Ligand, seed: int) -> PreparedLigand:
    """3D by RDKit, atom types and rotatable bonds by Meeko.

    :raises ScienceError: Meeko cannot type it.
    """
    meeko = engines.meeko()
    mol = embed(ligand.smiles, seed)
    setup = meeko.MoleculePreparation(rigid_macrocycles=True).prepare(mol)[0]
    pdbqt, is_ok, complaint = meeko.PDBQTWriterLegacy.write_string(setup)
    if not is_ok:
        message = f"Meeko could not prepare the ligand: {complaint.strip()}"
        raise ScienceError(message, cause="not_prepared")
    n_torsions = next(
        int(line.split()[1]) for line in pdbqt.splitlines() if line.startswith("TORSDOF")
    )
    return PreparedLigand(mol=mol, pdbqt=pdbqt, n_torsions=n_torsions)
