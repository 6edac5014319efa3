"""What a run writes to be resumed and to be watched: beside it, and little."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openmm
import openmm.app
import pytest

import simulations
from simulations.dynamics import checkpoint, growing
from simulations.dynamics.aside import Aside
from simulations.dynamics.prepared import Prepared

from .recording import RecordingContext

pytestmark = pytest.mark.engine

RUN_S, REPORT_S, PAUSE_S = 2000.0, 0.1, 0.2


class Clock:
    """Stands still but when told to go on."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    it = Clock()
    monkeypatch.setattr(checkpoint, "time", it)
    monkeypatch.setattr(growing, "time", it)
    return it


class Disk:
    """Writes nothing before it is told to go on."""

    def __init__(self) -> None:
        self.goes_on, self.refused = threading.Event(), threading.Event()
        self.is_full = False
        self.written: dict[str, bytes] = {}

    def write(self, path: Path, data: bytes) -> None:
        assert self.goes_on.wait(10)
        if self.is_full:
            self.refused.set()
            raise OSError(errno.ENOSPC, "No space left on device")
        self.written[path.name] = data


def share_of(clock: Clock, look: Callable[[], object]) -> float:
    """Of a run that is looked at ten times a second, how long something is written."""
    paused = 0.0
    while clock.now < RUN_S:
        clock.now += REPORT_S
        before = clock.now
        look()
        paused += clock.now - before
    return paused / clock.now


def still() -> openmm.System:
    system = openmm.System()
    system.addParticle(1.0)
    return system


@pytest.fixture
def engine() -> openmm.Context:
    reference = openmm.Platform.getPlatformByName("Reference")
    engine = openmm.Context(still(), openmm.VerletIntegrator(0.001), reference)
    engine.setPositions([(0, 0, 0)])
    return engine


def test_checkpoints_take_a_hundredth_of_the_time(
    clock: Clock, engine: openmm.Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(path: Path, data: bytes) -> None:
        clock.now += PAUSE_S / 2

    monkeypatch.setattr(checkpoint, "_replace", write)
    aside = Aside()
    checkpoints = checkpoint.Checkpoints(tmp_path, aside)

    def look() -> None:
        checkpoints.save_if_due(engine)
        aside.wait()

    assert 0.008 < share_of(clock, look) <= 0.0101


def test_frames_for_who_watches_take_half_as_much(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(path: Path, parts: object) -> None:
        clock.now += PAUSE_S

    monkeypatch.setattr(growing, "put", write)
    at = np.zeros((1, 3))
    topology = openmm.app.Topology()
    residue = topology.addResidue("MOL", topology.addChain())
    topology.addAtom("H", openmm.app.element.hydrogen, residue)
    prepared = Prepared(system=still(), topology=topology, positions=at, notes=[])
    aside = Aside()
    shown = growing.Growing(prepared, tmp_path, aside)

    def look() -> None:
        shown.add(at, clock.now)
        aside.wait()

    assert 0.004 < share_of(clock, look) <= 0.0051


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    it = Disk()
    monkeypatch.setattr(checkpoint, "_replace", it.write)
    monkeypatch.setattr(checkpoint, "LEAST_SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(checkpoint, "SHARE_OF_TIME", 1e9)
    return it


def test_the_engine_waits_for_no_disk(disk: Disk, engine: openmm.Context, tmp_path: Path) -> None:
    with Aside() as aside:
        checkpoints = checkpoint.Checkpoints(tmp_path, aside)

        for _ in range(3):
            checkpoints.save_if_due(engine)
            engine.setTime(engine.getTime() + 1 * openmm.unit.picosecond)

        assert disk.written == {}
        disk.goes_on.set()

    assert b'time="0"' in disk.written["state.xml"]
    assert set(disk.written) == {"state.xml", "checkpoint.chk"}


def test_what_is_given_last_is_waited_for(
    disk: Disk, engine: openmm.Context, tmp_path: Path
) -> None:
    with Aside() as aside:
        checkpoints = checkpoint.Checkpoints(tmp_path, aside)
        checkpoints.save(engine)
        engine.setTime(1)
        checkpoints.save(engine)
        disk.goes_on.set()

    assert b'time="1"' in disk.written["state.xml"]


@pytest.mark.parametrize("n_saved_before", [0, 1])
def test_a_full_disk_ends_the_run_at_its_next_look_or_at_its_end(
    disk: Disk, engine: openmm.Context, tmp_path: Path, n_saved_before: int
) -> None:
    disk.goes_on.set()
    aside = Aside()
    checkpoints = checkpoint.Checkpoints(tmp_path, aside)
    for _ in range(n_saved_before):
        checkpoints.save(engine)
    aside.wait()
    disk.is_full = True

    checkpoints.save(engine)
    disk.refused.wait(10)

    with pytest.raises(OSError, match="No space"), aside:
        pass
    # Once: it is not the fault of what comes next.
    assert aside.is_idle


def test_a_run_whose_disk_is_full_fails(
    context: RecordingContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    replace = checkpoint._replace

    def write(path: Path, data: bytes) -> None:
        # The first one is that of the minimum.
        disk.is_full = path.exists()
        disk.goes_on.set()
        disk.write(path, data)
        replace(path, data)

    monkeypatch.setattr(checkpoint, "_replace", write)
    params: dict[str, Any] = {"structure": "O", "length_ps": 0.02, "equilibration_ps": 0.01}

    with pytest.raises(OSError, match="No space"):
        simulations.get("md_simulation").run(params, context)


def test_rows_and_frames_are_on_the_disk_before_the_checkpoint_that_counts_them(
    engine: openmm.Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(checkpoint, "_sync", lambda path: done.append(path.name))
    monkeypatch.setattr(checkpoint, "_replace", lambda path, data: done.append(path.name))

    with Aside() as aside:
        checkpoint.Checkpoints(tmp_path, aside).save(engine)

    assert done == ["observables.csv", "trajectory.xtc", "state.xml", "checkpoint.chk"]
