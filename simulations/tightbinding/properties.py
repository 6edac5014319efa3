"""What is read off a tight-binding calculation, as plain JSON values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simulations.base import Note
from simulations.quantum.inspect import Molecule
from simulations.quantum.orbitals import EV_PER_HARTREE, levels_near_gap
from simulations.quantum.properties import DEBYE_PER_AU, about_centre_of_mass, as_json
from simulations.quantum.xtb import XtbSurface

from .params import XtbParams, versions

FILLED_FROM = 0.5
"""Electrons are spread over levels at the electronic temperature of 300 K."""


def xtb_result_fields(
    surface: XtbSurface,
    energy: float,
    molecule: Molecule,
    params: XtbParams,
    notes: Iterable[Note],
    seconds: float,
) -> dict[str, Any]:
    """The fields of `XtbResult`."""
    import numpy as np

    # As tblite has it: charges times positions, so from minus to plus.
    dipole = about_centre_of_mass(
        [float(part) * DEBYE_PER_AU for part in surface.property("dipole")],
        molecule.charge,
        surface.geometry,
    )
    return {
        "energy_hartree": energy,
        "method": params.label,
        "formula": molecule.structure.formula,
        "charge": molecule.charge,
        "multiplicity": molecule.multiplicity,
        "gap_ev": _gap(surface),
        "orbitals": levels_near_gap(
            np.ravel(surface.property("orbital-energies")),
            np.ravel(surface.property("orbital-occupations")),
            filled_from=FILLED_FROM,
        ),
        "dipole_debye": float(np.linalg.norm(dipole)),
        "dipole_vector_debye": dipole,
        "mulliken_charges": [float(charge) for charge in surface.property("charges")],
        "symbols": list(surface.geometry.symbols),
        "positions_angstrom": [list(row) for row in surface.geometry.positions],
        "wall_time_s": round(seconds, 2),
        "versions": versions(),
        "notes": as_json(notes, params),
    }


def _gap(surface: XtbSurface) -> float | None:
    """None where every orbital of the small basis is filled, as in helium."""
    import numpy as np

    energies = np.ravel(surface.property("orbital-energies"))
    # Of both spins together.
    filled = np.ravel(surface.property("orbital-occupations")) > FILLED_FROM
    if filled.all() or not filled.any():
        return None
    return float(energies[~filled].min() - energies[filled].max()) * EV_PER_HARTREE
