"""Walk downhill to a minimum of the energy, with geomeTRIC, every step kept on disk."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

from simulations.base import Context
from simulations.errors import ScienceError

from .calculation import Calculation
from .geometry import Geometry, append_frame, read_frames
from .progress import Progress, log_progress
from .properties import geometry_of

TRAJECTORY_NAME = "trajectory.xyz"
MAX_FORCE_TARGET = 4.5e-4
"""geomeTRIC's (and Gaussian's) default for the largest force on an atom, hartree/bohr."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    geometry: Geometry
    energy: float
    gradient: Any
    max_force: float


class Descent:
    """The steps of one optimisation, told and recorded as they are computed."""

    def __init__(
        self, calculation: Calculation, context: Context, progress: Progress, recorded: int
    ) -> None:
        self.steps: list[Step] = []
        self._calculation = calculation
        self._recorded = recorded
        self._progress = progress
        self._path = context.workdir / TRAJECTORY_NAME
        self._context = context

    @property
    def number(self) -> int:
        """Of the step being computed, those of a lost attempt counted."""
        return self._recorded + len(self.steps) + 1

    def evaluate(self, positions_bohr: Any) -> tuple[float, Any]:
        """Energy and gradient at the next point of the walk."""
        import numpy as np

        energy = self._calculation.energy(positions_bohr)
        gradient = self._calculation.gradient()
        forces = np.linalg.norm(gradient, axis=1)
        step = Step(
            geometry=geometry_of(self._calculation.mean_field.mol),
            energy=energy,
            gradient=gradient,
            max_force=float(forces.max()),
        )
        self._record(step)
        self._tell(step, rms=float(np.sqrt(np.mean(forces**2))))
        return energy, gradient

    def _record(self, step: Step) -> None:
        if not self.steps:
            self._context.artifact(TRAJECTORY_NAME, "Trajectory", "chemical/x-xyz")
        append_frame(
            self._path, step.geometry, f"step {self.number} energy_hartree {step.energy:.10f}"
        )

    def _tell(self, step: Step, rms: float) -> None:
        number = self.number
        # The first step has nothing to differ from, and a nought would be a lie.
        change = {"delta_energy_hartree": step.energy - self.steps[-1].energy} if self.steps else {}
        self.steps.append(step)
        part = log_progress(step.max_force, self.steps[0].max_force, MAX_FORCE_TARGET)
        self._progress.report(
            0.05 + 0.9 * part,
            f"geometry step {number}",
            stage="optimise",
            step=number,
            energy_hartree=step.energy,
            max_force_hartree_per_bohr=step.max_force,
            rms_force_hartree_per_bohr=rms,
            **change,
        )


def resume_trajectory(context: Context, start: Geometry) -> tuple[Geometry, int]:
    """Where a lost attempt had got to and how many steps it had done; else `start` and none.

    Its last geometry is computed once more, so that step is not counted.
    """
    frames = read_frames(context.previous / TRAJECTORY_NAME) if context.previous else []
    if not frames or frames[-1].symbols != start.symbols:
        return start, 0
    for number, frame in enumerate(frames[:-1], start=1):
        append_frame(context.workdir / TRAJECTORY_NAME, frame, f"step {number} of the lost attempt")
    context.log.write(f"Resuming at geometry step {len(frames)} of an attempt that was lost.\n")
    return frames[-1], len(frames) - 1


def minimise(descent: Descent, start: Geometry, max_steps: int, log: TextIO) -> None:
    """Run geomeTRIC until its criteria for energy, forces and displacements are met.

    :raises ScienceError: they are not within `max_steps`.
    """
    import numpy as np
    from geometric.errors import GeomOptNotConvergedError
    from geometric.internal import DelocalizedInternalCoordinates
    from geometric.molecule import Molecule
    from geometric.nifty import ang2bohr
    from geometric.optimize import Optimize
    from geometric.params import OptParams

    molecule = Molecule()
    molecule.elem = list(start.symbols)
    molecule.xyzs = [np.array(start.positions)]
    molecule.build_topology()
    coordinates = DelocalizedInternalCoordinates(molecule, build=True, connect=False, addcart=False)
    with tempfile.TemporaryDirectory() as scratch, _geometric_writes_to(log):
        try:
            Optimize(
                np.ravel(molecule.xyzs[0]) * ang2bohr,
                molecule,
                coordinates,
                _engine(molecule, descent),
                scratch,
                OptParams(maxiter=max_steps, convergence_gmax=MAX_FORCE_TARGET),
            )
        except GeomOptNotConvergedError:
            raise _not_converged(descent, max_steps) from None


def _engine(molecule: Any, descent: Descent) -> Any:
    from geometric.engine import Engine

    class DescentEngine(Engine):
        """Answers geomeTRIC with DFT energies."""

        def calc_new(self, coords: Any, dirname: str) -> dict[str, Any]:
            energy, gradient = descent.evaluate(coords.reshape(-1, 3))
            return {"energy": energy, "gradient": gradient.ravel()}

    return DescentEngine(molecule)


def _not_converged(descent: Descent, max_steps: int) -> ScienceError:
    force = descent.steps[-1].max_force
    return ScienceError(
        f"The geometry did not converge in {max_steps} steps: the largest force is "
        f"{force:.1e} hartree/bohr, {MAX_FORCE_TARGET:.1e} is wanted.",
        hints=[
            f"Start again from the last frame of {TRAJECTORY_NAME}, with more steps (max_steps).",
            "A floppy molecule or two loose parts: give a better starting geometry.",
            "Forces that jump: a finer grid (grid_level) or a tighter SCF.",
        ],
    )


@contextmanager
def _geometric_writes_to(log: TextIO) -> Iterator[None]:
    """Route geomeTRIC's log, which ends its own lines, and leave the root logger alone."""
    handler = logging.StreamHandler(log)
    handler.terminator = ""
    logger = logging.getLogger("geometric")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate
