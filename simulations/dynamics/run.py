"""One attempt at a molecular dynamics run: minimise, equilibrate, produce, every frame kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

from simulations.base import Context
from simulations.errors import Cancelled, ScienceError

from . import checkpoint
from .aside import Aside
from .engine import (
    choose_platform,
    degrees_of_freedom,
    hold_still,
    make_context,
    total_mass_da,
)
from .growing import Growing
from .images import Together, gathered
from .minimise import minimise
from .observables import OBSERVABLES_NAME, Gauge, Row, Table, is_finite
from .pace import Pace
from .params import MAX_PADDING_ANGSTROM, MIN_TIMESTEP_FS, MdParams
from .platforms import GPU_PLATFORM, works
from .prepare import prepare
from .prepared import SYSTEM_NAME, TOPOLOGY_NAME, Prepared, store, write_pdb
from .preview import PREVIEW_NAME, SHOWN_PS, solute, write_preview
from .resume import resume
from .schedule import Schedule, Stage, ensemble, environment, schedule
from .trajectory import TRAJECTORY_NAME, Frames

FINAL_NAME = "final.pdb"
MINIMISE_SHARE = 0.02
FINISH_SHARE = 0.01
MORE_PADDING_ANGSTROM = 4.0
TITLES = {
    TOPOLOGY_NAME: ("Minimised start, the trajectory's topology", "chemical/x-pdb"),
    SYSTEM_NAME: ("OpenMM system: every force and parameter", "application/xml"),
    TRAJECTORY_NAME: ("Trajectory of the production", "application/octet-stream"),
    OBSERVABLES_NAME: ("Energies and temperatures over time", "text/csv"),
    checkpoint.CHECKPOINT_NAME: ("OpenMM checkpoint", "application/octet-stream"),
    checkpoint.STATE_NAME: ("Positions and velocities, portable", "application/xml"),
    FINAL_NAME: ("Last structure", "chemical/x-pdb"),
    PREVIEW_NAME: ("Some frames without water, for viewers", "chemical/x-pdb"),
}
BLOWN_UP_HINTS = (
    "A smaller time step (timestep_fs).",
    "A lower temperature, or a longer equilibration at a small step.",
    "A better starting structure: atoms that clash are flung apart.",
)


class Run:
    """Its state is that of the files in the working directory, a checkpoint behind at most."""

    def __init__(self, params: MdParams, context: Context) -> None:
        self.plan: Schedule = schedule(params)
        self.pace = Pace(self.plan.timestep_fs)
        self._params = params
        self._context = context
        self._declared: set[str] = set()
        self._aside = Aside()
        self._checkpoints = checkpoint.Checkpoints(context.workdir, self._aside)
        resumed = resume(context, self.plan)
        self.resumed_at = resumed.step if resumed else None
        if resumed:
            self.prepared, self._state = resumed.prepared, resumed.state
            self._announce_resumption(resumed.step)
        else:
            self.prepared, self._state = self._minimised(prepare(params, context))
        self.table = Table(context.workdir / OBSERVABLES_NAME, resumed.rows if resumed else ())
        self._growing = Growing(self.prepared, context.workdir, self._aside)
        self._frames = Frames(context.workdir / TRAJECTORY_NAME, self.prepared, self.plan)
        self._together = Together(self.prepared)
        self._gauge = self._make_gauge()
        self._declare(TOPOLOGY_NAME, SYSTEM_NAME, checkpoint.CHECKPOINT_NAME, checkpoint.STATE_NAME)

    def go(self) -> None:
        """Do the stages that are left, and write the last structure.

        :raises ScienceError: the forces ran away.
        """
        with self._engine_errors(), self._aside:
            self._stage("equilibrate")
            self._stage("produce")
        self._write_final()

    @property
    def workdir(self) -> Path:
        return self._context.workdir

    @property
    def platform(self) -> Any:
        return self._platform_for(self.prepared)

    @property
    def lacks_gpu(self) -> bool:
        """It might have used one, and there is none that OpenMM can compute on."""
        return self._context.gpu and not works(GPU_PLATFORM)

    def _platform_for(self, prepared: Prepared) -> Any:
        context = self._context
        return choose_platform(prepared, self._params, threads=context.threads, gpu=context.gpu)

    def production(self) -> list[Row]:
        return [row for row in self.table.rows if row["step"] > self.plan.equilibration_steps]

    def _minimised(self, prepared: Prepared) -> tuple[Prepared, Any]:
        from openmm import unit

        platform = self._platform_for(prepared)
        with self._engine_errors():
            engine = make_context(prepared, self._params, self.plan, "equilibrate", platform)
            engine.setPositions(prepared.positions)
            minimise(engine, self._context, MINIMISE_SHARE)
            engine.setVelocitiesToTemperature(self._params.temperature_k, self._params.seed)
        positions = checkpoint.state_of(engine).getPositions(asNumpy=True)
        prepared = replace(prepared, positions=positions.value_in_unit(unit.nanometer))
        store(prepared, self._context.workdir)
        self._checkpoints.save(engine)
        self._aside.wait()
        return prepared, checkpoint.state_of(engine)

    def _announce_resumption(self, step: int) -> None:
        message = f"resuming at step {step:,} of {self.plan.n_steps:,}"
        self._context.log.write(f"A lost attempt left a checkpoint: {message}.\n")
        stage = "equilibrate" if step < self.plan.equilibration_steps else "produce"
        self._context.report(self._fraction(step), message, stage=stage)

    def _make_gauge(self) -> Gauge:
        heavy = self.prepared.heavy_solute() or list(range(self.prepared.n_atoms))
        molecule = solute(self.prepared)
        return Gauge(
            prepared=self.prepared,
            solute=heavy,
            reference=self.prepared.positions[heavy],
            molecule=molecule,
            masses_da=self.prepared.element_masses_da()[molecule],
            mass_da=total_mass_da(self.prepared.system),
            together=self._together,
        )

    def _stage(self, stage: Stage) -> None:
        if self._state.getStepCount() >= self.plan.last_step(stage):
            return
        engine = make_context(self.prepared, self._params, self.plan, stage, self.platform)
        self._place(engine, stage)
        with self._kept_when_stopped(engine):
            self._tell_target(engine.getStepCount(), stage)
            for mark in self.plan.marks(engine.getStepCount(), stage):
                self._advance(engine, mark, stage)
                self._look(engine, stage)
            self._checkpoints.save(engine)
        self._state = checkpoint.state_of(engine)

    @contextmanager
    def _kept_when_stopped(self, engine: Any) -> Iterator[None]:
        """So that the next attempt goes on from there, not from when a checkpoint was last due."""
        from openmm import OpenMMException

        try:
            yield
        except Cancelled:
            # By a signal it comes at any place, also between a frame and its row.
            if self.table.last_step == self.plan.last_mark(engine.getStepCount()):
                with suppress(OpenMMException):
                    self._checkpoints.save_the_last(engine)
            raise

    def _tell_target(self, step: int, stage: Stage) -> None:
        """What a thermostat holds, and how widely a temperature of so few atoms swings about it."""
        kind = ensemble(self._params, stage)
        if kind == "NVE":
            return
        target = self._params.temperature_k
        spread = target * sqrt(2 / degrees_of_freedom(self.prepared, kind))
        told = {"target_temperature_k": target, "temperature_spread_k": spread}
        self._context.report(self._fraction(step), f"step {step:,}", stage=stage, **told)

    def _place(self, engine: Any, stage: Stage) -> None:
        """Put the atoms where the stage before, or the attempt before, left them."""
        first = 0 if stage == "equilibrate" else self.plan.equilibration_steps
        if self._state.getStepCount() > first:
            checkpoint.restore(engine, self._state, self._context.workdir, self._context.log)
            return
        engine.setState(self._state)
        if ensemble(self._params, stage) == "NVE":
            hold_still(engine, self.prepared)

    def _advance(self, engine: Any, mark: int, stage: Stage) -> None:
        while (left := mark - engine.getStepCount()) > 0:
            self.pace.advance(engine.getIntegrator(), left)
            if (step := engine.getStepCount()) < mark:
                # Between two frames: just to be heard of, and to hear.
                self._context.report(self._fraction(step), f"step {step:,}", stage=stage)

    def _look(self, engine: Any, stage: Stage) -> None:
        step = engine.getStepCount()
        free = degrees_of_freedom(self.prepared, ensemble(self._params, stage))
        row = {"step": step, "time_ps": self.plan.time_ps(step), **self._gauge.read(engine, free)}
        if not is_finite(row):
            raise self._blown_up(step)
        shown = self._keep_frame(engine, row["time_ps"]) if self.plan.is_frame(step) else {}
        self.table.append(row)
        self._checkpoints.save_if_due(engine)
        self._declare(OBSERVABLES_NAME)
        metrics = {
            **row,
            **shown,
            "speed_ns_per_day": self.pace.ns_per_day,
            "remaining_s": round(self.pace.seconds_for(self.plan.n_steps - step), 2),
        }
        message = f"{row['time_ps']:.3f} ps of {self.plan.time_ps(self.plan.n_steps):g}"
        self._context.report(self._fraction(step), message, stage=stage, **metrics)

    def _keep_frame(self, engine: Any, time_ps: float) -> dict[str, float]:
        """:returns: the time of the newest frame that a browser may see, if that is a newer one."""
        positions_nm = self._frames.append(engine)
        self._declare(TRAJECTORY_NAME)
        shown_ps = self._growing.add(positions_nm, time_ps)
        if shown_ps is None:
            return {}
        self._declare(PREVIEW_NAME)
        return {SHOWN_PS: shown_ps}

    def _write_final(self) -> None:
        from openmm import unit

        positions = self._state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        box = self._state.getPeriodicBoxVectors() if self.prepared.periodic else None
        if box is not None:
            box_nm = box.value_in_unit(unit.nanometer)
            positions = gathered(self.prepared, self._together(positions, box_nm), box_nm)
        write_pdb(self.prepared, positions, self._context.workdir / FINAL_NAME, box)
        self._declare(FINAL_NAME)
        if write_preview(self.prepared, self._context.workdir):
            self._declare(PREVIEW_NAME)

    def _fraction(self, step: int) -> float:
        moving = 1 - MINIMISE_SHARE - FINISH_SHARE
        return MINIMISE_SHARE + moving * step / self.plan.n_steps

    def _declare(self, *names: str) -> None:
        for name in names:
            if name not in self._declared:
                self._declared.add(name)
                title, media_type = TITLES[name]
                self._context.artifact(name, title, media_type)

    @contextmanager
    def _engine_errors(self) -> Iterator[None]:
        """What OpenMM raises while it runs, told as a failure of the science."""
        from openmm import OpenMMException

        try:
            yield
        except OpenMMException as exc:
            if "NaN" in str(exc):
                raise self._blown_up() from exc
            raise self._gave_up(exc) from exc

    def _gave_up(self, exc: Exception) -> ScienceError:
        is_boxed = environment(self._params) == "explicit"
        wider = min(self._params.padding_angstrom + MORE_PADDING_ANGSTROM, MAX_PADDING_ANGSTROM)
        return ScienceError(
            f"OpenMM gave up: {exc}",
            hints=["If it speaks of the box: more padding (padding_angstrom), less heat."],
            fix={"padding_angstrom": wider} if is_boxed and "box" in str(exc) else None,
        )

    def _blown_up(self, step: int | None = None) -> ScienceError:
        when = f" at or before step {step:,}" if step else ""
        shorter = max(self.plan.timestep_fs / 2, MIN_TIMESTEP_FS)
        return ScienceError(
            f"The simulation blew up{when}: energies or positions are no longer numbers.",
            hints=BLOWN_UP_HINTS,
            fix={"timestep_fs": shorter} if shorter < self.plan.timestep_fs else None,
        )
