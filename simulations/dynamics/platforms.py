"""Which of OpenMM's platforms a run takes: of those that are there, and that work."""

from __future__ import annotations

from functools import cache
from typing import Any

from .params import Environment

GPU_PLATFORM = "CUDA"
REFERENCE_MAX_ATOMS = 100
"""Up to here OpenMM's plain double-precision platform is no slower than its CPU platform."""
ONE_THREAD_MAX_ATOMS: dict[Environment, int] = {"vacuum": 400, "implicit": 200}
"""Up to here one thread of the CPU platform is faster than two, which wait for each other several
times in each step. Of explicit water nobody has so little; of more threads nothing was measured."""
GPU_SETTINGS = {"Precision": "mixed", "DeterministicForces": "true"}
"""Forces in single, sums in double precision: energies agree with those of the other platforms."""


def best(n_atoms: int, *, is_implicit: bool, gpu: bool) -> str:
    """The name of the fastest for this system.

    :param gpu: whether the run may use one.
    """
    if gpu and works(GPU_PLATFORM):
        return GPU_PLATFORM
    # Of generalised Born models Reference has a slow, interpreted version only.
    return "Reference" if n_atoms <= REFERENCE_MAX_ATOMS and not is_implicit else "CPU"


def useful_threads(n_atoms: int, around: Environment, threads: int) -> int:
    """So many of them make it faster: by the size alone, so that a run repeated is the same."""
    return 1 if threads == 2 and n_atoms <= ONE_THREAD_MAX_ATOMS.get(around, 0) else threads


@cache
def works(name: str) -> bool:
    """Whether OpenMM has it here, and it can compute: with a driver alone there is no device."""
    import openmm

    known = [openmm.Platform.getPlatform(n) for n in range(openmm.Platform.getNumPlatforms())]
    found = next((each for each in known if each.getName() == name), None)
    if found is None:
        return False
    system = openmm.System()
    system.addParticle(1.0)
    try:
        openmm.Context(system, openmm.VerletIntegrator(0.001), found)
    except openmm.OpenMMException:
        return False
    return True


def platform(name: str, threads: int) -> Any:
    from openmm import Platform

    if name == "CPU":
        return cpu_platform(threads)
    found = Platform.getPlatformByName(name)
    if name == GPU_PLATFORM:
        for setting, value in GPU_SETTINGS.items():
            found.setPropertyDefaultValue(setting, value)
    return found


def threads_of(on: Any) -> int | None:
    """Of a platform that was made here, how many it computes with; None on a GPU."""
    name = on.getName()
    if name == "CPU":
        return int(on.getPropertyDefaultValue("Threads"))
    return None if name == GPU_PLATFORM else 1


def cpu_platform(threads: int) -> Any:
    """OpenMM's CPU platform, kept to as many threads as the job has, also where it has no say."""
    from openmm import Platform

    found = Platform.getPlatformByName("CPU")
    found.setPropertyDefaultValue("Threads", str(threads))
    found.setPropertyDefaultValue("DeterministicForces", "true")
    return found
