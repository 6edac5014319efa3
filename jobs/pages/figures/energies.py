"""Figures of energies beside one another: conformers by their weight, a reaction by its sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.pages.formats import number

from .frame import Cell, Finished, ResultFigure, Table

KJ_PER_HARTREE = 2625.4996394799  # CODATA 2018
# The mathematicians' ∆: no font that a page would have to load has it, as the Greek letter's does.
DIFFERENCES = (
    ("∆E", "energy_hartree", "reaction_energy_kj_mol"),
    ("∆H", "enthalpy_hartree", "reaction_enthalpy_kj_mol"),
    ("∆G", "gibbs_hartree", "reaction_gibbs_kj_mol"),
)


def conformers(finished: Finished) -> ResultFigure:
    result = finished.result
    rows = result["conformers"]
    kelvin = f"{result['temperature_k']:g} K"
    names = ("rank", "energy_hartree", "relative_kcal_mol", "weight", "rmsd_to_best_angstrom")
    return ResultFigure(
        key="conformers",
        kind="conformers",
        title="Conformers and their populations",
        caption=f"Energy above the lowest, and the part of the molecules at {kelvin} by the "
        "Boltzmann weights of these energies: without zero-point motion, entropy and mirror "
        "images. Choose one to see it in figure 1.",
        sentence=f"{len(rows)} conformers within "
        f"{number(rows[-1]['relative_kcal_mol'], digits=2)} kcal/mol by {result['method']}; the "
        f"lowest holds {number(100 * rows[0]['weight'], digits=1)} % at {kelvin}.",
        table=Table(
            header=[
                "Rank",
                "Energy (hartree)",
                "Above the lowest (kcal/mol)",
                f"Population at {kelvin}",
                "RMSD to the lowest (Å)",
            ],
            rows=[[row[name] for name in names] for row in rows],
            digits=[None, 7, 2, 3, 2],
        ),
        data={
            "energies_hartree": [row["energy_hartree"] for row in rows],
            "temperature_k": result["temperature_k"],
        },
        units={"energies_hartree": "hartree", "temperature_k": "K"},
        replaces="relative_kcal_mol",
    )


def reaction(finished: Finished) -> ResultFigure:
    """Each species' energies, and what the reaction changes of them."""
    result = finished.result
    differences = [
        {"title": title, "kj_mol": result[name]}
        for title, _, name in DIFFERENCES
        if result[name] is not None
    ]
    told = ", ".join(f"{each['title']} {number(each['kj_mol'], digits=1)}" for each in differences)
    return ResultFigure(
        key="reaction",
        kind="reaction",
        table_open=True,
        title="Reaction energy",
        caption=f"{result['equation']} by {result['method']}: products less reactants"
        f"{_conditions(result)}. Below zero, the products lie lower.",
        sentence=f"{result['equation']}: {told} kJ/mol.",
        table=Table(
            header=["Species", "Coefficient", "E (hartree)", "H (hartree)", "G (hartree)"],
            rows=[*(_species(row) for row in result["species"]), _difference(result)],
            digits=[None, None, 6, 6, 6],
        ),
        data={"differences": differences},
        units={"kj_mol": "kJ/mol"},
    )


def _conditions(result: Mapping[str, Any]) -> str:
    if result["temperature_k"] is None:
        return ", without thermochemistry"
    return f" at {result['temperature_k']:g} K and {result['pressure_bar']:g} bar"


def _species(row: Mapping[str, Any]) -> list[Cell]:
    sign = -1 if row["side"] == "reactant" else 1
    energies = [row[name] for _, name, _ in DIFFERENCES]
    charge = f" ({row['charge']:+d})" if row["charge"] else ""
    return [f"{row['formula']}{charge}", f"{sign * row['coefficient']:+g}", *energies]


def _difference(result: Mapping[str, Any]) -> list[Cell]:
    changes = (result[name] for _, _, name in DIFFERENCES)
    return ["Difference", "", *(each and each / KJ_PER_HARTREE for each in changes)]
