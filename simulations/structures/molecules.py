"""From an RDKit molecule to a `Structure`: hydrogens, radicals, charge, stereo."""

from __future__ import annotations

from typing import Any

from .model import Structure, Vector

MAX_ATOMS = 2000
"""Beyond this no simulation here can use a structure, and reading it gets slow."""


class MoleculeError(ValueError):
    """Why RDKit's molecule cannot be used, in a sentence."""


def sanitize(mol: Any) -> Any:
    """The molecule, its valences found to be possible.

    :raises MoleculeError: naming the atom.
    """
    from rdkit import Chem

    if mol.GetNumAtoms() == 0:
        raise MoleculeError("it holds no atoms")
    if mol.GetNumAtoms() > MAX_ATOMS:
        raise MoleculeError(_too_many(mol.GetNumAtoms()))
    problems = [problem.Message().rstrip(".") for problem in Chem.DetectChemistryProblems(mol)]
    if problems:
        raise MoleculeError("; ".join(problems))
    Chem.SanitizeMol(mol)
    _refuse_unknown_atoms(mol)
    return mol


def _too_many(n_atoms: int) -> str:
    return f"it has {n_atoms} atoms, more than the {MAX_ATOMS} read here"


def _refuse_unknown_atoms(mol: Any) -> None:
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() == 0:
            raise MoleculeError(f"atom {atom.GetIdx() + 1} ({atom.GetSymbol()}) is no element")


def from_rdkit(mol: Any, reading: str) -> Structure:
    """A sanitised molecule's structure, with its hydrogens, and 3D where the input had it."""
    from rdkit import Chem

    smiles = Chem.MolToSmiles(Chem.RemoveHs(mol))
    positions, full = _positions(mol)
    if full is None:
        # The same atom order however the molecule was written, so the same 3D.
        full = Chem.AddHs(Chem.MolFromSmiles(smiles))
    charge = Chem.GetFormalCharge(full)
    symbols = tuple(atom.GetSymbol() for atom in full.GetAtoms())
    if len(symbols) > MAX_ATOMS:
        raise MoleculeError(_too_many(len(symbols)))
    return Structure(
        kind="molecule",
        reading=reading,
        symbols=symbols,
        positions_angstrom=positions,
        smiles=smiles,
        inchikey=_inchikey(mol),
        charge=charge,
        multiplicity=_multiplicity(full, smiles, charge),
        warnings=_warnings(mol, smiles),
    )


def _positions(mol: Any) -> tuple[tuple[Vector, ...] | None, Any]:
    """The 3D of a mol block, hydrogens completed; None for a drawing or a SMILES."""
    from rdkit import Chem

    if not mol.GetNumConformers() or not mol.GetConformer().Is3D():
        return None, None
    full = Chem.AddHs(mol, addCoords=True)
    rows = full.GetConformer().GetPositions().tolist()
    return tuple((x, y, z) for x, y, z in rows), full


def _inchikey(mol: Any) -> str | None:
    from rdkit import Chem

    return Chem.MolToInchiKey(mol) or None if mol.GetNumAtoms() <= 1000 else None


def lowest_multiplicity(n_electrons: int) -> int:
    return 1 + n_electrons % 2


def _multiplicity(full: Any, smiles: str, charge: int) -> int:
    """Unpaired electrons as the radicals say, made to fit the number of electrons."""
    from ase.data import ground_state_magnetic_moments

    numbers = [atom.GetAtomicNum() for atom in full.GetAtoms()]
    if len(numbers) == 1 and charge == 0:
        return 1 + round(float(ground_state_magnetic_moments[numbers[0]]))
    if smiles == "O=O":
        return 3  # the one common molecule whose SMILES hides its radicals
    # RDKit counts every missing valence: beyond two on an atom, pairs form (CH is a doublet).
    radicals = (atom.GetNumRadicalElectrons() for atom in full.GetAtoms())
    unpaired = sum(n if n <= 2 else 2 - n % 2 for n in radicals)
    lowest = lowest_multiplicity(sum(numbers) - charge)
    return 1 + unpaired if (1 + unpaired - lowest) % 2 == 0 else lowest


def _warnings(mol: Any, smiles: str) -> tuple[str, ...]:
    from rdkit import Chem

    warnings = []
    centres = Chem.FindPotentialStereo(mol)
    unknown = sum(c.specified == Chem.StereoSpecified.Unspecified for c in centres)
    if unknown:
        places = f"{unknown} place{'s' if unknown > 1 else ''}"
        warnings.append(f"Stereochemistry is not given at {places}: one isomer is taken.")
    fragments = smiles.count(".") + 1
    if fragments > 1:
        warnings.append(
            f"It has {fragments} separate parts (a salt, a complex?): where they lie to each other "
            "is a guess, unless you give coordinates."
        )
    if any(atom.GetIsotope() for atom in mol.GetAtoms()):
        warnings.append("Isotopes are read and make no difference to the electrons.")
    return tuple(warnings)
