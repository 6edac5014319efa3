"""Figures of a molecule's vibrations: its infrared spectrum, and its gas at any temperature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from jobs.pages.formats import number

from .frame import Cell, Finished, ResultFigure, Table

WIDTH_CM1 = 20.0
MODES = "modes.molden"
OF_GAS = ("mass_dalton", "rotational_constants_ghz")
DIGITS = {"hartree": 6, "J/(mol K)": 2}


def infrared(finished: Finished) -> ResultFigure:
    result, modes = finished.result, finished.files.get(MODES)
    names = ("frequencies_cm1", "ir_intensities_km_mol", "reduced_masses_dalton")
    lines = list(zip(*(result[name] for name in names), strict=True))
    imaginary = [frequency for frequency, *_ in lines if frequency < 0]
    return ResultFigure(
        key="infrared",
        kind="infrared",
        title="Infrared spectrum",
        caption="Harmonic bands: sticks where they are, the curve of Lorentzians whose areas are "
        "their intensities. Measured bands lie some per cent lower, which the scale factor makes "
        "up for. A measured spectrum, from a file of yours, is read in this page and drawn as "
        "absorbance to the same height. Choose a band to see it move in figure 1.",
        sentence=_on_bands(lines, imaginary),
        table=Table(
            header=["Mode", "Frequency (cm⁻¹)", "Intensity (km/mol)", "Reduced mass (Da)"],
            rows=[[i, *line] for i, line in enumerate(lines, start=1)],
            digits=[None, 1, 2, 3],
        ),
        data={
            "frequencies_cm1": result[names[0]],
            "intensities_km_mol": result[names[1]],
            "width_cm1": WIDTH_CM1,
            "modes": reverse("jobs:file", args=[finished.job.pk, modes.pk]) if modes else None,
        },
        units={"frequencies_cm1": "cm⁻¹", "intensities_km_mol": "km/mol", "width_cm1": "cm⁻¹"},
        replaces="absorption_km_mol_cm",
    )


def _on_bands(lines: Sequence[Sequence[float]], imaginary: Sequence[float]) -> str:
    strongest = max(lines, key=lambda line: line[1])
    told = (
        f"{len(lines)} modes from {number(lines[0][0], digits=1)} to "
        f"{number(lines[-1][0], digits=1)} cm⁻¹, the strongest band at "
        f"{number(strongest[0], digits=1)} cm⁻¹ with {number(strongest[1], digits=1)} km/mol"
    )
    if imaginary:
        written = ", ".join(f"{number(-each, digits=0)}i" for each in imaginary)
        return f"{told}. {len(imaginary)} imaginary: {written} cm⁻¹, so this is no minimum."
    return f"{told}; none is imaginary."


def thermochemistry(finished: Finished) -> ResultFigure | None:
    """None for a result from before the moments of inertia were kept."""
    result = finished.result
    if not all(name in result for name in OF_GAS):
        return None
    at = f"{result['temperature_k']:g} K and {result['pressure_bar']:g} bar"
    rows = _quantities(result)
    return ResultFigure(
        key="thermochemistry",
        kind="thermochemistry",
        table_open=True,
        title="Thermochemistry",
        caption="Ideal gas, rigid rotor, harmonic oscillators, with symmetry number "
        f"{result['symmetry_number']}: energy above that of the atoms at rest. The job's own "
        f"numbers are those at {at}; others are computed in this page from its frequencies, mass "
        "and rotational constants. Imaginary modes are left out.",
        sentence=f"At {at}: H {number(result['enthalpy_hartree'])}, "
        f"G {number(result['gibbs_hartree'])} hartree, "
        f"S {number(result['entropy_j_mol_k'], digits=2)} J/(mol K).",
        table=Table(header=["Quantity", "Unit", f"At {at}"], rows=[list(row[:3]) for row in rows]),
        data={
            **{name: result[name] for name in (*OF_GAS, "frequencies_cm1", "symmetry_number")},
            **{name: result[name] for name in ("energy_hartree", "multiplicity")},
            "temperature_k": result["temperature_k"],
            "pressure_bar": result["pressure_bar"],
        },
        units={"temperature_k": "K", "pressure_bar": "bar", "energy_hartree": "hartree"},
    )


def _quantities(result: Any) -> list[list[Cell]]:
    told = [
        ("Electronic energy E", "hartree", "energy_hartree"),
        ("Zero-point energy", "hartree", "zero_point_hartree"),
        ("Enthalpy H", "hartree", "enthalpy_hartree"),
        ("Gibbs free energy G", "hartree", "gibbs_hartree"),
        ("Entropy S", "J/(mol K)", "entropy_j_mol_k"),
        ("Heat capacity Cp", "J/(mol K)", "heat_capacity_j_mol_k"),
    ]
    return [[title, unit, number(result[name], digits=DIGITS[unit])] for title, unit, name in told]
