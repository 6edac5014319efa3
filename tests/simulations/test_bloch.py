"""Basis functions on a grid are those that PySCF adds up cell by cell."""

from typing import Any

import pytest

from simulations.quantum.crystal_energy import CrystalCalculation
from simulations.quantum.crystal_params import DftCrystalParams
from simulations.structures.crystals import find

from .recording import RecordingContext


@pytest.mark.engine
@pytest.mark.parametrize("basis", ["gth-szv-molopt-sr", "gth-dzvp-molopt-sr"])
@pytest.mark.parametrize(
    ("k_mesh", "cutoff"),
    [
        ((1, 1, 1), 20),
        ((2, 1, 2), 40),
        ((3, 1, 1), 40),
        pytest.param((1, 1, 1), 320, marks=pytest.mark.slow),
    ],
)
def test_waves_and_cells_add_up_to_the_functions_of_pyscf(
    context: RecordingContext, basis: str, k_mesh: tuple[int, int, int], cutoff: float
) -> None:
    """At 20 hartree most of carbon's Gaussians are too sharp for the grid, at 320 none is."""
    import numpy as np

    from simulations.quantum.bloch import BlochFunctions

    (diamond,) = find("diamond")
    given: dict[str, Any] = {"k_mesh": k_mesh, "ke_cutoff_hartree": cutoff, "basis": basis}
    params = DftCrystalParams.model_validate({"structure": "diamond", **given})
    cell = CrystalCalculation(diamond, params, context, lambda *told: None)._cell(diamond.constants)
    kpts = cell.make_kpts(k_mesh)

    ours = BlochFunctions(cell, kpts, cell.mesh).values()

    points = cell.get_uniform_grids(cell.mesh, wrap_around=False)
    theirs = cell.pbc_eval_gto("GTOval_sph", points, kpts=kpts)
    assert [np.isrealobj(each) for each in ours] == [
        k_mesh != (3, 1, 1) or not k.any() for k in kpts
    ]
    assert max(abs(a - b).max() for a, b in zip(ours, theirs, strict=True)) < 1e-10
