"""A run that lost its machine goes on where it was, and ends as if nothing had happened."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import simulations
from simulations import Cancelled
from simulations.dynamics import checkpoint, pace
from simulations.dynamics.observables import Table
from simulations.dynamics.schedule import Schedule
from simulations.workdir import PREVIOUS_NAME

from .recording import RecordingContext
from .test_md_input import ALANINE_DIPEPTIDE

SIM = simulations.get("md_simulation")
ETHANOL = {
    "structure": "CCO",
    "length_ps": 1,
    "equilibration_ps": 0.3,
    "timestep_fs": 0.5,
    "report_interval_ps": 0.05,
}


@pytest.fixture
def undisturbed(tmp_path: Path) -> RecordingContext:
    workdir = tmp_path / "undisturbed"
    workdir.mkdir()
    return RecordingContext(workdir)


@pytest.fixture(autouse=True)
def _checkpoints_at_every_report(monkeypatch: pytest.MonkeyPatch, nothing_left_aside: None) -> None:
    monkeypatch.setattr(checkpoint, "LEAST_SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(checkpoint, "SHARE_OF_TIME", 1e9)


def lose(context: RecordingContext, params: dict[str, Any], at_ps: float) -> None:
    context.stop_when = lambda point: point.get("time_ps", 0) >= at_ps
    with pytest.raises(Cancelled):
        SIM.run(params, context)


def same_files(one: Path, two: Path) -> list[str]:
    names = ("observables.csv", "trajectory.xtc", "final.pdb", "topology.pdb", "state.xml")
    return [name for name in names if (one / name).read_bytes() == (two / name).read_bytes()]


@pytest.mark.engine
@pytest.mark.parametrize(
    ("ensemble", "at_ps"),
    [
        ("NVT", 0.8),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in [("NVT", 0.1), ("NVT", 0.3), ("NVE", 0.1), ("NVE", 0.3), ("NVE", 0.8)]
        ),
    ],
)
def test_on_the_reference_platform_the_rest_is_the_same_to_the_last_bit(
    context: RecordingContext,
    next_context: RecordingContext,
    undisturbed: RecordingContext,
    ensemble: str,
    at_ps: float,
) -> None:
    params = {**ETHANOL, "ensemble": ensemble}
    straight = SIM.run(params, undisturbed)
    lose(context, params, at_ps)

    result = SIM.run(params, next_context)

    assert len(same_files(undisturbed.workdir, next_context.workdir)) == 5
    assert result["n_steps"] == straight["n_steps"] == 2600
    assert result["mean_temperature_k"] == straight["mean_temperature_k"]
    assert result["resumed_at_step"] == round(at_ps * 2000)
    assert "resumed" in {note["code"] for note in result["notes"]}
    assert "resuming at step" in next_context.log.getvalue()


def stop_between_marks(
    context: RecordingContext, params: dict[str, Any], after: int, monkeypatch: pytest.MonkeyPatch
) -> int:
    """Ask it to, when it is seven steps beyond that mark and no checkpoint was due for long."""
    monkeypatch.setattr(checkpoint, "LEAST_SECONDS_BETWEEN", 1e9)
    monkeypatch.setattr(pace, "SECONDS_PER_CHUNK", 0.0)  # a word after every step
    context.stop_when = lambda point: point["message"] == f"step {after + 7:,}"
    with pytest.raises(Cancelled):
        SIM.run(params, context)
    return after + 7


@pytest.mark.engine
@pytest.mark.parametrize(
    ("ensemble", "after"),
    [("NVT", 0), ("NVT", 500), ("NVT", 600), ("NVT", 1600), ("NVE", 600), ("NVE", 2500)],
)
def test_one_that_is_stopped_goes_on_from_that_very_step(
    context: RecordingContext,
    next_context: RecordingContext,
    undisturbed: RecordingContext,
    ensemble: str,
    after: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also from one that is none to be looked at: no row and no frame is missing, none is twice."""
    params = {**ETHANOL, "ensemble": ensemble}
    SIM.run(params, undisturbed)
    step = stop_between_marks(context, params, after, monkeypatch)

    result = SIM.run(params, next_context)

    assert result["resumed_at_step"] == step
    assert len(same_files(undisturbed.workdir, next_context.workdir)) == 5


