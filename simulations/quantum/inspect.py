"""Does the chemistry make sense? Asked when a job is submitted, without an engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from simulations.base import Checked, Note
from simulations.errors import FieldError, InvalidParams
from simulations.structures import (
    Structure,
    lowest_multiplicity,
    multiplicity_of_atoms,
    resolve,
    unsure_metals,
)

from .cube_names import orbital_of
from .methods import FUNCTIONALS, bases_for, covers, reference_of
from .params import MAX_DFT_ATOMS, MoleculeDftParams, MoleculeParams

DISPERSION_NAMES = {"d3bj": "D3(BJ)", "d4": "D4"}
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
    molecule = read_molecule(params)
    errors = [*too_many_atoms(molecule, MAX_DFT_ATOMS, "DFT"), *spin_errors(molecule)]
    errors += [*_method(molecule, params), *_cubes(molecule, params)]
    if errors:
        raise InvalidParams(errors)
    return molecule


def inspect_molecule(params: MoleculeDftParams) -> Checked:
    molecule = understand(params)
    return checked(molecule, notes_on(molecule, params))


def notes_on(molecule: Molecule, params: MoleculeDftParams) -> list[Note]:
    notes = notes_on_molecule(molecule, params)
    if params.dispersion == "auto" and not FUNCTIONALS[params.functional].d3bj:
        message = f"D3(BJ) has no parameters for {params.functional}: no dispersion is added."
        notes.append(Note(code="no_dispersion", message=message))
    return notes + notes_on_conformers(molecule, params.n_conformers)


def notes_on_conformers(molecule: Molecule, n_conformers: int) -> list[Note]:
    """A note where they were asked for and the structure's own coordinates are taken."""
    if n_conformers == 1 or molecule.structure.positions_angstrom is None:
        return []
    message = f"n_conformers = {n_conformers} is not used: the structure brings its own 3D."
    return [Note(code="conformers_unused", message=message)]


def checked(molecule: Molecule, notes: list[Note]) -> Checked:
    """What a page shows of a molecule that may be queued."""
    shown = molecule.structure.as_dict()
    if molecule.charge != molecule.structure.charge:
        shown.pop("inchikey", None)  # it was that of the charge as written
    shown |= {
        "charge": molecule.charge,
        "multiplicity": molecule.multiplicity,
        "n_electrons": molecule.n_electrons,
    }
    return Checked(params={}, notes=notes, structure=shown)


def notes_on_molecule(molecule: Molecule, params: MoleculeParams) -> list[Note]:
    """How the structure was read, and what was decided for the user."""
    structure = molecule.structure
    notes = [Note(code="structure", message=structure.sentence)]
    notes += [Note(code="structure_warning", message=warning) for warning in structure.warnings]
    if params.multiplicity is None and molecule.multiplicity > 1:
        spin = SPIN_NAMES.get(molecule.multiplicity, "high spin")
        message = f"Computed with multiplicity {molecule.multiplicity} ({spin})."
        notes.append(Note(code="open_shell", message=message))
    if params.multiplicity is None:
        notes += _notes_on_metals(molecule)
    if params.charge is not None and params.charge != structure.charge and structure.smiles:
        message = (
            f"Charge {_signed(params.charge)} was asked; the structure as written has "
            f"{_signed(structure.charge)}."
        )
        notes.append(Note(code="charge_differs", message=message))
    return notes


def _notes_on_metals(molecule: Molecule) -> list[Note]:
    metals = unsure_metals(molecule.structure.symbols)
    if not metals:
        return []
    taken = molecule.multiplicity
    message = (
        f"How many electrons of {', '.join(metals)} are unpaired cannot be told from the "
        f"structure: multiplicity {taken} was taken. Compute {taken + 2} and {taken + 4} by DFT "
        "too, and keep the lowest."
    )
    return [Note(code="spin_of_metal", message=message)]


def _signed(charge: int) -> str:
    return f"{charge:+d}" if charge else "0"


def read_molecule(params: MoleculeParams) -> Molecule:
    """:raises InvalidParams: the text is no molecule."""
    structure = resolve(params.structure)
    if structure.crystal:
        raise InvalidParams([_is_crystal(structure)])
    if structure.macromolecule:
        raise InvalidParams([_is_macromolecule(structure)])
    charge = structure.charge if params.charge is None else params.charge
    multiplicity = params.multiplicity or _likely_multiplicity(structure, charge)
    return Molecule(structure=structure, charge=charge, multiplicity=multiplicity)


