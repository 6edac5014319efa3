"""The smallest real case of each engine, with the value that it gave when it was right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

WATER = "3\n\nO 0.0 0.0 0.1173\nH 0.0 0.7572 -0.4692\nH 0.0 -0.7572 -0.4692"
ADENINE = "Nc1ncnc2[nH]cnc12"
REDOCKED = ("data", "implicitHbond", "receptor_ph7_amber.pdb")
"""PDB 1S2G as ProLIF ships it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """:param value: which figure of the result is looked at.
    :param expected: measured with the pinned versions; `tolerance` is what platforms differ by.
    """

    engine: str
    simulation: str
    params: Callable[[], dict[str, Any]]
    value: str
    expected: float
    tolerance: float


def _docking() -> dict[str, Any]:
    spec = find_spec("prolif")
    assert spec  # else the simulation were not available
    assert spec.origin
    receptor = Path(spec.origin).parent.joinpath(*REDOCKED)
    return {
        "ligand": ADENINE,
        "receptor_pdb": receptor.read_text(),
        "box_center_angstrom": [-0.5, -6.9, -22.8],
        "box_size_angstrom": [15, 15, 15],
        "exhaustiveness": 1,
        "n_poses": 1,
    }


CASES = (
    Case(
        engine="backplane",
        simulation="demo.sum_squares",
        params=lambda: {"n": 3},
        value="total",
        expected=14,
        tolerance=0,
    ),
    Case(
        engine="PySCF",
        simulation="dft_single_point",
        params=lambda: {"structure": {"format": "xyz", "text": WATER}},
        value="energy_hartree",
        expected=-76.358725858,
        tolerance=1e-6,
    ),
    Case(
        engine="PySCF, periodic",
        simulation="dft_crystal",
        params=lambda: {
            "structure": "diamond",
            "task": "single_point",
            "basis": "gth-szv-molopt-sr",
            "ke_cutoff_hartree": 40,
            "k_mesh": [2, 2, 2],
        },
        value="energy_hartree",
        expected=-11.250487232,
        tolerance=1e-6,
    ),
    Case(
        engine="tblite, geomeTRIC",
        simulation="xtb_optimization",
        params=lambda: {"structure": {"format": "xyz", "text": WATER}},
        value="energy_hartree",
        expected=-5.070544450,
        tolerance=1e-6,
    ),
    Case(
        engine="RDKit",
        simulation="conformer_search",
        params=lambda: {"structure": "CCO", "n_trials": 4},
        value="n_conformers",
        expected=2,
        tolerance=0,
    ),
    Case(
        engine="OpenMM",
        simulation="md_simulation",
        params=lambda: {
            "structure": "CCO",
            "ensemble": "NVE",
            "length_ps": 1,
            "equilibration_ps": 0,
            "timestep_fs": 0.5,
        },
        value="energy_drift_kj_per_mol_ns_atom",
        expected=0,
        tolerance=2,
    ),
    Case(
        engine="Vina, Meeko, ProLIF",
        simulation="docking",
        params=_docking,
        value="best_score_kcal_per_mol",
        expected=-6.38,
        tolerance=0.5,
    ),
)
