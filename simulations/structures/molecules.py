"""From an RDKit molecule to a `Structure`: hydrogens, radicals, charge, stereo."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import isfinite
from typing import Any

from . import inchikeys
from .distances import coincident
from .model import ISOTOPE, Structure, Vector, protons
from .open_valences import unpaired_of, warnings_of
from .rdkit_log import listening
from .smiles import ATOM
from .spins import is_like_oxygen, lowest_multiplicity, multiplicity_of_atom
from .stereo import open_places

MAX_ATOMS = 600
"""Beyond this no simulation here can use a structure, and reading it gets slow."""
MAX_PLACES = 8
"""Named in a warning; the others are counted."""
_SYMBOL = re.compile(r"\[\d*([A-Za-z][a-z]?)")
"""Of an atom in brackets."""


class MoleculeError(ValueError):
    """Why RDKit's molecule cannot be used, in a clause."""


def read(
    parse: Callable[[], Any], reading: str, *, line: str = "", leaves_inchikey: bool = False
) -> Structure:
    """The structure of the molecule, not yet sanitised, that `parse` makes by RDKit.

    :param line: the SMILES that it is made from.
    :param leaves_inchikey: it is worked out later.
    :raises MoleculeError: RDKit refuses it, or cannot cope with it.
    """
    with listening() as heard:
        try:
            mol = parse()
            if mol is None:
                raise MoleculeError(heard.summary() or "RDKit refuses it")
            mol = sanitize(mol, parse)
            inchikey = inchikeys.LEFT if leaves_inchikey else inchikeys.of_molecule(mol)
            return from_rdkit(mol, reading, line, inchikey)
        except MoleculeError:
            raise
        # What a user writes can trip RDKit anywhere, even where it found no problems: its calls
        # raise RuntimeError, ValueError and TypeError. None of them is to end as our crash.
        except Exception as exc:
            raise MoleculeError(f"RDKit cannot cope with it: {_first_line(exc)}") from exc


def _first_line(exc: Exception) -> str:
    lines = [line.strip() for line in str(exc).splitlines()]
    telling = [line for line in lines if line and line != "Pre-condition Violation"]
    return telling[0].rstrip(".") if telling else type(exc).__name__


def sanitize(mol: Any, parse: Callable[[], Any]) -> Any:
    """The molecule, its valences found to be possible.

    :param parse: makes it anew, as it was written.
    :raises MoleculeError: naming the atom.
    """
    from rdkit import Chem

    if mol.GetNumAtoms() == 0:
        raise MoleculeError("it holds no atoms")
    if mol.GetNumAtoms() > MAX_ATOMS:
        raise MoleculeError(_too_many(mol.GetNumAtoms()))
    _sanitize(mol, parse)
    if _is_in_space(mol):
        Chem.AssignStereochemistryFrom3D(mol)
    else:
        # Without it a double bond has its slashes, or its drawing, and is neither cis nor trans.
        Chem.AssignStereochemistry(mol, cleanIt=True)
    _refuse_unknown_atoms(mol)
    return mol


def _sanitize(mol: Any, parse: Callable[[], Any]) -> None:
    """What is wrong is looked for only where something is: to look takes as long as to mend."""
    from rdkit import Chem

    if Chem.SanitizeMol(mol, catchErrors=True) == Chem.SanitizeFlags.SANITIZE_NONE:
        return
    written = parse()
    problems = [found.Message().rstrip(".") for found in Chem.DetectChemistryProblems(written)]
    if problems:
        raise MoleculeError("; ".join(problems))
    Chem.SanitizeMol(written)  # which says what it cannot cope with


def _too_many(n_atoms: int) -> str:
    return f"it has {n_atoms} atoms, more than the {MAX_ATOMS} read here"


def _is_in_space(mol: Any) -> bool:
    return bool(mol.GetNumConformers() and mol.GetConformer().Is3D())


def _refuse_unknown_atoms(mol: Any) -> None:
    if unknown := _light(mol, 0):
        atom = unknown[0]
        raise MoleculeError(f"atom {atom.GetIdx() + 1} ({atom.GetSymbol()}) is no element")


def _light(mol: Any, atomic_number: int) -> list[Any]:
    """Its atoms of that number, 0 or 1. Where all are heavier, to count them tells that sooner."""
    from rdkit.Chem import rdqueries

    if mol.GetNumHeavyAtoms() == mol.GetNumAtoms():
        return []
    return list(mol.GetAtomsMatchingQuery(rdqueries.AtomNumEqualsQueryAtom(atomic_number)))


def from_rdkit(mol: Any, reading: str, line: str, inchikey: str | None) -> Structure:
    """A sanitised molecule's structure, with its hydrogens, and 3D where the input had it."""
    from rdkit import Chem

    smiles = Chem.MolToSmiles(_without_hydrogens(mol))
    positions, whole = _positions(mol)
    if whole is None:
        # Its own canonical SMILES need not be read twice.
        whole = mol if smiles == line else _read_back(mol, smiles)
    charge = Chem.GetFormalCharge(whole)
    written, opened = _atoms_of_line(whole, smiles) if positions is None else _atoms_of(whole)
    symbols = _with_hydrogens(whole, written)
    if len(symbols) > MAX_ATOMS:
        raise MoleculeError(_too_many(len(symbols)))
    return Structure(
        kind="molecule",
        reading=reading,
        symbols=symbols,
        positions_angstrom=positions,
        smiles=smiles,
        inchikey=inchikey,
        charge=charge,
        multiplicity=_multiplicity(symbols, charge, opened),
        warnings=(*_warnings(mol, smiles), *_electronic(opened, len(symbols), charge)),
    )


