"""What every GFN-xTB simulation asks for and gives back, and whether it makes sense."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from simulations.base import Note
from simulations.errors import FieldError, InvalidParams
from simulations.quantum.inspect import (
    Molecule,
    notes_on_conformers,
    notes_on_molecule,
    read_molecule,
    spin_errors,
    too_many_atoms,
)
from simulations.quantum.methods import ignoring_case
from simulations.quantum.orbitals import OrbitalLevel
from simulations.quantum.params import (
    ConformersField,
    DipoleField,
    DipoleVectorField,
    MoleculeParams,
    NoteInResult,
    SeedField,
    SolventField,
)
from simulations.quantum.solvents import (
    SOLVENTS,
    AnyCaseXtbSolventModel,
    solvents_of,
)
from simulations.quantum.xtb import XtbSettings, other_method
from simulations.structures import ATOMIC_NUMBERS

MAX_XTB_ATOMS = 300
LAST_ELEMENT = 86
"""Radon: the parametrisations end there."""

XtbMethod = Literal["GFN2-xTB", "GFN1-xTB"]


class XtbParams(MoleculeParams):
    """The molecule and the method."""

    method: Annotated[XtbMethod, ignoring_case(XtbMethod)] = Field(
        "GFN2-xTB",
        title="Method",
        description="GFN2-xTB is the better one for most molecules; GFN1-xTB is more robust for "
        "metals.",
    )
    solvent: SolventField = "none"
    solvent_model: AnyCaseXtbSolventModel = Field(
        "ALPB",
        title="Solvent model",
        description="ALPB, or the older GBSA, which knows fewer solvents. Used with a solvent "
        "only.",
    )
    seed: SeedField = 42

    @property
    def settings(self) -> XtbSettings:
        alpb = SOLVENTS[self.solvent].alpb if self.solvent != "none" else None
        solvation = (self.solvent_model, alpb) if alpb else None
        return XtbSettings(method=self.method, solvation=solvation)

    @property
    def label(self) -> str:
        """The method as a paper names it: `GFN2-xTB, ALPB(water)`."""
        solvent = "" if self.solvent == "none" else f", {self.solvent_model}({self.solvent})"
        return f"{self.method}{solvent}"


class XtbStartParams(XtbParams):
    """The molecule, the method, and from where it starts."""

    n_conformers: ConformersField = 1

    @property
    def steadier(self) -> dict[str, Any]:
        """The parametrisation whose forces may jump less here."""
        return {"method": other_method(self.method)}


class XtbResult(BaseModel):
    """Energy and charges of one molecule at one geometry."""

    energy_hartree: float = Field(
        title="Energy",
        description="Of the valence electrons: compare it with xTB energies only.",
        json_schema_extra={"unit": "hartree", "headline": True},
    )
    method: str = Field(title="Method", json_schema_extra={"headline": True})
    formula: str = Field(title="Formula", json_schema_extra={"headline": True})
    charge: int = Field(title="Charge", json_schema_extra={"headline": True})
    multiplicity: int = Field(title="Multiplicity", json_schema_extra={"headline": True})
    gap_ev: float | None = Field(
        title="HOMO-LUMO gap", json_schema_extra={"unit": "eV", "headline": True}
    )
    orbitals: list[OrbitalLevel] = Field(
        title="Orbital levels", description="The 21 nearest to the gap on either side of it."
    )
    dipole_debye: DipoleField
    dipole_vector_debye: DipoleVectorField = None
    mulliken_charges: list[float] = Field(title="Mulliken charges")
    symbols: list[str] = Field(title="Elements")
    positions_angstrom: list[list[float]] = Field(
        title="Positions", json_schema_extra={"unit": "Å"}
    )
    wall_time_s: float = Field(title="Wall time", json_schema_extra={"unit": "s"})
    versions: dict[str, str] = Field(title="Versions")
    notes: list[NoteInResult] = Field(title="Notes")


def understand_xtb(params: XtbParams) -> Molecule:
    """The molecule that the params mean.

    :raises InvalidParams: with all that is wrong at once.
    """
    molecule = read_molecule(params)
    errors = [*too_many_atoms(molecule, MAX_XTB_ATOMS, "xTB"), *spin_errors(molecule)]
    errors += [*_elements(molecule), *_solvent(params)]
    if errors:
        raise InvalidParams(errors)
    return molecule


def notes_on_xtb(molecule: Molecule, params: XtbParams) -> list[Note]:
    notes = notes_on_molecule(molecule, params)
    if molecule.multiplicity > 1:
        message = (
            f"{params.method} fills its orbitals for multiplicity {molecule.multiplicity} without "
            "an energy of spin: do not compare spin states by it."
        )
        notes.append(Note(code="no_spin_energy", message=message))
    if isinstance(params, XtbStartParams):
        notes += notes_on_conformers(molecule, params.n_conformers)
    return notes


def _elements(molecule: Molecule) -> Iterable[FieldError]:
    beyond = {s for s in molecule.structure.counts if ATOMIC_NUMBERS[s] > LAST_ELEMENT}
    if beyond:
        detail = f"xTB has no parameters for {', '.join(sorted(beyond))}; it ends at radon."
        yield FieldError(path=("structure",), code="no_xtb_parameters", detail=detail)


def _solvent(params: XtbParams) -> Iterable[FieldError]:
    known = solvents_of(params.solvent_model, params.method)
    if params.solvent == "none" or params.solvent in known:
        return
    others = solvents_of("ALPB", params.method)
    fix: dict[str, Any] = {"solvent": "none"}
    if params.solvent in others:
        fix = {"solvent_model": "ALPB"}
    detail = (
        f"{params.solvent_model} of {params.method} has no parameters for {params.solvent}; it "
        f"knows {', '.join(known)}."
    )
    yield FieldError(path=("solvent",), code="solvent_unknown_to_model", detail=detail, fix=fix)


def versions() -> dict[str, str]:
    """What computed it, for whoever wants the same number again."""
    return {name: version(name) for name in ("tblite", "geometric", "rdkit")}
