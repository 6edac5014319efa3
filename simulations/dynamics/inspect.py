"""Can this be simulated? Asked when a job is submitted, without an engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulations.base import Checked, Note
from simulations.errors import FieldError, InvalidParams
from simulations.structures import Structure, StructureInput, resolve
from simulations.structures.formats import Format
from simulations.structures.macromolecules import MacromoleculeError, as_pdb

from . import pdb_text
from .molecule import molecule
from .params import MdParams
from .pdb_text import PdbText
from .schedule import (
    MAX_STEP_FS,
    environment,
    is_constrained,
    pressure_bar,
    schedule,
    timestep_fs,
)

MAX_PROTEIN_ATOMS = 6000
MAX_SOLVATED_ATOMS = 60_000
MAX_REPORTS = 10_000
MAX_STEPS = 200_000_000
ATOMS_PER_CUBIC_ANGSTROM = 0.1
"""Of water, and near enough of protein."""


def inspect(params: MdParams) -> Checked:
    """What is to move, and for how long.

    :raises InvalidParams: with all that is wrong with the settings, or else with the structure.
    """
    errors = [*_one_of_two(params), *_surroundings(params), *_time(params)]
    if errors:
        raise InvalidParams(errors)
    if params.protein is None:
        assert params.structure is not None  # _one_of_two has seen to it
        return _small_molecule(params, resolve(params.structure))
    return _protein(params, protein_of(params))


def _small_molecule(params: MdParams, structure: Any) -> Checked:
    mol = molecule(structure, params.charge)
    notes = [
        Note(code="structure", message=structure.sentence),
        *(Note(code="structure_warning", message=text) for text in structure.warnings),
        *_notes_on_plan(params),
    ]
    known = {**structure.as_dict(), "charge": sum(a.GetFormalCharge() for a in mol.GetAtoms())}
    return Checked(params={}, notes=notes, structure=known)


def _protein(params: MdParams, text: PdbText) -> Checked:
    residues, n_atoms = len(text.protein), text.n_atoms
    reading = f"read as PDB: {residues} residues, {n_atoms} atoms as given"
    notes = [
        Note(code="structure", message=f"{reading[0].upper()}{reading[1:]}."),
        *notes_on_pdb(text),
        *_notes_on_plan(params),
    ]
    if environment(params) == "explicit":
        count = solvated_atoms(params, text)
        message = f"With its water about {round(count, -2):,} atoms."
        notes.append(Note(code="solvated_size", message=message))
    _refuse_size(params, text)
    whole = _resolved(params)
    if whole.macromolecule and whole.macromolecule.missing:
        lost = ", ".join(whole.macromolecule.missing)
        message = f"Residues that the sequence names are missing, and stay so: {lost}."
        notes.append(Note(code="structure_warning", message=message))
    known = {**whole.as_dict(), "kind": "protein", "reading": reading}
    known |= {"n_atoms": n_atoms, "n_residues": residues}
    return Checked(params={}, notes=notes, structure=known)


def _resolved(params: MdParams) -> Structure:
    """What the file holds, water and all.

    :raises InvalidParams: on the field that holds it.
    """
    kind: Format = "mmcif" if _format(params) == "mmcif" else "pdb"
    try:
        return resolve(StructureInput(format=kind, text=_text(params)))
    except InvalidParams as refused:
        path = (params.protein_field,)
        raise InvalidParams([replace(error, path=path) for error in refused.errors]) from None


def _format(params: MdParams) -> str:
    return params.protein.likely_format if params.protein else "pdb"


def _text(params: MdParams) -> str:
    return params.protein.text if params.protein else ""


def protein_text(params: MdParams) -> str:
    """The protein's text as a PDB file.

    :raises InvalidParams: it is mmCIF, and cannot be read.
    """
    try:
        return as_pdb(_text(params), _format(params))
    except MacromoleculeError as exc:
        raise _pdb_refusal(params, "unreadable_mmcif", f"As mmCIF: {exc}.") from None


def protein_of(params: MdParams) -> PdbText:
    """
    :raises InvalidParams: it is not of amino acids alone, chains are broken, or atoms lie on one
        another.
    """
    try:
        found = pdb_text.read(protein_text(params))
    except pdb_text.PdbError as exc:
        raise _pdb_refusal(params, "unreadable_pdb", str(exc)) from None
    if found.others:
        raise _pdb_refusal(params, "no_parameters", _name_others(found))
    if not found.protein:
        raise _pdb_refusal(params, "no_protein", "The PDB text holds water only.")
    if broken := found.breaks():
        gaps = "; ".join(f"{one} and {two}" for one, two in broken[:5])
        detail = (
            f"Residues are missing between {gaps}: they follow each other in a chain and are not "
            "bonded. Model the loop first, or part the chain by a TER line."
        )
        raise _pdb_refusal(params, "missing_residues", detail)
    if overlaps := found.overlaps():
        pairs = "; ".join(f"{one} and {other}" for one, other in overlaps[:5])
        detail = (
            f"Atoms lie on one another: {pairs}. Where these are hydrogens, remove all hydrogens "
            "from the PDB text: they are added anew."
        )
        raise _pdb_refusal(params, "atoms_overlap", detail)
    return found


def notes_on_pdb(text: PdbText) -> list[Note]:
    notes = []
    if text.waters:
        message = f"{len(text.waters)} water molecules of the PDB text are left out."
        notes.append(Note(code="waters_left_out", message=message))
    if replaced := [str(r) for r in text.protein if r.name in pdb_text.REPLACED]:
        message = f"{', '.join(replaced)}: selenomethionine is replaced by methionine."
        notes.append(Note(code="residues_replaced", message=message))
    if text.several_models:
        notes.append(Note(code="first_model", message="Of several models the first is taken."))
    if text.alternates:
        message = "Of alternate positions of an atom the first is taken."
        notes.append(Note(code="alternates", message=message))
    return notes


def _name_others(text: PdbText) -> str:
    named = ", ".join(f"{r} ({len(r.atoms)} atoms)" for r in text.others[:8])
    more = f" and {len(text.others) - 8} more" if len(text.others) > 8 else ""
    return (
        f"Amber ff14SB has parameters for amino acids only, and the PDB text also holds {named}"
        f"{more}. Remove these lines if the question allows it."
    )


def _one_of_two(params: MdParams) -> list[FieldError]:
    if (params.structure is None) == (params.pdb is None):
        detail = (
            "Give a structure: a small molecule, or the text of a PDB or mmCIF file."
            if params.pdb is None
            else "Give structure or pdb, not both."
        )
        field = "structure" if params.pdb is None else "pdb"
        return [FieldError(path=(field,), code="one_of_two", detail=detail)]
    return []


def _surroundings(params: MdParams) -> list[FieldError]:
    around = environment(params)
    if params.protein is None and around != "vacuum":
        detail = (
            f"A small molecule is simulated in vacuum only: there are no parameters here for an "
            f"arbitrary molecule in water, so environment {around} would be a guess."
        )
        return [_error("environment", "no_parameters", detail, "vacuum")]
    if params.ensemble == "NPT" and around != "explicit":
        detail = (
            f"NPT needs a box of explicit water; there is no pressure in {around} surroundings."
        )
        return [_error("ensemble", "no_pressure", detail, "NVT")]
    if params.heavy_hydrogens and around != "explicit":
        detail = "Heavy hydrogens are for explicit water only."
        return [_error("heavy_hydrogens", "not_explicit", detail, False)]
    return []


def _time(params: MdParams) -> list[FieldError]:
    step = timestep_fs(params)
    kind = "free"
    if is_constrained(params):
        kind = "heavy" if params.heavy_hydrogens else "constrained"
    errors = []
    if step > MAX_STEP_FS[kind]:
        errors.append(_error("timestep_fs", "timestep", _too_long(step, kind), MAX_STEP_FS[kind]))
    plan = schedule(params)
    if plan.n_steps > MAX_STEPS:
        detail = f"That is {plan.n_steps:,} steps; at most {MAX_STEPS:,} are run."
        errors.append(_error("length_ps", "too_long", detail))
    if plan.n_steps / plan.interval > MAX_REPORTS:
        least = plan.time_ps(plan.n_steps) / MAX_REPORTS
        detail = f"That makes more than {MAX_REPORTS:,} reports; take at least {least:.3g} ps."
        errors.append(_error("report_interval_ps", "too_many_reports", detail))
    return errors


def _too_long(step: float, kind: str) -> str:
    limit = MAX_STEP_FS[kind]
    if kind == "free":
        why = "without constraints the bonds to hydrogen swing in 9 fs"
    elif kind == "constrained":
        why = "beyond, explicit water and heavy_hydrogens are needed"
    else:
        why = "beyond, angles break"
    return f"timestep_fs is {step:g}; here at most {limit:g} fs: {why}."


def _refuse_size(params: MdParams, text: PdbText) -> None:
    if text.n_atoms > MAX_PROTEIN_ATOMS:
        detail = f"The protein has {text.n_atoms} atoms; at most {MAX_PROTEIN_ATOMS} are run here."
        raise _pdb_refusal(params, "too_many_atoms", detail)
    if environment(params) == "explicit":
        count = solvated_atoms(params, text)
        if count > MAX_SOLVATED_ATOMS:
            detail = (
                f"With its water the system would have about {round(count, -3):,} atoms; at most "
                f"{MAX_SOLVATED_ATOMS:,} are run here. Use implicit water, or less padding."
            )
            raise _pdb_refusal(params, "too_many_atoms", detail)


def solvated_atoms(params: MdParams, text: PdbText) -> int:
    """Of the whole box, roughly: it is not yet filled."""
    padding = params.padding_angstrom
    edge = max(2 * text.radius_angstrom + padding, 2 * padding)
    return round(edge**3 * ATOMS_PER_CUBIC_ANGSTROM)


def _notes_on_plan(params: MdParams) -> list[Note]:
    plan = schedule(params)
    bonds = "bonds to hydrogen constrained" if is_constrained(params) else "no constraints"
    message = (
        f"{plan.production_steps:,} steps of {plan.timestep_fs:g} fs ({bonds}) after "
        f"{plan.equilibration_steps:,} of equilibration; about {plan.n_frames} frames."
    )
    notes = [Note(code="plan", message=message)]
    if params.pressure_bar is not None and environment(params) != "explicit":
        message = (
            f"pressure_bar = {pressure_bar(params):g} was given and is not used: there is no box."
        )
        notes.append(Note(code="not_used", message=message))
    if params.ionic_strength_molar and environment(params) != "explicit":
        message = (
            f"ionic_strength_molar = {params.ionic_strength_molar:g} was given and is not used: "
            "salt goes into explicit water only."
        )
        notes.append(Note(code="not_used", message=message))
    if params.charge is not None and params.protein is not None:
        message = f"charge = {params.charge} was given and is not used: it follows from the pH."
        notes.append(Note(code="not_used", message=message))
    return notes


def _error(field: str, code: str, detail: str, fix: Any = None) -> FieldError:
    mend = None if fix is None else {field: fix}
    return FieldError(path=(field,), code=code, detail=detail, fix=mend)


def _pdb_refusal(params: MdParams, code: str, detail: str) -> InvalidParams:
    path = (params.protein_field,)
    return InvalidParams([FieldError(path=path, code=code, detail=detail)])
