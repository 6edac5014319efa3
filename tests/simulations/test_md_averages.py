"""Averages after the cut, their errors and drifts, and how far each part moves."""

from __future__ import annotations

from itertools import combinations
from math import sqrt
from pathlib import Path

import mdtraj
import numpy as np
import pytest
from openmm.app import Element, Topology

import simulations
from simulations.dynamics import statistics
from simulations.dynamics.averages import averages, settled
from simulations.dynamics.fluctuations import by_residue, rmsf
from simulations.dynamics.observables import Table, radius_of_gyration, read_rows
from simulations.dynamics.prepared import Prepared

from .recording import RecordingContext
from .test_md_input import ALANINE_DIPEPTIDE

SIM = simulations.get("md_simulation")


def correlated(count: int, memory: float, seed: int = 5) -> np.ndarray:
    """A first-order process of variance 1; (1 + memory) / (1 - memory) values tell as one."""
    rng = np.random.default_rng(seed)
    values = np.zeros(count)
    for i in range(1, count):
        values[i] = memory * values[i - 1] + rng.normal() * sqrt(1 - memory**2)
    return values


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_the_inefficiency_is_that_of_theory(memory: float) -> None:
    found = statistics.inefficiency(correlated(20_000, memory))

    assert found == pytest.approx((1 + memory) / (1 - memory), rel=0.15)
    assert statistics.inefficiency([2.0, 2.0, 2.0]) == 1


def test_effective_samples_are_those_that_the_error_leaves() -> None:
    values = correlated(8192, 0.9)
    error = statistics.block_error(values)

    found = statistics.effective_samples(float(values.std(ddof=1)), error, len(values))

    assert found == pytest.approx(8192 / 19, rel=0.5)
    assert statistics.effective_samples(1.0, None, 5) is None
    assert statistics.effective_samples(1.0, 0.1, 50) == 50


def test_the_cut_lies_behind_what_has_not_settled_yet() -> None:
    values = correlated(1000, 0.5)
    values[:200] += np.linspace(20, 0, 200)

    assert 150 <= statistics.settled_from(values) <= 300
    assert statistics.settled_from(correlated(1000, 0.0)) < 300
    assert statistics.settled_from([]) == statistics.settled_from([1.0]) == 0
    # What never settles keeps its second half.
    assert statistics.settled_from(np.linspace(0, 1, 100)) <= 50


def test_a_drift_is_told_with_its_error() -> None:
    rng = np.random.default_rng(2)
    times_ps = np.arange(4000) * 0.5
    rows = [
        {"time_ps": t, "potential_energy_kj_per_mol": 3 * t / 1000 + rng.normal()} for t in times_ps
    ]

    (energy,) = averages(rows)

    assert energy.title == "Potential energy"
    assert energy.drift_per_ns is not None
    assert energy.drift_error_per_ns is not None
    assert abs(energy.drift_per_ns - 3) < 4 * energy.drift_error_per_ns < 0.8
    assert len(settled(rows)) >= 2000


def test_few_rows_have_a_mean_and_no_error() -> None:
    (density,) = averages([{"time_ps": 1.0, "density_g_per_cm3": 0.99}])

    assert (density.mean, density.error, density.n_effective) == (0.99, None, None)
    assert density.drift_per_ns is None


def test_a_shape_that_is_only_turned_does_not_fluctuate() -> None:
    shape = np.random.default_rng(1).normal(size=(5, 3))
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    frames = np.stack([shape, shape @ turn + 4, shape @ turn @ turn])

    assert rmsf(frames, on=list(range(5))) == pytest.approx(0, abs=1e-9)


def test_the_radius_of_gyration_is_about_the_centre_of_mass() -> None:
    positions = np.array([[0.0, 0, 0], [4.0, 0, 0]])

    assert radius_of_gyration(positions, np.array([3.0, 1.0])) == pytest.approx(sqrt(3))


def test_a_table_that_an_earlier_version_began_keeps_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "observables.csv"
    table = Table(path, [{"step": 1, "time_ps": 0.1}])

    table.append({"step": 2, "time_ps": 0.2, "radius_of_gyration_angstrom": 3.0})

    assert read_rows(path, 2) == [{"step": 1, "time_ps": 0.1}, {"step": 2, "time_ps": 0.2}]
    assert table.rows[1]["radius_of_gyration_angstrom"] == 3.0


@pytest.mark.engine
def test_shape_and_fluctuation_are_those_that_mdtraj_finds(context: RecordingContext) -> None:
    params = {"pdb": ALANINE_DIPEPTIDE, "environment": "vacuum", "length_ps": 1}

    result = SIM.run({**params, "equilibration_ps": 0.2, "report_interval_ps": 0.02}, context)

    path = context.workdir
    whole = mdtraj.load(str(path / "trajectory.xtc"), top=str(path / "topology.pdb"))
    # By Lagrange from all pairs; mdtraj's own is about the centre of geometry.
    pairs = np.array(list(combinations(range(whole.n_atoms), 2)))
    masses = np.array([atom.element.mass for atom in whole.top.atoms])
    weights = masses[pairs].prod(axis=1) / masses.sum() ** 2
    gyration = 10 * np.sqrt((weights * mdtraj.compute_distances(whole, pairs) ** 2).sum(axis=1))
    told = context.series("radius_of_gyration_angstrom")[-len(whole) :]
    assert told == pytest.approx(gyration, abs=0.01)  # XTC has three decimals of a nanometre
    part = whole[whole.time >= result["averages_from_ps"] - 1e-4]
    heavy = part.top.select("not element H")
    mean = mdtraj.Trajectory(part.superpose(part, 0, heavy).xyz.mean(axis=0), part.top)
    laid = 10 * part.superpose(mean, 0, heavy).xyz
    moved = np.sqrt(((laid - laid.mean(axis=0)) ** 2).sum(axis=2).mean(axis=0))
    found = [each["rmsf_angstrom"] for each in result["fluctuations"]]
    assert found == pytest.approx(moved, abs=0.005)
    assert result["fluctuations"][0]["label"] == "ACE1 CH3"


def test_a_chain_fluctuates_residue_by_residue() -> None:
    topology = Topology()
    chain = topology.addChain("B")
    for number in range(4):
        residue = topology.addResidue("GLY", chain, id=str(number + 5))
        for symbol in ("N", "C", "H"):
            topology.addAtom(symbol, Element.getBySymbol(symbol), residue)
    prepared = Prepared(system=None, topology=topology, positions=None, notes=[])
    each = np.array([1.0, 7, 50] * 3 + [3.0, 4, 50])

    found = by_residue(prepared, list(range(12)), each)

    # The root of the mean square over its heavy atoms.
    assert [one.rmsf_angstrom for one in found] == [5, 5, 5, pytest.approx(3.5355)]
    assert (found[0].label, found[3].atoms) == ("GLY B:5", [10, 11])
    assert by_residue(prepared, list(range(9)), each) == []
