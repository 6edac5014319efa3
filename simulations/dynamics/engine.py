"""One stage of a run inside OpenMM: its forces, thermostat, barostat and platform."""

from __future__ import annotations

import copy
from typing import Any

from .params import Ensemble, MdParams
from .platforms import best, platform
from .prepared import Prepared
from .schedule import Schedule, Stage, ensemble, environment, pressure_bar

CONSTRAINT_TOLERANCE = 1e-6
EQUILIBRATION_FRICTION_PER_PS = 10.0
"""At least: atoms at a minimum take up half of their heat again, which is to come quickly."""
STEPS_BETWEEN_VOLUME_MOVES = {"equilibrate": 10, "produce": 25}
"""The box that solvation makes is too large: at first it is to shrink quickly."""


def choose_platform(prepared: Prepared, params: MdParams, *, threads: int, gpu: bool) -> Any:
    is_implicit = environment(params) == "implicit"
    return platform(best(prepared.n_atoms, is_implicit=is_implicit, gpu=gpu), threads)


def make_context(
    prepared: Prepared, params: MdParams, plan: Schedule, stage: Stage, on: Any
) -> Any:
    """An `openmm.Context` of this stage, without positions.

    :param on: the platform.
    """
    import openmm

    kind = ensemble(params, stage)
    system = copy.deepcopy(prepared.system)
    if kind != "NVE":
        system.addForce(openmm.CMMotionRemover(1))
    if kind == "NPT":
        system.addForce(_barostat(params, stage))
    friction = params.friction_per_ps
    if stage == "equilibrate":
        friction = max(friction, EQUILIBRATION_FRICTION_PER_PS)
    integrator = _integrator(kind, params.temperature_k, friction, plan.timestep_fs)
    if kind != "NVE":
        # Two stages with one seed would be kicked alike.
        integrator.setRandomNumberSeed(params.seed + (stage == "produce"))
    integrator.setConstraintTolerance(CONSTRAINT_TOLERANCE)
    return openmm.Context(system, integrator, on)


def _barostat(params: MdParams, stage: Stage) -> Any:
    import openmm
    from openmm import unit

    barostat = openmm.MonteCarloBarostat(
        pressure_bar(params) * unit.bar,
        params.temperature_k * unit.kelvin,
        STEPS_BETWEEN_VOLUME_MOVES[stage],
    )
    barostat.setRandomNumberSeed(params.seed)
    return barostat


def _integrator(kind: Ensemble, temperature_k: float, friction: float, timestep_fs: float) -> Any:
    import openmm
    from openmm import unit

    step = timestep_fs * unit.femtosecond
    if kind == "NVE":
        return openmm.VerletIntegrator(step)
    return openmm.LangevinMiddleIntegrator(
        temperature_k * unit.kelvin, friction / unit.picosecond, step
    )


def degrees_of_freedom(prepared: Prepared, kind: Ensemble) -> int:
    """That the temperature is an average over: those that do not move are left out."""
    free = 3 * prepared.n_atoms - int(prepared.system.getNumConstraints()) - 3
    if kind == "NVE" and not prepared.periodic:
        free -= _n_rotations(prepared.positions)
    return free


def _n_rotations(positions: Any) -> int:
    """3, or 2 for a linear molecule."""
    import numpy as np

    spread = np.linalg.svd(positions - positions.mean(axis=0), compute_uv=False)
    return 2 if spread[1] < 1e-3 * spread[0] else 3


def hold_still(context: Any, prepared: Prepared) -> None:
    """Take out the motion and the rotation of the whole, which NVE would keep forever."""
    import numpy as np
    from openmm import unit

    state = context.getState(positions=True, velocities=True)
    nm_per_ps = unit.nanometer / unit.picosecond
    velocities = state.getVelocities(asNumpy=True).value_in_unit(nm_per_ps)
    positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    masses = _masses(prepared.system)[:, None]
    velocities = velocities - (masses * velocities).sum(axis=0) / masses.sum()
    if not prepared.periodic:
        arms = positions - (masses * positions).sum(axis=0) / masses.sum()
        spin = (masses * np.cross(arms, velocities)).sum(axis=0)
        inertia = (masses * arms).T @ arms
        inertia = np.trace(inertia) * np.eye(3) - inertia
        # Of a linear molecule the inertia has no inverse.
        turning = np.linalg.pinv(inertia, rcond=1e-6) @ spin
        velocities = velocities - np.cross(turning, arms)
    context.setVelocities(velocities)


def _masses(system: Any) -> Any:
    import numpy as np
    from openmm import unit

    count = system.getNumParticles()
    return np.array([system.getParticleMass(i).value_in_unit(unit.dalton) for i in range(count)])


def total_mass_da(system: Any) -> float:
    return float(_masses(system).sum())
