"""When what happens: the steps of a run, its stages, and the steps after which it is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .params import Ensemble, Environment, MdParams

REPORTS = 150
DEFAULT_PRESSURE_BAR = 1.0
EQUILIBRATION_PS: dict[Environment, float] = {"vacuum": 2.0, "implicit": 5.0, "explicit": 20.0}
MAX_STEP_FS = {"free": 1.0, "constrained": 2.0, "heavy": 4.0}

Stage = Literal["equilibrate", "produce"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A run in time steps, counted from the start of equilibration."""

    timestep_fs: float
    equilibration_steps: int
    production_steps: int
    interval: int

    @property
    def n_steps(self) -> int:
        return self.equilibration_steps + self.production_steps

    @property
    def n_frames(self) -> int:
        return self.frames_until(self.n_steps)

    def frames_until(self, step: int) -> int:
        """Frames of the trajectory: one an interval of production."""
        return max(step - self.equilibration_steps, 0) // self.interval

    def last_step(self, stage: Stage) -> int:
        return self.equilibration_steps if stage == "equilibrate" else self.n_steps

    def time_ps(self, step: int) -> float:
        return step * self.timestep_fs / 1000

    def marks(self, done: int, stage: Stage) -> Iterator[int]:
        """The steps beyond `done` after which this stage is looked at; its last is one."""
        first = 0 if stage == "equilibrate" else self.equilibration_steps
        last = self.last_step(stage)
        for mark in range(first + self.interval, last, self.interval):
            if mark > done:
                yield mark
        if last > done:
            yield last

    def last_mark(self, step: int) -> int:
        """The newest of all marks that a run at this step has behind it; 0: there is none."""
        if step >= self.n_steps:
            return self.n_steps
        first = 0 if step < self.equilibration_steps else self.equilibration_steps
        return step - (step - first) % self.interval

    def is_frame(self, step: int) -> bool:
        beyond = step - self.equilibration_steps
        return beyond > 0 and beyond % self.interval == 0


def is_constrained(params: MdParams) -> bool:
    """Whether bonds to hydrogen are held at their length."""
    if params.constraints == "auto":
        return timestep_fs(params) > MAX_STEP_FS["free"] or params.heavy_hydrogens
    return params.constraints == "h-bonds"


def timestep_fs(params: MdParams) -> float:
    if params.timestep_fs is not None:
        return params.timestep_fs
    return 2.0 if params.protein is not None and params.constraints != "none" else 1.0


def environment(params: MdParams) -> Environment:
    if params.environment != "auto":
        return params.environment
    return "vacuum" if params.protein is None else "implicit"


def pressure_bar(params: MdParams) -> float:
    return DEFAULT_PRESSURE_BAR if params.pressure_bar is None else params.pressure_bar


def ensemble(params: MdParams, stage: Stage) -> Ensemble:
    """What holds in a stage: the equilibration settles the density of water, then all else."""
    if stage == "produce":
        return params.ensemble
    return "NPT" if environment(params) == "explicit" else "NVT"


def schedule(params: MdParams) -> Schedule:
    step = timestep_fs(params)
    warm_up = params.equilibration_ps
    if warm_up is None:
        warm_up = EQUILIBRATION_PS[environment(params)]
    equilibration = round(warm_up * 1000 / step)
    production = max(round(params.length_ps * 1000 / step), 1)
    interval = round((equilibration + production) / REPORTS)
    if params.report_interval_ps is not None:
        interval = round(params.report_interval_ps * 1000 / step)
    return Schedule(
        timestep_fs=step,
        equilibration_steps=equilibration,
        production_steps=production,
        interval=min(max(interval, 1), production),
    )
