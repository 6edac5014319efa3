"""What a molecular dynamics run asks for."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from simulations.structures import StructureInput

Environment = Literal["vacuum", "implicit", "explicit"]
Ensemble = Literal["NVE", "NVT", "NPT"]
MIN_TIMESTEP_FS = 0.05
MAX_PADDING_ANGSTROM = 40.0


class MdParams(BaseModel):
    """The system, its surroundings, and how long to watch it."""

    model_config = ConfigDict(extra="forbid")

    structure: StructureInput | None = Field(
        None,
        title="Structure",
        description="A small molecule (SMILES, a name, InChI, XYZ in Å, a mol block), which moves "
        "in the gas phase by the MMFF94 force field; or a peptide or protein (the text of a PDB or "
        "mmCIF file of amino acids): missing atoms and hydrogens are added, and it moves by the "
        "Amber ff14SB force field.",
        json_schema_extra={"widget": "textarea", "examples": ["aspirin", "CCO"]},
    )
    pdb: StructureInput | None = Field(
        None,
        title="Peptide or protein",
        description="The older name of a structure that is a peptide or protein: give one of the "
        "two.",
        json_schema_extra={"widget": "textarea", "level": "more", "drawn": False},
    )
    environment: Literal["auto", Environment] = Field(
        "auto",
        title="Environment",
        description="vacuum, implicit (generalised Born water) or explicit (TIP3P water); auto "
        "takes vacuum for a small molecule and implicit water for a protein.",
    )
    length_ps: float = Field(
        10.0,
        gt=0,
        le=100_000,
        title="Length",
        description="Of the production run, in picoseconds.",
        json_schema_extra={"unit": "ps"},
    )
    temperature_k: float = Field(
        300.0,
        ge=1,
        le=2000,
        title="Temperature",
        description="The thermostat holds it; for NVE, that of the start.",
        validation_alias=AliasChoices("temperature_k", "temperature"),
        json_schema_extra={"unit": "K"},
    )
    ensemble: Ensemble = Field(
        "NVT",
        title="Ensemble",
        description="NVE (constant energy), NVT (Langevin thermostat) or NPT (and a Monte Carlo "
        "barostat, in explicit water only).",
    )
    pressure_bar: float | None = Field(
        None,
        ge=0.01,
        le=10_000,
        title="Pressure",
        description="For explicit water; empty takes 1 bar.",
        json_schema_extra={"unit": "bar"},
    )
    timestep_fs: float | None = Field(
        None,
        ge=MIN_TIMESTEP_FS,
        le=4,
        title="Time step",
        description="At most 1 fs without constraints, 2 fs with the bonds to hydrogen "
        "constrained, 4 fs with heavier hydrogens too; empty takes 1 fs for a small molecule and "
        "2 fs for a protein.",
        json_schema_extra={"unit": "fs"},
    )
    constraints: Literal["auto", "none", "h-bonds"] = Field(
        "auto",
        title="Constraints",
        description="h-bonds fixes the length of each bond to a hydrogen; auto does so above 1 fs.",
        json_schema_extra={"level": "expert"},
    )
    heavy_hydrogens: bool = Field(
        False,
        title="Heavy hydrogens",
        description="Move mass from heavy atoms to their hydrogens (3 Da each), which allows 4 fs "
        "in explicit water.",
        json_schema_extra={"level": "expert"},
    )
    equilibration_ps: float | None = Field(
        None,
        ge=0,
        le=10_000,
        title="Equilibration",
        description="With a thermostat (and a barostat, in explicit water) before production; not "
        "part of the averages. Empty takes 2 ps in vacuum, 5 in implicit and 20 in explicit water.",
        json_schema_extra={"unit": "ps"},
    )
    report_interval_ps: float | None = Field(
        None,
        gt=0,
        le=1000,
        title="Report interval",
        description="Between two frames; empty takes about 150 frames a run.",
        json_schema_extra={"unit": "ps"},
    )
    friction_per_ps: float = Field(
        1.0,
        ge=0.01,
        le=100,
        title="Friction",
        description="Of the Langevin thermostat.",
        json_schema_extra={"unit": "1/ps", "level": "expert"},
    )
    implicit_model: Literal["OBC2", "GBn2"] = Field(
        "OBC2",
        title="Implicit water model",
        description="Which generalised Born model; GBn2 is the newer and several times slower.",
        json_schema_extra={"level": "expert"},
    )
    padding_angstrom: float = Field(
        12.0,
        ge=10,
        le=MAX_PADDING_ANGSTROM,
        title="Padding",
        description="Water between a protein and its periodic image.",
        json_schema_extra={"unit": "Å"},
    )
    ionic_strength_molar: float = Field(
        0.0,
        ge=0,
        le=3,
        title="Salt",
        description="NaCl in explicit water, beyond the ions that neutralise the protein.",
        json_schema_extra={"unit": "mol/L"},
    )
    ph: float = Field(
        7.0,
        ge=0,
        le=14,
        title="pH",
        description="At which hydrogens are added to a protein.",
    )
    charge: int | None = Field(
        None,
        ge=-10,
        le=10,
        title="Charge",
        description="Of a small molecule given by coordinates alone, to find its bonds; empty "
        "takes it from the structure.",
    )
    seed: int = Field(
        42,
        ge=1,
        le=2**31 - 2,
        title="Seed",
        description="Of the first geometry, the velocities and the thermostat.",
        json_schema_extra={"level": "expert"},
    )

    @cached_property
    def protein(self) -> StructureInput | None:
        """What is to move, if it is a peptide or protein."""
        if self.pdb is not None:
            return self.pdb
        given = self.structure
        return given if given is not None and given.is_macromolecule else None

    @property
    def protein_field(self) -> str:
        return "structure" if self.pdb is None else "pdb"
