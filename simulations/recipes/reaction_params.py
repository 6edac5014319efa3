"""What a reaction energy asks for, and what it gives back."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from simulations.quantum.methods import (
    AnyCaseBasis,
    AnyCaseDispersion,
    AnyCaseFunctional,
    ignoring_case,
)
from simulations.quantum.params import (
    ChargeField,
    ConformersField,
    MaxStepsField,
    MultiplicityField,
    NoteInResult,
    ScfCyclesField,
    SeedField,
    SolventField,
    StructureField,
)

MAX_SPECIES = 8
KJ_MOL: JsonDict = {"unit": "kJ/mol", "headline": True}
KCAL_MOL: JsonDict = {"unit": "kcal/mol", "headline": True}
HARTREE: JsonDict = {"unit": "hartree"}

PLUS = re.compile(r"\s\+\s|\n")
ARROW = re.compile(r"\s(->|→|=|<=>|⇌)\s")
COUNTED = re.compile(r"(\d+(?:\.\d+|/[1-9]\d*)?)\s+(\S.*)")

Method = Literal["DFT", "GFN2-xTB", "GFN1-xTB"]


class ReactionSpecies(BaseModel):
    """One molecule or ion of the reaction, and how many of it."""

    model_config = ConfigDict(extra="forbid")

    structure: StructureField
    coefficient: float = Field(
        1.0,
        gt=0,
        le=100,
        title="Coefficient",
        description="How many of it the reaction takes or gives.",
    )
    charge: ChargeField = None
    multiplicity: MultiplicityField = None

    @model_validator(mode="before")
    @classmethod
    def _a_string_is_one_of_it(cls, data: Any) -> Any:
        return {"structure": data} if isinstance(data, str) else data


def as_written(data: Any) -> Any:
    """One side as chemists write it, `2 H2 + O2`, as the list of its species."""
    if not isinstance(data, str):
        return data
    if ARROW.search(data):
        raise ValueError(
            "What is before the arrow goes into reactants, what is after it into products."
        )
    return [_counted(part.strip()) for part in PLUS.split(data.strip()) if part.strip()]


def _counted(text: str) -> dict[str, Any]:
    if found := COUNTED.fullmatch(text):
        return {"structure": found[2], "coefficient": float(Fraction(found[1]))}
    return {"structure": text}


def _side(title: str, examples: list[Any]) -> Any:
    return Field(
        min_length=1,
        max_length=MAX_SPECIES,
        title=title,
        description="A line, blanks around each +, or a list of structures or of objects with "
        "structure, coefficient (1 unless given), charge and multiplicity.",
        json_schema_extra={"examples": examples},
    )


Side = Annotated[
    list[ReactionSpecies],
    BeforeValidator(as_written, json_schema_input_type=str | list[ReactionSpecies | str]),
]


class ReactionEnergyParams(BaseModel):
    """The reaction, and by which method each of its species is computed."""

    model_config = ConfigDict(extra="forbid")

    reactants: Annotated[Side, _side("Reactants", ["[C-]#[O+] + O", '["[C-]#[O+]", "O"]'])]
    products: Annotated[Side, _side("Products", ["O=C=O + [H][H]", '["O=C=O", "[H][H]"]'])]
    method: Annotated[Method, ignoring_case(Method)] = Field(
        "DFT",
        title="Method",
        description="DFT for energies to rely on; GFN-xTB in seconds, for a first look.",
    )
    functional: AnyCaseFunctional = Field(
        "B3LYP", title="Functional", description="Of DFT: the exchange-correlation functional."
    )
    basis: AnyCaseBasis = Field(
        "def2-svp",
        title="Basis set",
        description="Of DFT: def2-svp is quick, def2-tzvp publishable.",
    )
    dispersion: AnyCaseDispersion = Field(
        "auto",
        title="Dispersion",
        description="Of DFT: auto adds D3(BJ) where the functional has parameters.",
    )
    grid_level: int = Field(
        3, ge=0, le=6, title="Grid level", description="Of DFT's integration grid."
    )
    scf_max_cycles: ScfCyclesField = 100
    solvent: SolventField = "none"
    thermochemistry: bool = Field(
        False,
        title="Thermochemistry",
        description="Compute frequencies too, for the reaction's enthalpy and free energy.",
    )
    temperature_k: float = Field(
        298.15,
        gt=0,
        le=10_000,
        title="Temperature",
        description="Of the thermochemistry.",
        validation_alias=AliasChoices("temperature_k", "temperature"),
        json_schema_extra={"unit": "K"},
    )
    pressure_bar: float = Field(
        1.0,
        gt=0,
        le=10_000,
        title="Pressure",
        description="Of each ideal gas in the thermochemistry; 1 bar is the standard state.",
        json_schema_extra={"unit": "bar"},
    )
    n_conformers: ConformersField = 1
    max_steps: MaxStepsField = 200
    seed: SeedField = 42

    @property
    def is_dft(self) -> bool:
        return self.method == "DFT"


class SpeciesRow(BaseModel):
    """One species of the reaction, computed."""

    side: Literal["reactant", "product"] = Field(title="Side")
    coefficient: float = Field(title="Coefficient")
    formula: str = Field(title="Formula")
    smiles: str | None = Field(title="SMILES")
    charge: int = Field(title="Charge")
    multiplicity: int = Field(title="Multiplicity")
    energy_hartree: float = Field(title="Energy", json_schema_extra=HARTREE)
    enthalpy_hartree: float | None = Field(title="Enthalpy", json_schema_extra=HARTREE)
    gibbs_hartree: float | None = Field(title="Gibbs free energy", json_schema_extra=HARTREE)
    simulation: str = Field(title="Computed by")
    files: str = Field(title="Files", description="What the names of its files begin with.")
    reference: str | None = Field(None, title="Reference", description="RKS or UKS; of DFT only.")
    symmetry_number: int | None = Field(None, title="Symmetry number")
    n_imaginary: int | None = Field(None, title="Imaginary modes")
    note_codes: str = Field(
        "", title="Notes", description="Codes of what its simulation noted, in one line."
    )


class ReactionEnergyResult(BaseModel):
    """The difference between products and reactants, per mole of the reaction as written."""

    reaction_energy_kj_mol: float = Field(title="Reaction energy", json_schema_extra=KJ_MOL)
    reaction_energy_kcal_mol: float = Field(title="Reaction energy", json_schema_extra=KCAL_MOL)
    reaction_enthalpy_kj_mol: float | None = Field(
        title="Reaction enthalpy", json_schema_extra=KJ_MOL
    )
    reaction_gibbs_kj_mol: float | None = Field(
        title="Reaction free energy", json_schema_extra=KJ_MOL
    )
    reaction_gibbs_kcal_mol: float | None = Field(
        title="Reaction free energy", json_schema_extra=KCAL_MOL
    )
    temperature_k: float | None = Field(
        title="Temperature", json_schema_extra={"unit": "K", "headline": True}
    )
    pressure_bar: float | None = Field(title="Pressure", json_schema_extra={"unit": "bar"})
    equation: str = Field(title="Reaction", json_schema_extra={"headline": True})
    method: str = Field(title="Method", json_schema_extra={"headline": True})
    species: list[SpeciesRow] = Field(title="Species")
    wall_time_s: float = Field(title="Wall time", json_schema_extra={"unit": "s"})
    versions: dict[str, str] = Field(title="Versions")
    notes: list[NoteInResult] = Field(title="Notes")
