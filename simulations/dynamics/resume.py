"""Where an attempt begins: at the start, or where a lost one was last known to be whole."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulations.base import Context

from . import prepared as prepared_files
from .checkpoint import CHECKPOINT_NAME, STATE_NAME, read_state
from .observables import OBSERVABLES_NAME, Row, read_rows
from .prepared import Prepared
from .schedule import Schedule
from .trajectory import TRAJECTORY_NAME, copy_frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What a lost attempt left, its files copied into the directory of this one."""

    prepared: Prepared
    state: Any
    rows: Sequence[Row]

    @property
    def step(self) -> int:
        return int(self.state.getStepCount())


def resume(context: Context, plan: Schedule) -> Resumed | None:
    """None if there was no attempt before, or none that got as far as to move."""
    if context.previous is None:
        return None
    try:
        return _read(context.previous, context.workdir, plan)
    except (OSError, ValueError) as exc:
        context.log.write(f"Nothing to go on from in the lost attempt, starting afresh: {exc}\n")
        return None


def _read(previous: Path, workdir: Path, plan: Schedule) -> Resumed:
    prepared = prepared_files.load(previous)
    state = read_state(previous)
    step = int(state.getStepCount())
    frames = plan.frames_until(step)
    rows = read_rows(previous / OBSERVABLES_NAME, plan.last_mark(step))
    if copy_frames(previous / TRAJECTORY_NAME, workdir / TRAJECTORY_NAME, frames) < frames:
        (workdir / TRAJECTORY_NAME).unlink(missing_ok=True)
        raise ValueError(f"{TRAJECTORY_NAME} is shorter than {frames} frames")
    for name in (*prepared_files.FILES, STATE_NAME):
        shutil.copyfile(previous / name, workdir / name)
    if (previous / CHECKPOINT_NAME).exists():
        shutil.copyfile(previous / CHECKPOINT_NAME, workdir / CHECKPOINT_NAME)
    return Resumed(prepared=prepared, state=state, rows=rows)