def _without_hydrogens(mol: Any) -> Any:
    """The same where none is written: to take none away costs as much as to read it."""
    from rdkit import Chem

    return Chem.RemoveHs(mol) if _light(mol, 1) else mol


def _atoms_of_line(mol: Any, smiles: str) -> tuple[list[str], list[Any]]:
    """As `_atoms_of`, of a molecule in the order of its canonical SMILES, which tells both for less
    than a question to RDKit for each atom: what has no brackets there is no radical."""
    written = ATOM.findall(smiles)
    if len(written) != mol.GetNumAtoms():
        return _atoms_of(mol)  # a hydrogen of the line is none of its atoms
    bracketed = (mol.GetAtomWithIdx(n) for n, atom in enumerate(written) if atom[0] == "[")
    return [_symbol_of(atom) for atom in written], [*filter(_is_open, bracketed)]


def _atoms_of(mol: Any) -> tuple[list[str], list[Any]]:
    """The symbols of its atoms, and those atoms that have electrons in no bond."""
    # RDKit's own sequence counts all of them anew for each.
    atoms = [mol.GetAtomWithIdx(n) for n in range(mol.GetNumAtoms())]
    return [atom.GetSymbol() for atom in atoms], [*filter(_is_open, atoms)]


def _is_open(atom: Any) -> bool:
    return bool(atom.GetNumRadicalElectrons())


@lru_cache(maxsize=1000)
def _symbol_of(written: str) -> str:
    """Of an atom as a SMILES has it: `c`, `[C@@H]`, `[13CH4]`, `[se]`."""
    found = _SYMBOL.match(written)
    return (found[1] if found else written).capitalize()


def _with_hydrogens(mol: Any, written: list[str]) -> tuple[str, ...]:
    """Hydrogens that are not written come last, as RDKit's `AddHs` would add them."""
    from rdkit.Chem.rdMolDescriptors import CalcNumAtoms

    return (*written, *["H"] * (CalcNumAtoms(mol) - len(written)))


def _read_back(mol: Any, smiles: str) -> Any:
    """The molecule in the order of its canonical SMILES: the same 3D however it was written."""
    from rdkit import Chem

    again = Chem.MolFromSmiles(smiles)
    if again is None or _composition(again) != _composition(mol):
        raise MoleculeError("RDKit does not read the SMILES that it writes of it as the same")
    return again


def _composition(mol: Any) -> str:
    """Its formula and charge, hydrogens that are not written included."""
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    return str(CalcMolFormula(mol))


def _positions(mol: Any) -> tuple[tuple[Vector, ...] | None, Any]:
    """The 3D of a mol block, hydrogens completed; None for a drawing or a SMILES."""
    from rdkit import Chem

    if not _is_in_space(mol):
        return None, None
    full = Chem.AddHs(mol, addCoords=True)
    rows = full.GetConformer().GetPositions().tolist()
    _refuse_impossible(rows)
    return tuple((x, y, z) for x, y, z in rows), full


def _refuse_impossible(rows: list[list[float]]) -> None:
    if not all(isfinite(value) and abs(value) < 1e4 for row in rows for value in row):
        raise MoleculeError("it has a coordinate outside ±10,000 Å")
    if pair := coincident(rows):
        first, second, distance = pair
        raise MoleculeError(
            f"atoms {first + 1} and {second + 1} are {distance:.2f} Å apart; coordinates are in Å"
        )


def _multiplicity(symbols: Sequence[str], charge: int, opened: Sequence[Any]) -> int:
    """Unpaired electrons as the radicals say, made to fit the number of electrons."""
    if len(symbols) == 1:
        return multiplicity_of_atom(symbols[0], charge)
    if is_like_oxygen(symbols, charge):
        return 3  # whose SMILES hides its radicals
    unpaired = sum(map(unpaired_of, opened))
    lowest = lowest_multiplicity(protons(symbols) - charge)
    return 1 + unpaired if (1 + unpaired - lowest) % 2 == 0 else lowest


def _place(mol: Any, centre: Any) -> str:
    """The atom or bond, its atoms counted from 1 as they were written."""
    from rdkit import Chem

    def named(atom: Any) -> str:
        return f"{atom.GetSymbol()} {atom.GetIdx() + 1}"

    if centre.type == Chem.StereoType.Bond_Double:
        bond = mol.GetBondWithIdx(centre.centeredOn)
        return f"bond {named(bond.GetBeginAtom())}={named(bond.GetEndAtom())}"
    if centre.type == Chem.StereoType.Atom_Tetrahedral:
        return f"atom {named(mol.GetAtomWithIdx(centre.centeredOn))}"
    return str(centre.type).lower().replace("_", " ")


def _electronic(opened: Sequence[Any], n_atoms: int, charge: int) -> list[str]:
    """Charge and radicals as written, which a slip of the pen makes as well."""
    charged = [f"As written it has charge {charge:+d}."] if charge else []
    return charged + warnings_of(opened, n_atoms)


def _warnings(mol: Any, smiles: str) -> tuple[str, ...]:
    warnings = []
    if unknown := open_places(mol, smiles):
        places = f"{len(unknown)} place{'s' if len(unknown) > 1 else ''}"
        named = ", ".join(_place(mol, centre) for centre in unknown[:MAX_PLACES])
        more = f" and {len(unknown) - MAX_PLACES} more" if len(unknown) > MAX_PLACES else ""
        warnings.append(
            f"Stereochemistry is not given at {places} ({named}{more}): one isomer is taken."
        )
    fragments = smiles.count(".") + 1
    if fragments > 1:
        warnings.append(
            f"It has {fragments} separate parts (a salt, a complex?): where they lie to each other "
            "is a guess, unless you give coordinates."
        )
    if ISOTOPE.search(smiles):
        warnings.append("Isotopes are read and make no difference to the electrons.")
    return tuple(warnings)