def test_one_that_is_stopped_between_a_frame_and_its_row_keeps_what_was_whole(
    context: RecordingContext,
    next_context: RecordingContext,
    undisturbed: RecordingContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a signal, which comes at any place."""
    SIM.run(ETHANOL, undisturbed)
    append = Table.append

    def interrupted(table: Table, row: dict[str, float]) -> None:
        if row["step"] == 1600:
            raise Cancelled
        append(table, row)

    with monkeypatch.context() as signalled:
        signalled.setattr(Table, "append", interrupted)
        with pytest.raises(Cancelled):
            SIM.run(ETHANOL, context)

    assert SIM.run(ETHANOL, next_context)["resumed_at_step"] == 1500
    assert len(same_files(undisturbed.workdir, next_context.workdir)) == 5


def test_a_second_signal_while_the_last_checkpoint_is_saved_leaves_the_one_before(
    context: RecordingContext, next_context: RecordingContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    context.stop_when = lambda point: point.get("step", 0) >= 1600
    with monkeypatch.context() as signalled:
        signalled.setattr(checkpoint.Checkpoints, "save_the_last", interrupted)
        with pytest.raises(KeyboardInterrupt):
            SIM.run(ETHANOL, context)

    assert SIM.run(ETHANOL, next_context)["resumed_at_step"] == 1600


def test_what_is_no_number_is_no_checkpoint(
    context: RecordingContext, next_context: RecordingContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as blown_up:
        blown_up.setattr(checkpoint, "_is_finite", lambda state: False)
        stop_between_marks(context, ETHANOL, 600, blown_up)

    assert SIM.run(ETHANOL, next_context)["resumed_at_step"] == 600


@pytest.mark.parametrize("equilibration", [0, 600, 630])
@pytest.mark.parametrize("production", [100, 950, 2000])
def test_the_newest_mark_behind_a_step_is_one_of_the_marks(
    equilibration: int, production: int
) -> None:
    plan = Schedule(
        timestep_fs=1.0,
        equilibration_steps=equilibration,
        production_steps=production,
        interval=100,
    )
    marks = [0, *plan.marks(0, "equilibrate"), *plan.marks(equilibration, "produce")]

    for step in range(plan.n_steps + 1):
        assert plan.last_mark(step) == max(mark for mark in marks if mark <= step)


def test_a_run_may_be_lost_twice(
    context: RecordingContext,
    next_context: RecordingContext,
    undisturbed: RecordingContext,
    tmp_path: Path,
) -> None:
    (tmp_path / "attempt-3").mkdir()
    third = RecordingContext(tmp_path / "attempt-3", previous=next_context.workdir)
    SIM.run(ETHANOL, undisturbed)
    lose(context, ETHANOL, 0.5)
    lose(next_context, ETHANOL, 0.9)

    SIM.run(ETHANOL, third)

    assert len(same_files(undisturbed.workdir, third.workdir)) == 5


def test_rows_and_frames_beyond_the_checkpoint_are_done_again(
    context: RecordingContext, next_context: RecordingContext, undisturbed: RecordingContext
) -> None:
    """The machine died after it had written a frame and a row, and half of the next of each."""
    SIM.run(ETHANOL, undisturbed)
    lose(context, ETHANOL, 0.5)
    for name in ("observables.csv", "trajectory.xtc"):
        whole = (undisturbed.workdir / name).read_bytes()
        (context.workdir / name).write_bytes(whole[: int(0.8 * len(whole))])

    SIM.run(ETHANOL, next_context)

    assert len(same_files(undisturbed.workdir, next_context.workdir)) == 5


def test_without_the_binary_checkpoint_the_portable_state_will_do(
    context: RecordingContext, next_context: RecordingContext, undisturbed: RecordingContext
) -> None:
    params = {**ETHANOL, "ensemble": "NVE"}
    SIM.run(params, undisturbed)
    lose(context, params, 0.8)
    (context.workdir / checkpoint.CHECKPOINT_NAME).write_bytes(b"of another machine")

    result = SIM.run(params, next_context)

    assert "state.xml is" in next_context.log.getvalue()
    assert result["n_steps"] == 2600
    # NVE has no random numbers, and XML has every digit.
    assert len(same_files(undisturbed.workdir, next_context.workdir)) == 5


@pytest.mark.parametrize(
    "broken",
    [
        "state.xml",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("system.xml", "trajectory.xtc", "prepared.npy", "observables.csv")
        ),
    ],
)
def test_a_damaged_attempt_is_started_afresh(
    context: RecordingContext, next_context: RecordingContext, broken: str
) -> None:
    lose(context, ETHANOL, 0.8)
    (context.workdir / broken).write_bytes(b"")

    result = SIM.run(ETHANOL, next_context)

    assert result["resumed_at_step"] is None
    assert result["n_steps"] == 2600
    assert "starting afresh" in next_context.log.getvalue()


def test_a_peptide_goes_on_with_the_same_system(
    context: RecordingContext, next_context: RecordingContext
) -> None:
    params = {
        "pdb": ALANINE_DIPEPTIDE,
        "length_ps": 0.4,
        "equilibration_ps": 0.1,
        "report_interval_ps": 0.02,
    }
    lose(context, params, 0.3)

    result = SIM.run(params, next_context)

    assert result["n_steps"] == 250
    assert result["resumed_at_step"] == 150
    assert {"atoms_added", "resumed"} <= {note["code"] for note in result["notes"]}
    times = [row.split(",")[1] for row in _lines(next_context.workdir / "observables.csv")[1:]]
    assert [float(time) for time in times] == sorted({float(time) for time in times})
    before = set(_lines(context.workdir / "observables.csv"))
    assert before <= set(_lines(next_context.workdir / "observables.csv"))


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


@pytest.mark.slow
def test_a_killed_process_is_gone_on_from_by_a_fresh_one(tmp_path: Path) -> None:
    params = {"structure": "aspirin", "length_ps": 40, "ensemble": "NVE", "timestep_fs": 0.5}
    lost, workdir = tmp_path / "lost", tmp_path / "next"
    for directory in (lost, workdir):
        directory.mkdir()
        (directory / "params.json").write_text(json.dumps(params))
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "simulations", "exec", "md_simulation", str(lost)]
    running = subprocess.Popen(command, env=env)
    _wait_for_progress(lost, running, at_ps=15)
    running.kill()
    running.wait()

    lost = lost.rename(workdir / PREVIOUS_NAME)
    subprocess.run([*command[:-1], str(workdir)], env=env, check=True, timeout=120)

    result = json.loads((workdir / "result.json").read_text())
    assert result["n_steps"] == 84_000
    assert result["resumed_at_step"] > 2000
    first = json.loads((workdir / "progress.jsonl").read_text().splitlines()[0])
    assert first["fraction"] > 0.05
    assert abs(result["energy_drift_kj_per_mol_ns_atom"]) < 1
    rows = _lines(workdir / "observables.csv")
    assert [line for line in _lines(lost / "observables.csv")[:50] if line not in rows] == []


def _wait_for_progress(directory: Path, running: subprocess.Popen[bytes], at_ps: float) -> None:
    path = directory / "progress.jsonl"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        points = [json.loads(line) for line in _whole_lines(path)]
        if points and points[-1].get("time_ps", 0) >= at_ps:
            return
        time.sleep(0.1)
    pytest.fail("it did not get that far, or ended before it was killed")


def _whole_lines(path: Path) -> list[str]:
    text = path.read_text() if path.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()