def _likely_multiplicity(structure: Structure, charge: int) -> int:
    """:param charge: may be another than the structure's as written."""
    lowest = lowest_multiplicity(structure.n_protons - charge)
    if charge == structure.charge:
        return structure.multiplicity if (structure.multiplicity - lowest) % 2 == 0 else lowest
    return multiplicity_of_atoms(structure.symbols, charge)


def refuse_single_atom(molecule: Molecule, what: str, instead: str) -> None:
    """:raises InvalidParams: it has one atom; `what` has no sense then."""
    if molecule.structure.n_atoms == 1:
        detail = f"A single atom has no {what}; use {instead}."
        error = FieldError(
            path=("structure",), code="one_atom", detail=detail, fix={"simulation": instead}
        )
        raise InvalidParams([error])


def _is_crystal(structure: Structure) -> FieldError:
    return FieldError(
        path=("structure",),
        code="is_crystal",
        detail=f"{structure.sentence} This simulation computes molecules; for a crystal use "
        "dft_crystal.",
        fix={"simulation": "dft_crystal"},
    )


def _is_macromolecule(structure: Structure) -> FieldError:
    return FieldError(
        path=("structure",),
        code="is_macromolecule",
        detail=f"{structure.sentence} This simulation computes small molecules: cut out the part "
        "that matters and give it as XYZ or an SD file; to move a protein use md_simulation.",
        fix={"simulation": "md_simulation"},
    )


def too_many_atoms(molecule: Molecule, limit: int, method: str) -> Iterable[FieldError]:
    """A complaint if the method is not run on so many."""
    n_atoms = molecule.structure.n_atoms
    if n_atoms > limit:
        detail = (
            f"The structure has {n_atoms} atoms with its hydrogens; {method} is run here on at "
            f"most {limit}. Cut out the part that matters, or use a cheaper method."
        )
        yield FieldError(path=("structure",), code="too_many_atoms", detail=detail)


def spin_errors(molecule: Molecule) -> list[FieldError]:
    """Complaints if the electrons cannot have this charge and multiplicity."""
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


def _method(molecule: Molecule, params: MoleculeDftParams) -> Iterable[FieldError]:
    yield from _basis(molecule, params)
    functional = FUNCTIONALS[params.functional]
    for asked, known in (("d3bj", functional.d3bj), ("d4", functional.d4)):
        if params.dispersion == asked and not known:
            name = DISPERSION_NAMES[asked]
            detail = f"{name} has no parameters for {params.functional}; use auto or none."
            code, fix = f"no_{asked[:2]}_parameters", {"dispersion": "none"}
            yield FieldError(path=("dispersion",), code=code, detail=detail, fix=fix)
    if params.reference == "rks" and molecule.multiplicity > 1:
        detail = f"rks pairs all spins, multiplicity {molecule.multiplicity} does not; use uks."
        fix = {"reference": "uks"}
        yield FieldError(
            path=("reference",), code="reference_needs_singlet", detail=detail, fix=fix
        )


def _basis(molecule: Molecule, params: MoleculeDftParams) -> Iterable[FieldError]:
    symbols = set(molecule.structure.counts)
    missing = sorted(symbol for symbol in symbols if not covers(params.basis, symbol))
    if missing:
        others = bases_for(symbols)
        known = f"use {', '.join(others)}" if others else "no basis here has them all"
        detail = f"The basis {params.basis} has no {', '.join(missing)}; {known}."
        fix = {"basis": "def2-svp" if "def2-svp" in others else others[0]} if others else None
        yield FieldError(path=("basis",), code="basis_lacks_element", detail=detail, fix=fix)


def _cubes(molecule: Molecule, params: MoleculeDftParams) -> Iterable[FieldError]:
    """Complaints about cubes that this molecule cannot have."""
    for index, name in enumerate(params.cubes):
        detail = _impossible(name, molecule, params)
        if detail:
            yield FieldError(path=("cubes", index), code="no_such_cube", detail=detail)


def _impossible(name: str, molecule: Molecule, params: MoleculeDftParams) -> str:
    if name == "spin_density":
        paired = reference_of(params.reference, molecule.multiplicity) == "RKS"
        return "All spins are paired: there is no spin_density; take it out of cubes." * paired
    orbital = orbital_of(name)
    most = (molecule.n_electrons + molecule.multiplicity - 1) // 2
    if orbital and orbital.side == "homo" and orbital.offset >= most:
        return f"cubes asks for {name}; {molecule.n_electrons} electrons fill {most} orbitals only."
    return ""
