"""Does the chemistry make sense? Asked when a job is submitted, without an engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulations.base import Checked, Note
from simulations.errors import FieldError, InvalidParams
from simulations.structures import Structure, lowest_multiplicity, resolve

from .methods import FUNCTIONALS, bases_for, covers
from .params import MAX_DFT_ATOMS, MoleculeDftParams

SPIN_NAMES = {1: "singlet", 2: "doublet", 3: "triplet", 4: "quartet", 5: "quintet"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Molecule:
    """A molecule whose charge, spin and method go together."""

    structure: Structure
    charge: int
    multiplicity: int

    @property
    def n_electrons(self) -> int:
        return self.structure.n_protons - self.charge


def understand(params: MoleculeDftParams) -> Molecule:
    """The molecule that the params mean.

    :raises InvalidParams: with all that is wrong at once.
    """
    structure = resolve(params.structure)
    if structure.crystal:
        raise InvalidParams([_is_crystal(structure)])
    molecule = _with_spin(structure, params)
    errors = [*_size(molecule), *_electrons(molecule, params), *_method(molecule, params)]
    if errors:
        raise InvalidParams(errors)
    return molecule


def inspect_molecule(params: MoleculeDftParams) -> Checked:
    molecule = understand(params)
    return Checked(
        params={},
        notes=notes_on(molecule, params),
        structure={
            **molecule.structure.as_dict(),
            "charge": molecule.charge,
            "multiplicity": molecule.multiplicity,
            "n_electrons": molecule.n_electrons,
        },
    )


def notes_on(molecule: Molecule, params: MoleculeDftParams) -> list[Note]:
    structure = molecule.structure
    notes = [Note(code="structure", message=structure.sentence)]
    notes += [Note(code="structure_warning", message=warning) for warning in structure.warnings]
    if params.multiplicity is None and molecule.multiplicity > 1:
        spin = SPIN_NAMES.get(molecule.multiplicity, "high spin")
        message = f"Computed with multiplicity {molecule.multiplicity} ({spin})."
        notes.append(Note(code="open_shell", message=message))
    if params.charge is not None and params.charge != structure.charge and structure.smiles:
        message = (
            f"Charge {params.charge} was asked; the structure as written has {structure.charge}."
        )
        notes.append(Note(code="charge_differs", message=message))
    if params.dispersion == "auto" and not FUNCTIONALS[params.functional].d3bj:
        message = f"D3(BJ) has no parameters for {params.functional}: no dispersion is added."
        notes.append(Note(code="no_dispersion", message=message))
    return notes


def _with_spin(structure: Structure, params: MoleculeDftParams) -> Molecule:
    charge = structure.charge if params.charge is None else params.charge
    lowest = lowest_multiplicity(structure.n_protons - charge)
    fits = charge == structure.charge and (structure.multiplicity - lowest) % 2 == 0
    likely = structure.multiplicity if fits else lowest
    return Molecule(structure=structure, charge=charge, multiplicity=params.multiplicity or likely)


def _is_crystal(structure: Structure) -> FieldError:
    return FieldError(
        path=("structure",),
        code="is_crystal",
        detail=f"{structure.sentence} This simulation computes molecules; for a crystal use "
        "dft_crystal.",
        fix={"simulation": "dft_crystal"},
    )


def _size(molecule: Molecule) -> list[FieldError]:
    n_atoms = molecule.structure.n_atoms
    if n_atoms <= MAX_DFT_ATOMS:
        return []
    detail = (
        f"The structure has {n_atoms} atoms with its hydrogens; DFT is run here on at most "
        f"{MAX_DFT_ATOMS}. Cut out the part that matters, or use a cheaper method."
    )
    return [FieldError(path=("structure",), code="too_many_atoms", detail=detail)]


def _electrons(molecule: Molecule, params: MoleculeDftParams) -> list[FieldError]:
    electrons, multiplicity = molecule.n_electrons, molecule.multiplicity
    if electrons < 1:
        detail = f"A charge of {molecule.charge} leaves {electrons} electrons."
        return [FieldError(path=("charge",), code="no_electrons", detail=detail)]
    lowest = lowest_multiplicity(electrons)
    mend = f"use {lowest} ({SPIN_NAMES[lowest]})"
    fix = {"multiplicity": lowest}
    count = f"{electrons} electron{'s' if electrons > 1 else ''} with charge {molecule.charge}"
    if (multiplicity - lowest) % 2:
        parity = "odd" if lowest == 1 else "even"
        detail = f"{count} need an {parity} multiplicity; {mend}."
        return [_spin_error("multiplicity_parity", detail, fix)]
    if multiplicity - 1 > electrons:
        detail = f"{count} have no multiplicity {multiplicity}; {mend}."
        return [_spin_error("multiplicity_too_high", detail, fix)]
    return []


def _spin_error(code: str, detail: str, fix: dict[str, Any]) -> FieldError:
    return FieldError(path=("multiplicity",), code=code, detail=detail, fix=fix)


def _method(molecule: Molecule, params: MoleculeDftParams) -> list[FieldError]:
    errors = []
    fix: dict[str, Any] | None
    symbols = set(molecule.structure.symbols)
    missing = sorted(symbol for symbol in symbols if not covers(params.basis, symbol))
    if missing:
        others = bases_for(symbols)
        known = f"use {', '.join(others)}" if others else "no basis here has them all"
        detail = f"The basis {params.basis} has no {', '.join(missing)}; {known}."
        fix = {"basis": "def2-svp" if "def2-svp" in others else others[0]} if others else None
        errors.append(
            FieldError(path=("basis",), code="basis_lacks_element", detail=detail, fix=fix)
        )
    if params.dispersion == "d3bj" and not FUNCTIONALS[params.functional].d3bj:
        detail = f"D3(BJ) has no parameters for {params.functional}; use auto or none."
        fix = {"dispersion": "none"}
        errors.append(
            FieldError(path=("dispersion",), code="no_d3_parameters", detail=detail, fix=fix)
        )
    return errors
