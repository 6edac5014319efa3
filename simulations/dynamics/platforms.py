"""Which of OpenMM's platforms a run takes: of those that are there, and that work."""

from __future__ import annotations

from functools import cache
from typing import Any

GPU_PLATFORM = "CUDA"
REFERENCE_MAX_ATOMS = 100
"""Up to here OpenMM's plain double-precision platform is no slower than its CPU platform."""
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


def cpu_platform(threads: int) -> Any:
    """OpenMM's CPU platform, kept to as many threads as the job has, also where it has no say."""
    from openmm import Platform

    found = Platform.getPlatformByName("CPU")
    found.setPropertyDefaultValue("Threads", str(threads))
    found.setPropertyDefaultValue("DeterministicForces", "true")
    return found
