"""Molecules that move: statistics, conservation, files, and a cancel that is heard."""

import csv
import time
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openmm.app import PDBFile
from rdkit import Chem
from rdkit.Chem import AllChem

import simulations
from simulations import Cancelled, ScienceError
from simulations.dynamics import trajectory
from simulations.dynamics.params import MdParams
from simulations.dynamics.run import Run
from simulations.dynamics.statistics import block_error
from tests.stack import quickest

from .recording import RecordingContext
from .test_md_input import ALANINE_DIPEPTIDE

SIM = simulations.get("md_simulation")
SHORT = {"structure": "CCO", "length_ps": 0.5, "equilibration_ps": 0.2}


def rows_of(context: RecordingContext) -> list[dict[str, str]]:
    with (context.workdir / "observables.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def assert_all_finite(value: Any) -> None:
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict | list):
            assert_all_finite(each)
        elif isinstance(each, float):
            assert isfinite(each)


@pytest.mark.engine
@pytest.mark.parametrize("temperature", [150, pytest.param(400, marks=pytest.mark.slow)])
def test_a_thermostat_holds_the_temperature_and_its_spread(
    context: RecordingContext, temperature: float
) -> None:
    params = {
        "structure": "CCO",
        "temperature_k": temperature,
        "length_ps": 40,
        "equilibration_ps": 2,
        "report_interval_ps": 0.1,
        "friction_per_ps": 10,
        "timestep_fs": 0.5,
    }

    result = SIM.run(params, context)

    samples = np.array(context.series("temperature_k"))[-400:]
    free = result["degrees_of_freedom"]
    assert free == 3 * 9 - 3
    spread = temperature * sqrt(2 / free)
    # The blocked error is itself an estimate: never trust it below that of independent samples.
    error = max(result["temperature_error_k"], spread / sqrt(len(samples)))
    assert abs(result["mean_temperature_k"] - temperature) < 3 * error
    assert error < 0.03 * temperature
    assert samples.std() == pytest.approx(spread, rel=0.15)
    assert "temperature_not_settled" not in {note["code"] for note in result["notes"]}


@pytest.mark.engine
def test_the_energy_is_conserved_without_a_thermostat(context: RecordingContext) -> None:
    params = {
        "structure": "CCO",
        "ensemble": "NVE",
        "length_ps": 10,
        "timestep_fs": 0.5,
        "report_interval_ps": 0.01,
    }

    result = SIM.run(params, context)

    total = np.array([float(row["total_energy_kj_per_mol"]) for row in rows_of(context)])[-1000:]
    kinetic = np.array([float(row["kinetic_energy_kj_per_mol"]) for row in rows_of(context)])
    # Its swing is of second order in the time step; heat goes to and fro, the sum stays.
    assert total.std() < 0.05 * kinetic[-1000:].std()
    assert abs(result["energy_drift_kj_per_mol_ns_atom"]) < 2
    assert result["degrees_of_freedom"] == 3 * 9 - 6


@pytest.mark.engine
def test_a_smaller_step_conserves_the_energy_better(tmp_path: Path) -> None:
    swings = []
    for step in (1.0, 0.5):
        context = RecordingContext(tmp_path / str(step))
        context.workdir.mkdir()
        given = {**SHORT, "ensemble": "NVE", "timestep_fs": step, "report_interval_ps": 0.003}
        SIM.run({**given, "length_ps": 1.5}, context)
        swings.append(np.std(context.series("total_energy_kj_per_mol")[-500:]))

    assert swings[0] / swings[1] > 2.5  # 4 for second order, but for the other trajectory


@pytest.mark.engine
def test_constraints_hold_bonds_to_hydrogen(context: RecordingContext) -> None:
    result = SIM.run({**SHORT, "timestep_fs": 2}, context)

    final = PDBFile(str(context.workdir / "final.pdb"))
    start = PDBFile(str(context.workdir / "topology.pdb"))
    lengths = []
    for pdb in (start, final):
        at = pdb.getPositions(asNumpy=True)._value
        bonds = [bond for bond in pdb.topology.bonds() if "H" in (b.element.symbol for b in bond)]
        lengths.append([np.linalg.norm(at[a.index] - at[b.index]) for a, b in bonds])
    assert result["n_constraints"] == len(lengths[0]) == 6
    assert lengths[0] == pytest.approx(lengths[1], abs=3e-4)  # nm; PDB has three decimals of Å


