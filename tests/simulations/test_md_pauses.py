"""For how long a run stands still to be resumed and to be watched: next to nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import openmm
import openmm.app
import pytest

from simulations.dynamics import checkpoint, growing
from simulations.dynamics.prepared import Prepared

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


def share_of(clock: Clock, look: Callable[[], object]) -> float:
    """Of a run that is looked at ten times a second, what looking takes."""
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


def test_checkpoints_take_a_hundredth_of_the_time(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(path: Path, data: bytes) -> None:
        clock.now += PAUSE_S / 2

    monkeypatch.setattr(checkpoint, "_replace", write)
    reference = openmm.Platform.getPlatformByName("Reference")
    engine = openmm.Context(still(), openmm.VerletIntegrator(0.001), reference)
    engine.setPositions([(0, 0, 0)])
    checkpoints = checkpoint.Checkpoints(tmp_path)

    assert 0.008 < share_of(clock, lambda: checkpoints.save_if_due(engine)) <= 0.0101


def test_frames_for_who_watches_take_half_as_much(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(shown: growing.Growing) -> None:
        clock.now += PAUSE_S

    monkeypatch.setattr(growing.Growing, "_write", write)
    at = np.zeros((1, 3))
    topology = openmm.app.Topology()
    residue = topology.addResidue("MOL", topology.addChain())
    topology.addAtom("H", openmm.app.element.hydrogen, residue)
    prepared = Prepared(system=still(), topology=topology, positions=at, notes=[])
    shown = growing.Growing(prepared, tmp_path)

    assert 0.004 < share_of(clock, lambda: shown.add(at, clock.now)) <= 0.0051
