"""Where a run was last known to be whole: OpenMM's own checkpoint, and a portable state."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from .aside import Aside
from .observables import OBSERVABLES_NAME
from .trajectory import TRAJECTORY_NAME

CHECKPOINT_NAME = "checkpoint.chk"
STATE_NAME = "state.xml"
LEAST_SECONDS_BETWEEN = 1.0
SHARE_OF_TIME = 0.01
"""That the disk is kept busy; a crash costs what was computed since, a hundred times as long as a
checkpoint."""


class Checkpoints:
    """Written as often as costs little, and replaced at once: a crash leaves the one before."""

    def __init__(self, workdir: Path, aside: Aside) -> None:
        self._workdir = workdir
        self._aside = aside
        self._due = time.monotonic() + LEAST_SECONDS_BETWEEN
        self._saved_at: int | None = None

    def save(self, engine: Any) -> None:
        """How it is now, which is on disk once what is done aside is done."""
        self._aside.do(partial(self._write, state_of(engine), engine.createCheckpoint()))
        self._saved_at = engine.getStepCount()

    def save_if_due(self, engine: Any) -> None:
        if self._aside.is_idle and time.monotonic() >= self._due:
            self.save(engine)

    def save_the_last(self, engine: Any) -> None:
        """Of a run that is stopped, if it is another than was saved before, and of numbers."""
        if engine.getStepCount() != self._saved_at and _is_finite(state_of(engine)):
            self.save(engine)

    def _write(self, state: Any, checkpoint: bytes) -> None:
        from openmm import XmlSerializer

        started = time.monotonic()
        # Of a machine that dies next: it is of no use without the rows and frames up to it.
        for name in (OBSERVABLES_NAME, TRAJECTORY_NAME):
            _sync(self._workdir / name)
        _replace(self._workdir / STATE_NAME, XmlSerializer.serialize(state).encode())
        _replace(self._workdir / CHECKPOINT_NAME, checkpoint)
        spent = time.monotonic() - started
        self._due = started + max(LEAST_SECONDS_BETWEEN, spent / SHARE_OF_TIME)


def _sync(path: Path) -> None:
    """What has been written to it is on the disk, if there is such a file."""
    if path.exists():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())


def state_of(context: Any) -> Any:
    """Positions, velocities, box, time and step, which any stage may go on from."""
    return context.getState(positions=True, velocities=True)


def _is_finite(state: Any) -> bool:
    import numpy as np
    from openmm import unit

    positions_nm = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    speeds = state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond)
    return bool(np.isfinite(positions_nm).all() and np.isfinite(speeds).all())


def _replace(path: Path, data: bytes) -> None:
    scratch = path.with_name(f".{path.name}")
    with scratch.open("wb") as stream:
        stream.write(data)
        stream.flush()
        # A machine may die next.
        os.fsync(stream.fileno())
    scratch.replace(path)


def read_state(directory: Path) -> Any:
    """The `openmm.State` that was saved there.

    :raises OSError, ValueError: there is none, or it is no such file.
    """
    from openmm import OpenMMException, XmlSerializer

    try:
        return XmlSerializer.deserialize((directory / STATE_NAME).read_text())
    except OpenMMException as exc:
        raise ValueError(str(exc)) from None


def restore(context: Any, state: Any, directory: Path, log: TextIO) -> None:
    """Put the context where the state is; by the checkpoint, with its random numbers, if it can."""
    from openmm import OpenMMException

    try:
        context.loadCheckpoint((directory / CHECKPOINT_NAME).read_bytes())
        if context.getStepCount() == state.getStepCount():
            return
        reason = f"it is of step {context.getStepCount()}"
    except (OSError, OpenMMException) as exc:
        reason = str(exc)
    # Of another platform or version, or one step newer than the state.
    log.write(
        f"{CHECKPOINT_NAME} is not used ({reason}); {STATE_NAME} is, with new random kicks.\n"
    )
    context.setState(state)