def test_a_run_tells_its_story_and_leaves_its_files(context: RecordingContext) -> None:
    result = SIM.run(SHORT, context)

    fractions = context.series("fraction")
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    stages = [point["stage"] for point in context.points]
    assert list(dict.fromkeys(stages)) == ["minimise", "equilibrate", "produce"]
    assert 100 <= len(context.points) <= 200
    assert result["n_steps"] == int(rows_of(context)[-1]["step"]) == 700
    assert context.series("time_ps")[-1] == result["simulated_ps"] == pytest.approx(0.7)
    left = context.series("remaining_s")
    assert len(left) == len(rows_of(context))
    assert left[0] > left[-1] == 0
    assert set(context.artifacts) == {
        *("topology.pdb", "system.xml", "observables.csv", "trajectory.xtc"),
        *("checkpoint.chk", "state.xml", "final.pdb", "preview.pdb"),
    }
    assert len(context.artifacts) == len(set(context.artifacts))
    assert all((context.workdir / name).stat().st_size for name in context.artifacts)
    assert_all_finite(result)


@pytest.mark.parametrize("ensemble", ["NVT", "NVE"])
def test_what_the_thermostat_holds_is_told_once_a_stage(
    context: RecordingContext, ensemble: str
) -> None:
    result = SIM.run({**SHORT, "length_ps": 0.1, "ensemble": ensemble}, context)

    targets = context.series("target_temperature_k")
    spreads = context.series("temperature_spread_k")
    assert targets == [300] * (2 if ensemble == "NVT" else 1)  # NVE holds none in production
    assert spreads[0] == pytest.approx(300 * sqrt(2 / (3 * 9 - 3)))
    assert [each["label"] for each in result["fluctuations"]][:3] == ["C1", "C2", "O1"]
    assert result["averages_from_ps"] >= 0.2


def test_the_trajectory_is_read_by_others(context: RecordingContext) -> None:
    mdtraj = pytest.importorskip("mdtraj")

    result = SIM.run({**SHORT, "structure": "aspirin"}, context)

    with mdtraj.formats.XTCTrajectoryFile(str(context.workdir / "trajectory.xtc")) as stream:
        positions, times, steps, _ = stream.read()
    assert len(positions) == result["n_frames"]
    assert positions.shape[1] == result["n_atoms"] == 21
    produced = [row for row in rows_of(context) if int(row["step"]) in set(steps.tolist())]
    assert len(produced) == len(steps)
    assert times == pytest.approx([float(row["time_ps"]) for row in produced], abs=1e-4)


def test_the_same_seed_gives_the_same_run_and_another_another(tmp_path: Path) -> None:
    energies = []
    for attempt, seed in enumerate((7, 7, 8)):
        context = RecordingContext(tmp_path / str(attempt))
        context.workdir.mkdir()
        SIM.run({**SHORT, "seed": seed}, context)
        energies.append(context.series("total_energy_kj_per_mol"))

    assert energies[0] == energies[1]
    assert energies[0] != energies[2]


def test_a_cancel_is_heard_at_the_next_report(context: RecordingContext) -> None:
    context.stop_when = lambda point: point.get("time_ps", 0) > 0.3

    with pytest.raises(Cancelled):
        SIM.run({**SHORT, "length_ps": 1000}, context)

    assert len(context.points) < 30


@pytest.mark.parametrize("stage", ["minimise", "equilibrate", "produce"])
def test_a_cancel_is_heard_in_every_stage(context: RecordingContext, stage: str) -> None:
    context.stop_when = lambda point: point["stage"] == stage

    with pytest.raises(Cancelled):
        SIM.run(SHORT, context)

    assert context.points[-1]["stage"] == stage


def test_a_long_interval_still_lets_a_cancel_through(context: RecordingContext) -> None:
    def cancelled_after_s() -> float:
        started = time.monotonic()
        context.stop_when = lambda point: time.monotonic() - started > 1
        with pytest.raises(Cancelled):
            SIM.run({**SHORT, "length_ps": 1000, "report_interval_ps": 1000}, context)
        return time.monotonic() - started

    assert quickest(cancelled_after_s, 3) < 3


def test_a_run_that_blows_up_says_so(context: RecordingContext) -> None:
    # Settings that check() refuses, so that the engine gets to see them.
    params = MdParams(structure="CCO", timestep_fs=4, constraints="none", temperature_k=2000)

    with pytest.raises(ScienceError, match="blew up") as failure:
        Run(params, context).go()

    assert any("time step" in hint for hint in failure.value.hints)
    assert failure.value.fix == {"timestep_fs": 2}


