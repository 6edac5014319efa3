"""What a conformer search asks for and gives back."""

from __future__ import annotations

from pydantic import AliasChoices, BaseModel, Field

from simulations.base import Note
from simulations.quantum.inspect import Molecule
from simulations.quantum.params import MaxStepsField, NoteInResult

from .params import XtbParams, notes_on_xtb


class ConformerSearchParams(XtbParams):
    """Of which molecule, and how far to look."""

    n_trials: int = Field(
        30,
        ge=1,
        le=500,
        title="Trials",
        description="3D structures to embed, from as many seeds.",
        json_schema_extra={"level": "main"},
    )
    energy_window_kcal_mol: float = Field(
        6.0,
        gt=0,
        le=50,
        title="Energy window",
        description="Conformers this far above the lowest are left out.",
        json_schema_extra={"unit": "kcal/mol", "level": "main"},
    )
    rmsd_threshold_angstrom: float = Field(
        0.125,
        gt=0,
        le=2,
        title="Smallest RMSD",
        description="Two conformers closer than this, and equal in energy, count as one.",
        json_schema_extra={"unit": "Å", "level": "expert"},
    )
    max_steps: MaxStepsField = 300
    temperature_k: float = Field(
        298.15,
        gt=0,
        le=10_000,
        title="Temperature",
        description="Of the Boltzmann weights.",
        validation_alias=AliasChoices("temperature_k", "temperature"),
        json_schema_extra={"unit": "K"},
    )


class RankedConformer(BaseModel):
    rank: int = Field(title="Rank")
    energy_hartree: float = Field(title="Energy", json_schema_extra={"unit": "hartree"})
    relative_kcal_mol: float = Field(
        title="Above the lowest", json_schema_extra={"unit": "kcal/mol"}
    )
    weight: float = Field(title="Boltzmann weight")
    rmsd_to_best_angstrom: float = Field(
        title="RMSD to the lowest", json_schema_extra={"unit": "Å"}
    )


class ConformerSearchResult(BaseModel):
    """The conformers, lowest energy first."""

    energy_hartree: float = Field(
        title="Lowest energy", json_schema_extra={"unit": "hartree", "headline": True}
    )
    conformers: list[RankedConformer] = Field(title="Conformers")
    n_embedded: int = Field(title="Embedded")
    n_relaxed: int = Field(title="Relaxed by xTB")
    n_conformers: int = Field(title="Distinct, in the window", json_schema_extra={"headline": True})
    temperature_k: float = Field(title="Temperature", json_schema_extra={"unit": "K"})
    method: str = Field(title="Method", json_schema_extra={"headline": True})
    formula: str = Field(title="Formula", json_schema_extra={"headline": True})
    charge: int = Field(title="Charge", json_schema_extra={"headline": True})
    multiplicity: int = Field(title="Multiplicity")
    wall_time_s: float = Field(title="Wall time", json_schema_extra={"unit": "s"})
    versions: dict[str, str] = Field(title="Versions")
    notes: list[NoteInResult] = Field(title="Notes")


def notes_on_search(molecule: Molecule, params: ConformerSearchParams) -> list[Note]:
    notes = notes_on_xtb(molecule, params)
    if molecule.structure.positions_angstrom is not None:
        message = "Only the bonds of the structure are used; its coordinates are made anew."
        notes.append(Note(code="coordinates_unused", message=message))
    message = (
        "xTB orders conformers to about 1 kcal/mol: optimise the lowest again with DFT before you "
        "rely on their order or weights."
    )
    return [*notes, Note(code="accuracy", message=message)]
