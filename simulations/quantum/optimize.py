"""Walk downhill to a minimum of the energy, every step told and kept on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TextIO

from simulations.base import Context, Motion, Note
from simulations.errors import ScienceError

from .geometry import Geometry, append_frame, read_trajectory
from .params import MAX_STEPS
from .progress import Progress, log_progress
from .walk import MAX_FORCE_TARGET, WalkFailed, walk_downhill

TRAJECTORY_NAME = "trajectory.xyz"
FINAL_NAME = "final.xyz"
ENERGY = "energy_hartree "
"""What stands before the energy in a frame's comment."""
STEPS = Motion(file=TRAJECTORY_NAME, told_by="step")
"""Each step is in the file before it is told."""


class Surface(Protocol):
    """Energies and forces of one molecule wherever its atoms are put."""

    @property
    def geometry(self) -> Geometry:
        """Of the last energy."""

    def energy(self, positions_bohr: Any = None) -> float:
        """In hartree."""

    def gradient(self) -> Any:
        """dE/dR of the last energy, hartree/bohr, as an array of (n, 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    geometry: Geometry
    energy: float
    gradient: Any
    max_force: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LostSteps:
    """What attempts that were lost had done before."""

    done: int = 0
    initial_energy: float | None = None


class Descent:
    """The steps of one optimisation, told and recorded as they are computed."""

    def __init__(
        self,
        surface: Surface,
        context: Context,
        progress: Progress,
        *,
        lost: LostSteps | None = None,
        span: tuple[float, float] = (0.05, 0.95),
    ) -> None:
        """:param span: the part of the whole run's progress that this is."""
        self.steps: list[Step] = []
        self.notes: list[Note] = []
        self._surface = surface
        self._span = span
        self._lost = lost or LostSteps()
        self._progress = progress
        self._path = context.workdir / TRAJECTORY_NAME
        self._context = context

    @property
    def number(self) -> int:
        """Of the step being computed, those of a lost attempt counted."""
        return self._lost.done + len(self.steps) + 1

    @property
    def initial_energy(self) -> float:
        """Where the whole descent began, a lost attempt's first step included; hartree."""
        first = self._lost.initial_energy
        return self.steps[0].energy if first is None else first

    def evaluate(self, positions_bohr: Any) -> tuple[float, Any]:
        """Energy and gradient at the next point of the walk."""
        import numpy as np

        energy = self._surface.energy(positions_bohr)
        gradient = self._surface.gradient()
        forces = np.linalg.norm(gradient, axis=1)
        step = Step(
            geometry=self._surface.geometry,
            energy=energy,
            gradient=gradient,
            max_force=float(forces.max()),
        )
        self._record(step)
        self._tell(step, rms=float(np.sqrt(np.mean(forces**2))))
        return energy, gradient

    def begin_again(self, sentence: str) -> None:
        """Tell that the walk goes on from its lowest point, and why."""
        self._context.log.write(f"\n{sentence}\n")
        self._progress.report(message=sentence, stage="optimise")
        self.notes.append(Note(code="hessian_restarted", message=sentence))

    def _record(self, step: Step) -> None:
        if not self.steps:
            self._context.artifact(TRAJECTORY_NAME, "Trajectory", "chemical/x-xyz")
            if self._lost.done:
                return  # computed once more, and on disk already
        append_frame(self._path, step.geometry, f"step {self.number} {ENERGY}{step.energy:.10f}")

    def _tell(self, step: Step, rms: float) -> None:
        number = self.number
        # The first step has nothing to differ from, and a nought would be a lie.
        change = _change(self.steps[-1], step) if self.steps else {}
        self.steps.append(step)
        part = log_progress(step.max_force, self.steps[0].max_force, MAX_FORCE_TARGET)
        begin, end = self._span
        self._progress.report(
            begin + (end - begin) * part,
            f"geometry step {number}",
            stage="optimise",
            step=number,
            energy_hartree=step.energy,
            max_force_hartree_per_bohr=step.max_force,
            rms_force_hartree_per_bohr=rms,
            **change,
        )


