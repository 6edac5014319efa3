"""What every calculation of frequencies asks for, gives back and leaves as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import Any

from pydantic import AliasChoices, BaseModel, Field

from simulations.base import Note, Readout
from simulations.structures import Structure

from .geometry import Geometry
from .params import MaxStepsField
from .spectrum import MODES_NAME
from .symmetry import rotational_symmetry_number
from .thermochemistry import GAS, Conditions, thermochemistry
from .vibrations import Vibrations, masses, rotational_constants_ghz
from .walk import MAX_FORCE_TARGET

SOFT_BELOW_CM1 = 50.0
KELVIN_PER_GHZ = 0.04799243
"""h/k by CODATA 2018: a rotational constant as a temperature."""

FREQUENCY_READOUTS = (
    Readout(key="lowest_cm1", title="Lowest frequency", unit="cm⁻¹", digits=1),
    Readout(key="n_imaginary", title="Imaginary modes", form="int"),
)


class FrequencyParams(BaseModel):
    """Where the Hessian is taken, and for which gas the thermochemistry holds."""

    optimize_first: bool = Field(
        True,
        title="Optimise first",
        description="Frequencies have a meaning at a stationary point only; without it the "
        "geometry is taken as given and its forces are told.",
    )
    max_steps: MaxStepsField = 200
    temperature_k: float = Field(
        298.15,
        gt=0,
        le=10_000,
        title="Temperature",
        description="Of the gas, for enthalpy, entropy and free energy.",
        validation_alias=AliasChoices("temperature_k", "temperature"),
        json_schema_extra={"unit": "K"},
    )
    pressure_bar: float = Field(
        1.0,
        gt=0,
        le=10_000,
        title="Pressure",
        description="Of the ideal gas; 1 bar is the standard state, 1 atm is 1.01325.",
        json_schema_extra={"unit": "bar"},
    )
    symmetry_number: int | None = Field(
        None,
        ge=1,
        le=120,
        title="Symmetry number",
        description="Ways to turn the molecule onto itself; empty counts them.",
    )


class FrequencyResult(BaseModel):
    """Normal modes and the thermochemistry that follows from them."""

    frequencies_cm1: list[float] = Field(
        title="Frequencies",
        description="Harmonic, in rising order; imaginary ones are negative.",
        json_schema_extra={"unit": "cm⁻¹"},
    )
    ir_intensities_km_mol: list[float] = Field(
        title="Infrared intensities", json_schema_extra={"unit": "km/mol"}
    )
    reduced_masses_dalton: list[float] = Field(
        title="Reduced masses", json_schema_extra={"unit": "Da"}
    )
    n_imaginary: int = Field(title="Imaginary modes", json_schema_extra={"headline": True})
    max_force_hartree_per_bohr: float = Field(
        title="Largest force", json_schema_extra={"unit": "hartree/bohr"}
    )
    mass_dalton: float = Field(
        title="Mass",
        description="Of the isotopes as found in nature.",
        json_schema_extra={"unit": "Da"},
    )
    rotational_constants_ghz: list[float] = Field(
        title="Rotational constants",
        description="A, B and C; of a molecule on a line the one that it has.",
        json_schema_extra={"unit": "GHz"},
    )
    temperature_k: float = Field(
        title="Temperature", json_schema_extra={"unit": "K", "headline": True}
    )
    pressure_bar: float = Field(title="Pressure", json_schema_extra={"unit": "bar"})
    symmetry_number: int = Field(title="Symmetry number")
    zero_point_hartree: float = Field(
        title="Zero-point energy", json_schema_extra={"unit": "hartree", "headline": True}
    )
    enthalpy_hartree: float = Field(
        title="Enthalpy", json_schema_extra={"unit": "hartree", "headline": True}
    )
    entropy_j_mol_k: float = Field(title="Entropy", json_schema_extra={"unit": "J/(mol K)"})
    heat_capacity_j_mol_k: float = Field(
        title="Heat capacity", description="At constant pressure.",
        json_schema_extra={"unit": "J/(mol K)"},
    )  # fmt: skip
    gibbs_hartree: float = Field(
        title="Gibbs free energy", json_schema_extra={"unit": "hartree", "headline": True}
    )


def frequency_fields(
    vibrations: Vibrations,
    geometry: Geometry,
    params: FrequencyParams,
    *,
    energy: float,
    multiplicity: int,
    max_force: float,
) -> dict[str, Any]:
    """The fields of `FrequencyResult`."""
    conditions = Conditions(
        temperature_k=params.temperature_k,
        pressure_bar=params.pressure_bar,
        symmetry_number=params.symmetry_number or rotational_symmetry_number(geometry),
        multiplicity=multiplicity,
    )
    gas = thermochemistry(vibrations, geometry, conditions)
    return {
        "frequencies_cm1": vibrations.frequencies_cm1.tolist(),
        "ir_intensities_km_mol": vibrations.intensities.tolist(),
        "reduced_masses_dalton": vibrations.reduced_masses.tolist(),
        "n_imaginary": vibrations.n_imaginary,
        "max_force_hartree_per_bohr": max_force,
        "mass_dalton": float(masses(geometry).sum()),
        "rotational_constants_ghz": rotational_constants_ghz(geometry),
        "temperature_k": params.temperature_k,
        "pressure_bar": params.pressure_bar,
        "symmetry_number": conditions.symmetry_number,
        "zero_point_hartree": gas.zero_point,
        "enthalpy_hartree": energy + gas.enthalpy_correction,
        "entropy_j_mol_k": gas.entropy,
        "heat_capacity_j_mol_k": gas.heat_capacity,
        "gibbs_hartree": energy + gas.gibbs_correction(params.temperature_k),
    }


def notes_on_masses(structure: Structure) -> list[Note]:
    """A note where the atoms were said to have others than are taken."""
    if not structure.has_isotopes:
        return []
    message = (
        "The isotopes of the structure are not used: each atom has the mean mass of its element "
        "as found in nature, and frequencies, zero-point energy, entropy and symmetry number are "
        "those of the molecule without isotopes."
    )
    return [Note(code="isotopes_not_used", message=message)]


def notes_on_standard_state(params: FrequencyParams, solvent: str) -> list[Note]:
    """A note where a free energy in solution may be expected, of one mole a litre."""
    if solvent == "none":
        return []
    pressure_kj_per_litre = params.pressure_bar / 10
    thermal_kj_mol = GAS * params.temperature_k / 1000
    molar = pressure_kj_per_litre / thermal_kj_mol
    message = (
        f"The free energy is that of an ideal gas at {params.pressure_bar:g} bar "
        f"({molar:.3g} mol/l) of molecules as {solvent} makes them. For the standard state of a "
        f"solution, 1 mol/l, add {-thermal_kj_mol * log(molar):.2f} kJ/mol for each mole."
    )
    return [Note(code="gas_standard_state", message=message)]


def notes_on_frequencies(vibrations: Vibrations, modes: Mapping[str, Any]) -> list[Note]:
    """What to think of the modes: no minimum, forces left, a rotor taken for an oscillator.

    :param modes: the fields of `FrequencyResult`.
    """
    max_force = modes["max_force_hartree_per_bohr"]
    notes = []
    imaginary = [f"{abs(f):.0f}i" for f in vibrations.frequencies_cm1 if f < 0]
    if imaginary:
        kind = "a transition state or a saddle" if len(imaginary) == 1 else "a saddle"
        message = (
            f"Not a minimum: {len(imaginary)} imaginary mode{'s' if len(imaginary) > 1 else ''} "
            f"({', '.join(imaginary)} cm⁻¹), as at {kind}. For a minimum, move the atoms along it "
            f"({MODES_NAME}) and optimise again; below some 50i it may be a matter of the "
            "integration grid. The thermochemistry leaves it out."
        )
        notes.append(Note(code="imaginary_modes", message=message))
    if max_force > MAX_FORCE_TARGET:
        message = (
            f"The largest force is {max_force:.1e} hartree/bohr, above {MAX_FORCE_TARGET:.1e}: the "
            "geometry is no stationary point, and its frequencies are approximate. Use "
            "optimize_first."
        )
        notes.append(Note(code="not_stationary", message=message))
    soft = [f for f in vibrations.frequencies_cm1 if 0 < f < SOFT_BELOW_CM1]
    if soft:
        message = (
            f"{len(soft)} mode{'s' if len(soft) > 1 else ''} below {SOFT_BELOW_CM1:.0f} cm⁻¹: soft "
            "torsions are no harmonic oscillators, and entropy and free energy suffer for it."
        )
        notes.append(Note(code="soft_modes", message=message))
    return notes + _on_rotation(modes["rotational_constants_ghz"], modes["temperature_k"])


def _on_rotation(constants_ghz: Sequence[float], temperature_k: float) -> list[Note]:
    """A note where it is too cold to turn as a classical rotor does, whose entropy may be < 0."""
    coldest_k = max(constants_ghz) * KELVIN_PER_GHZ
    if temperature_k >= coldest_k:
        return []
    message = (
        f"At {temperature_k:g} K it does not turn like the classical rotor that is reckoned with, "
        f"which takes far more than its rotational temperature of {coldest_k:.3g} K: entropy, "
        "heat capacity, enthalpy and free energy are wrong."
    )
    return [Note(code="too_cold", message=message)]