def test_a_peptide_moves_in_implicit_water(context: RecordingContext) -> None:
    params = {"pdb": ALANINE_DIPEPTIDE, "length_ps": 0.4, "equilibration_ps": 0.2}

    result = SIM.run(params, context)

    assert result["environment"] == "implicit"
    assert (result["n_atoms"], result["n_constraints"]) == (22, 12)
    assert result["degrees_of_freedom"] == 3 * 22 - 12 - 3
    assert "OBC2" in result["method"]
    assert {note["code"] for note in result["notes"]} >= {"atoms_added"}
    assert_all_finite(result)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("around", "model"), [("vacuum", "GBn2"), ("implicit", "GBn2"), ("implicit", "OBC2")]
)
def test_water_lowers_the_energy_of_a_peptide(
    context: RecordingContext, around: str, model: str
) -> None:
    """The known order of size: some 40 to 70 kJ/mol of polar solvation."""
    params = {"pdb": ALANINE_DIPEPTIDE, "environment": around, "implicit_model": model}

    SIM.run({**params, "length_ps": 0.01, "equilibration_ps": 0, "temperature_k": 1}, context)

    energy = context.series("potential_energy_kj_per_mol")[-1]
    assert -90 < energy < -50 if around == "vacuum" else -160 < energy < -110


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("ensemble", ["NPT", "NVE"])
def test_a_peptide_moves_in_a_box_of_water(context: RecordingContext, ensemble: str) -> None:
    heard = []
    context.stop_when = lambda point: heard.append(time.monotonic()) or False
    params = {
        "pdb": ALANINE_DIPEPTIDE,
        "environment": "explicit",
        "ensemble": ensemble,
        "length_ps": 1,
        "equilibration_ps": 4,
        "padding_angstrom": 10,
    }

    result = SIM.run(params, context)

    assert result["platform"] == "CPU"
    assert 0.9 < result["mean_density_g_per_cm3"] < 1.1
    assert result["mean_temperature_k"] == pytest.approx(300, abs=20)
    assert np.diff(heard[3:]).max() < 2
    if ensemble == "NVE":
        assert abs(result["energy_drift_kj_per_mol_ns_atom"]) < 20
    assert_all_finite(result)


def test_the_blocked_error_of_correlated_numbers_is_larger() -> None:
    rng = np.random.default_rng(3)
    independent = rng.normal(size=4096)
    correlated = np.zeros(4096)
    for i in range(1, 4096):
        correlated[i] = 0.95 * correlated[i - 1] + rng.normal() * sqrt(1 - 0.95**2)

    assert block_error(independent) == pytest.approx(1 / 64, rel=0.5)
    assert block_error(correlated) > 3 / 64  # sqrt((1 + 0.95) / (1 - 0.95)) = 6.2 in theory
    assert block_error([1.0, 2.0]) is None


@pytest.mark.parametrize("structure", ["O", "aspirin"])
def test_a_trajectory_cut_short_is_read_to_its_last_whole_frame(
    context: RecordingContext, structure: str
) -> None:
    result = SIM.run({**SHORT, "structure": structure}, context)
    whole = context.workdir / "trajectory.xtc"
    data = whole.read_bytes()
    (context.workdir / "cut.xtc").write_bytes(data[:-7])
    copy = context.workdir / "copy.xtc"

    assert trajectory.copy_frames(whole, copy, 10_000) == result["n_frames"]
    assert copy.read_bytes() == data
    assert trajectory.copy_frames(context.workdir / "cut.xtc", copy, 10_000) == (
        result["n_frames"] - 1
    )
    assert trajectory.copy_frames(context.workdir / "none.xtc", copy, 5) == 0


@pytest.mark.engine
def test_hydrogens_by_foreign_names_fail_with_what_helps(context: RecordingContext) -> None:
    """As RDKit writes a peptide: each hydrogen is there, and added anew in its place."""
    peptide = Chem.AddHs(Chem.MolFromSequence("AAA"), addResidueInfo=True)
    AllChem.EmbedMolecule(peptide, randomSeed=42)
    AllChem.MMFFOptimizeMolecule(peptide)

    with pytest.raises(ScienceError, match="no room") as failure:
        SIM.run({"structure": Chem.MolToPDBBlock(peptide), "length_ps": 0.1}, context)

    assert "Removing the hydrogens" in failure.value.hints[0]
