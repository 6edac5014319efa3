"""Periodic images: the one that is written is another name of the same place."""

from __future__ import annotations

import numpy as np
import pytest
from openmm.app import PDBFile

import simulations
from simulations.dynamics.engine import make_context
from simulations.dynamics.images import gathered, image_shift
from simulations.dynamics.params import MdParams
from simulations.dynamics.platforms import cpu_platform
from simulations.dynamics.prepared import load
from simulations.dynamics.run import Run
from simulations.dynamics.trajectory import read_frames

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


def two_chains() -> str:
    """Alanine dipeptide, and another one 9 Å beside it."""
    atoms = [line for line in ALANINE_DIPEPTIDE.splitlines() if "TER" not in line]
    other = [f"{a[:21]}B{a[22:30]}{float(a[30:38]) + 9:8.3f}{a[38:]}" for a in atoms]
    return "\n".join([*atoms, "TER", *other, "TER", "END", ""])


@pytest.mark.engine
@pytest.mark.slow
def test_a_chain_that_comes_in_on_the_other_side_is_measured_and_written_beside_the_first(
    context: RecordingContext,
) -> None:
    """It added nanometres to RMSD, RMSF and radius of gyration."""
    params = MdParams.model_validate(
        {"structure": two_chains(), "environment": "explicit", "length_ps": 0.02}
        | {"equilibration_ps": 0, "report_interval_ps": 0.01}
    )
    run = Run(params, context)
    run.go()
    last = run.table.rows[-1]
    prepared = load(context.workdir)
    engine = make_context(prepared, params, run.plan, "produce", cpu_platform(1))
    engine.setState(run._state)
    at = run._state.getPositions(asNumpy=True)
    box = run._state.getPeriodicBoxVectors(asNumpy=True)
    chains = [[atom.index for atom in each.atoms()] for each in prepared.topology.chains()]
    at[chains[1]] += box[0] - box[2]
    engine.setPositions(at)

    row = run._gauge.read(engine, 1)
    frame = run._frames.append(engine)

    assert row["rmsd_angstrom"] == pytest.approx(last["rmsd_angstrom"], abs=0.01)
    radius = last["radius_of_gyration_angstrom"]
    assert row["radius_of_gyration_angstrom"] == pytest.approx(radius, abs=0.01)
    frames, _ = read_frames(context.workdir / "trajectory.xtc", chains[0] + chains[1])
    for middles in (
        [frame[chain].mean(axis=0) for chain in chains],
        [frames[-1][: len(chains[0])].mean(axis=0), frames[-1][len(chains[0]) :].mean(axis=0)],
    ):
        assert np.linalg.norm(middles[1] - middles[0]) == pytest.approx(0.9, abs=0.2)