def _change(before: Step, after: Step) -> dict[str, float]:
    """As geomeTRIC judges it: displacements after the one geometry is laid over the other."""
    from geometric.step import calc_drms_dmax

    positions = [step.geometry.positions_bohr.ravel() for step in (after, before)]
    rms, largest = calc_drms_dmax(*positions)
    return {
        "delta_energy_hartree": after.energy - before.energy,
        "rms_displacement_angstrom": float(rms),
        "max_displacement_angstrom": float(largest),
    }


def resume_trajectory(
    context: Context, start: Geometry, progress: Progress
) -> tuple[Geometry, LostSteps]:
    """Where lost attempts had got to and what they did; else `start` and nothing.

    All their frames are carried over at once, so that an attempt that is lost soon after loses
    none, and told of, so that who watches has them before the next is computed. The last geometry
    is computed once more, so that step is not counted as done.
    """
    frames = read_trajectory(context.previous / TRAJECTORY_NAME) if context.previous else []
    if not frames or frames[-1][0].symbols != start.symbols:
        return start, LostSteps()
    for frame, comment in frames:
        append_frame(context.workdir / TRAJECTORY_NAME, frame, comment)
    number = len(frames)
    context.log.write(f"Resuming at geometry step {number} of an earlier attempt.\n")
    progress.report(message=f"resuming at geometry step {number}", stage="optimise", step=number)
    energy = frames[0][1].partition(ENERGY)[2]
    lost = LostSteps(done=number - 1, initial_energy=float(energy) if energy else None)
    return frames[-1][0], lost


def minimise(
    descent: Descent,
    start: Geometry,
    max_steps: int,
    log: TextIO,
    *,
    steadier: dict[str, Any] | None = None,
) -> None:
    """Walk until geomeTRIC's criteria for energy, forces and displacements are met.

    :param steadier: params by which the forces would jump less, proposed if there is no way down.
    :raises ScienceError: they are not within `max_steps`, or the walk leads nowhere.
    """
    try:
        done = walk_downhill(descent.evaluate, start, max_steps, log, descent.begin_again)
    except WalkFailed as exc:
        raise _leads_nowhere(str(exc), steadier) from None
    if not done:
        raise _not_converged(descent, max_steps, steadier)


def write_final(context: Context, geometry: Geometry, energy: float) -> None:
    comment = f"optimised, energy_hartree {energy:.10f}"
    (context.workdir / FINAL_NAME).write_text(geometry.to_xyz(comment))
    context.artifact(FINAL_NAME, "Optimised geometry", "chemical/x-xyz")


def _not_converged(
    descent: Descent, max_steps: int, steadier: dict[str, Any] | None
) -> ScienceError:
    force = descent.steps[-1].max_force
    return ScienceError(
        f"The geometry did not converge in {max_steps} steps: the largest force is "
        f"{force:.1e} hartree/bohr, {MAX_FORCE_TARGET:.1e} is wanted.",
        hints=[
            f"Start again from the last frame of {TRAJECTORY_NAME}, with more steps (max_steps).",
            "A floppy molecule or two loose parts: give a better starting geometry.",
            _if_forces_jump(steadier),
        ],
        fix={"max_steps": min(2 * max_steps + 50, MAX_STEPS)},
    )


def _leads_nowhere(reason: str, steadier: dict[str, Any] | None) -> ScienceError:
    return ScienceError(
        f"The geometry did not converge: {reason}.",
        hints=[
            _if_forces_jump(steadier),
            "Two electronic states that lie close: check charge and multiplicity.",
            f"Start again from the lowest frame of {TRAJECTORY_NAME}, or from another conformer.",
        ],
        fix=steadier,
    )


def _if_forces_jump(steadier: dict[str, Any] | None) -> str:
    """What helps then: another parametrisation where there is one, and else what DFT has."""
    if steadier and "method" in steadier:
        return f"Forces that jump: the other parametrisation (method {steadier['method']})."
    return "Forces that jump: a finer grid (grid_level) or a tighter SCF (scf_convergence_hartree)."
