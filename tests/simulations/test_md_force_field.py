"""MMFF94 in OpenMM against MMFF94 in RDKit."""

import io

import numpy as np
import openmm
import pytest
from openmm.app import ForceField, Modeller, PDBFile
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from simulations import InvalidParams
from simulations.dynamics.mmff import KJ_PER_KCAL, mmff_system
from simulations.dynamics.molecule import molecule
from simulations.dynamics.protein import FORCE_FIELD, SURROUNDINGS, compile_obc2
from simulations.structures import StructureInput, resolve

from .test_md_input import ALANINE_DIPEPTIDE

MOLECULES = {
    "alcohol": "CCO",
    "aromatic acid and ester": "CC(=O)Oc1ccccc1C(=O)O",
    "cation": "C[NH+](C)C",
    "anion": "CC(=O)[O-]",
    "zwitterion": "[NH3+]CC(=O)[O-]",
    "nitrile, linear": "CC#N",
    "diyne": "C#CC#C",
    "allene": "C=C=C",
    "azide": "CN=[N+]=[N-]",
    "sulfonamide": "CS(=O)(=O)N",
    "phosphate": "COP(=O)([O-])OC",
    "three ring": "C1CC1",
    "four ring": "C1CCC1",
    "purine": "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "thiophene": "c1ccsc1",
    "halogens": "FC(F)(F)CCl",
    "nitro": "C[N+](=O)[O-]",
    "silane": "C[Si](C)(C)C",
    "water": "O",
}


def shaken(smiles: str) -> Chem.Mol:
    """A conformer off its minimum, so that every term has something to say."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMolecule(mol, randomSeed=7)
    noise = np.random.default_rng(1).normal(0, 0.05, (mol.GetNumAtoms(), 3))
    conformer = mol.GetConformer()
    for index, position in enumerate(conformer.GetPositions() + noise):
        conformer.SetAtomPosition(index, position.tolist())
    return mol


@pytest.mark.engine
@pytest.mark.parametrize("smiles", MOLECULES.values(), ids=MOLECULES.keys())
def test_energy_and_forces_are_those_of_rdkit(smiles: str) -> None:
    mol = shaken(smiles)
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol)
    theirs = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties, nonBondedThresh=1e6)
    integrator = openmm.VerletIntegrator(0.001)
    platform = openmm.Platform.getPlatformByName("Reference")
    ours = openmm.Context(mmff_system(mol), integrator, platform)
    ours.setPositions(mol.GetConformer().GetPositions() / 10)

    state = ours.getState(energy=True, forces=True)

    energy = state.getPotentialEnergy()._value / KJ_PER_KCAL
    forces = state.getForces(asNumpy=True)._value / (10 * KJ_PER_KCAL)
    assert energy == pytest.approx(theirs.CalcEnergy(), abs=1e-6)  # kcal/mol
    assert forces == pytest.approx(-np.reshape(theirs.CalcGrad(), (-1, 3)), abs=1e-6)


def as_xyz(smiles: str) -> tuple[Chem.Mol, str]:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMolecule(mol, randomSeed=7)
    return mol, Chem.MolToXYZBlock(mol)


@pytest.mark.parametrize(
    "smiles", ["CCO", "CC(=O)[O-]", "c1ccncc1", "CC(=O)Nc1ccc(O)cc1", "C[NH3+]", "N#CC=O"]
)
def test_the_bonds_of_coordinates_are_found(smiles: str) -> None:
    mol, xyz = as_xyz(smiles)

    found = molecule(resolve(StructureInput(text=xyz)), Chem.GetFormalCharge(mol))

    assert Chem.MolToSmiles(Chem.RemoveHs(found)) == Chem.CanonSmiles(smiles)


def test_a_mol_block_keeps_its_bonds_and_the_order_of_its_atoms() -> None:
    mol = Chem.AddHs(Chem.MolFromSmiles("OC(=O)c1ccccc1"))
    rdDistGeom.EmbedMolecule(mol, randomSeed=7)
    structure = resolve(StructureInput(text=Chem.MolToMolBlock(mol)))

    found = molecule(structure, None)

    assert tuple(atom.GetSymbol() for atom in found.GetAtoms()) == structure.symbols
    assert Chem.MolToSmiles(Chem.RemoveHs(found)) == Chem.CanonSmiles("OC(=O)c1ccccc1")


@pytest.mark.parametrize(
    ("text", "charge", "code"),
    [
        ("[CH3]", None, "radical"),
        ("[He]", None, "one_atom"),
        ("[H][H]", None, "no_parameters"),
        ("C[Se]C", None, "no_parameters"),
        ("graphite", None, "is_crystal"),
        ("CCO", 1, "charge_differs"),
        ("C" * 80, None, "too_many_atoms"),
        (as_xyz("CC(=O)[O-]")[1], None, "no_bonds"),
    ],
)
def test_what_mmff94_does_not_describe_is_refused(text: str, charge: int | None, code: str) -> None:
    with pytest.raises(InvalidParams) as refusal:
        molecule(resolve(StructureInput(text=text)), charge)

    assert refusal.value.errors[0].code == code


@pytest.mark.engine
def test_the_compiled_obc2_is_the_force_fields_own() -> None:
    pdb = PDBFile(io.StringIO(ALANINE_DIPEPTIDE))
    force_field = ForceField(FORCE_FIELD, SURROUNDINGS["OBC2"])
    modeller = Modeller(pdb.topology, pdb.positions)
    modeller.addHydrogens()
    energies = []
    for change in (lambda system: None, compile_obc2):
        system = force_field.createSystem(modeller.topology)
        change(system)
        platform = openmm.Platform.getPlatformByName("Reference")
        context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
        context.setPositions(modeller.positions)
        energies.append(context.getState(energy=True).getPotentialEnergy()._value)

    assert energies[0] == pytest.approx(energies[1], abs=1e-2)
