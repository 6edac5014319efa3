"""A small molecule with its bonds known, so that MMFF94 can be asked about it."""

from __future__ import annotations

from typing import Any

from simulations.errors import FieldError, InvalidParams
from simulations.structures import Structure
from simulations.structures.bonds import atoms_in_space, find_bonds
from simulations.structures.rdkit_log import listening

from .mmff import without_parameters

MAX_MOLECULE_ATOMS = 200


def molecule(structure: Structure, charge: int | None) -> Any:
    """RDKit's molecule with hydrogens, atoms in the structure's order, if MMFF94 knows them all.

    :raises InvalidParams: it is too large, has no bonds or no parameters.
    """
    _refuse_kind_and_size(structure)
    wanted = structure.charge if charge is None else charge
    with listening():
        mol = _with_bonds(structure, wanted)
        _refuse_charge(mol, wanted)
        if any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()):
            raise refusal(
                "radical",
                f"{structure.formula} has unpaired electrons, for which MMFF94 was not made.",
            )
        if without_parameters(mol):
            raise refusal(
                "no_parameters",
                f"MMFF94 has no parameters for every atom of {structure.formula}; it knows organic "
                "molecules of H, C, N, O, F, Si, P, S, Cl, Br, I and some ions.",
            )
    return mol


def _refuse_kind_and_size(structure: Structure) -> None:
    if structure.crystal:
        raise refusal(
            "is_crystal", f"{structure.sentence} MMFF94 describes molecules, not crystals."
        )
    if structure.n_atoms < 2:
        raise refusal("one_atom", "A single atom in the gas phase has nothing to simulate.")
    if structure.n_atoms > MAX_MOLECULE_ATOMS:
        raise refusal(
            "too_many_atoms",
            f"The structure has {structure.n_atoms} atoms with its hydrogens; gas-phase MMFF94 is "
            f"run here on at most {MAX_MOLECULE_ATOMS}. Give a protein as PDB or mmCIF.",
        )


def _with_bonds(structure: Structure, charge: int) -> Any:
    from rdkit import Chem
    from rdkit.Chem import AllChem, rdDetermineBonds

    if structure.positions_angstrom is None:
        return Chem.AddHs(Chem.MolFromSmiles(structure.smiles))
    mol = atoms_in_space(structure.symbols, structure.positions_angstrom)
    try:
        if structure.smiles is None:
            find_bonds(mol, charge)
        else:
            rdDetermineBonds.DetermineConnectivity(mol)
            template = Chem.AddHs(Chem.MolFromSmiles(structure.smiles))
            mol = AllChem.AssignBondOrdersFromTemplate(template, mol)
        Chem.SanitizeMol(mol)
    except (ValueError, RuntimeError) as exc:
        raise refusal(
            "no_bonds",
            f"The bonds of {structure.formula} with charge {charge} could not be told from its "
            f"coordinates ({str(exc).strip().splitlines()[0]}). Give SMILES, or the right charge.",
        ) from None
    return mol


def _refuse_charge(mol: Any, wanted: int) -> None:
    from rdkit import Chem

    has = Chem.GetFormalCharge(mol)
    if has != wanted:
        detail = f"A charge of {wanted} was asked; the structure as written has {has}."
        raise InvalidParams(
            [
                FieldError(
                    path=("charge",), code="charge_differs", detail=detail, fix={"charge": has}
                )
            ]
        )


def refusal(code: str, detail: str) -> InvalidParams:
    return InvalidParams([FieldError(path=("structure",), code=code, detail=detail)])
