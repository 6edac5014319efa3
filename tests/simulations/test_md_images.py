"""Periodic images: the one that is written is another name of the same place."""

from __future__ import annotations

import numpy as np
import pytest
from openmm.app import PDBFile

import simulations
from simulations.dynamics.images import gathered, image_shift
from simulations.dynamics.prepared import load

from .recording import RecordingContext
from .test_md_input import ALANINE_DIPEPTIDE

DODECAHEDRON = np.array([[4.0, 0, 0], [0, 4.0, 0], [2.0, 2.0, 2.0 * np.sqrt(2)]])


@pytest.mark.parametrize("box", [np.diag([3.0, 4.0, 5.0]), DODECAHEDRON])
def test_a_shift_is_a_lattice_vector_and_ends_in_the_cell(box: np.ndarray) -> None:
    for apart in np.random.default_rng(3).uniform(-30, 30, size=(50, 3)):
        shift = image_shift(apart, box)

        steps = np.linalg.solve(box.T, shift)
        assert steps == pytest.approx(np.round(steps), abs=1e-9)
        assert (np.abs(apart + shift) <= np.diag(box) / 2 + 1e-9).all()


@pytest.mark.engine
@pytest.mark.slow
def test_water_that_went_far_is_written_around_the_solute(context: RecordingContext) -> None:
    simulations.get("md_simulation").run(
        {"structure": ALANINE_DIPEPTIDE, "environment": "explicit", "length_ps": 0.02}
        | {"equilibration_ps": 0},
        context,
    )
    prepared = load(context.workdir)
    pdb = PDBFile(str(context.workdir / "final.pdb"))
    box = np.array(pdb.topology.getPeriodicBoxVectors()._value)
    near = np.array(pdb.getPositions(asNumpy=True)._value)
    water = [r for r in prepared.topology.residues() if r.name == "HOH"]
    far = near.copy()
    for number, residue in enumerate(water):
        far[[atom.index for atom in residue.atoms()]] += (number % 5 - 2) * box[number % 3]

    back = gathered(prepared, far, box)

    assert back == pytest.approx(near, abs=1e-6)
