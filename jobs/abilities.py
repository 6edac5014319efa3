"""What a host can do, what a job needs of it, and what of that is lacking.

A worker says so of its host when it starts. It takes only a job that it can serve; and of a job
that none can serve it can be told what they lack.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Q

import simulations

from .clock import words
from .states import Queue

if TYPE_CHECKING:
    from .models import Job

GPU_LOOK_S = 20
"""`nvidia-smi` wakes a driver that sleeps; one that hangs is as good as none."""


class Unable(Exception):
    """The host cannot serve what its workers are to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """:param simulations: those whose engines can all be imported there.
    :param gpus: by name, as their driver tells them.
    :param clock_off_s: 0, or by how much its clock is too far off for it to take anything.
    :param outdated: what it has of an older release than jobs that wait were made for, and so
        leaves to others.
    """

    queues: tuple[str, ...]
    simulations: tuple[str, ...]
    engines: tuple[str, ...]
    cores: int
    memory_mib: int
    gpus: tuple[str, ...] = ()
    clock_off_s: int = 0
    outdated: tuple[str, ...] = ()

    @property
    def can_nothing(self) -> bool:
        return bool(self.clock_off_s) or not (self.queues and self.simulations)

    def told(self) -> dict[str, Any]:
        told = asdict(self)
        for name in ("clock_off_s", "outdated"):
            if not told[name]:
                # What an older release does not know, it is told only where it has to be.
                del told[name]
        return told

    @classmethod
    def of(cls, told: dict[str, Any]) -> Ability:
        """:raises TypeError: it is not what `told` says."""
        found: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in told.items()
            if name in cls.__slots__  # a newer release may tell more
        }
        return cls(**found)

    def may_take(self) -> Q:
        """Which jobs of its backend it can serve, as a condition on their columns."""
        few_threads = Q(threads=None) | Q(threads__lte=self.cores)
        little_memory = Q(memory_limit_mib=None) | Q(memory_limit_mib__lte=self.memory_mib)
        known = Q(queue__in=self.queues, simulation__in=self.simulations)
        return known & few_threads & little_memory

    def without(self, simulation: str) -> Ability:
        """Where jobs of it wait that were made for a newer release than this one's."""
        kept = tuple(each for each in self.simulations if each != simulation)
        return replace(self, simulations=kept, outdated=(*self.outdated, simulation))

    def lacks(self, job: Job) -> dict[str, str]:
        """What it would need to serve the job, in words by what kind of thing that is."""
        found = {}
        if self.clock_off_s:
            found["clock"] = f"has a clock that is right (one is {words(self.clock_off_s)})"
        if job.queue not in self.queues:
            found["queue"] = f"serves the queue {job.queue}"
        if job.simulation in self.outdated:
            found["release"] = f"is of the release that took it (its {job.simulation} is older)"
        elif job.simulation not in self.simulations:
            found["engines"] = _engines(job.simulation, self.engines)
        if (job.threads or 0) > self.cores:
            found["cores"] = f"has {job.threads:,} cores"
        if (job.memory_limit_mib or 0) > self.memory_mib:
            found["memory"] = f"has {job.memory_limit_mib:,} MiB of memory"
        return found


def needs(job: Job) -> dict[str, Any]:
    """What a worker must have to take the job."""
    try:
        engines = simulations.get(job.simulation).requires
    except KeyError:
        engines = ()
    return {
        "queue": job.queue,
        "engines": list(engines),
        "cores": job.threads,
        "memory_mib": job.memory_limit_mib,
        "gpu": job.queue == Queue.GPU,
    }


def queue_for(job: Job, fleet: Sequence[Ability]) -> str:
    """Another queue in which a worker that is there would take it; empty: there is none."""
    able = [each for each in fleet if {*each.lacks(job)} == {"queue"}]
    return next((name for name in Queue.values if any(name in each.queues for each in able)), "")


def why_nobody(job: Job, fleet: Sequence[Ability]) -> str:
    """A sentence on what they lack for it; empty where one can serve it, or nobody is there."""
    lacking = [each.lacks(job) for each in fleet]
    if not lacking or not all(lacking):
        return ""
    common = set.intersection(*(set(each) for each in lacking))
    words = {kind: word for each in lacking for kind, word in each.items()}
    if common:
        return f"No worker that is there {' and '.join(words[kind] for kind in sorted(common))}"
    return f"No one worker that is there {' and '.join(words[kind] for kind in sorted(words))}"


def _engines(simulation: str, there: Sequence[str]) -> str:
    try:
        required = simulations.get(simulation).requires
    except KeyError:
        return f"knows the simulation {simulation}"
    missing = [each for each in required if each not in there]
    return f"has {', '.join(missing)}" if missing else f"knows the simulation {simulation}"


def of_this_host(queues: Sequence[str] = ()) -> Ability:
    """:param queues: which to serve; none: all that it can.

    :raises Unable: it is to serve what is no queue, or what it cannot.
    """
    gpus = found_gpus()
    there = [sim for sim in simulations.all_simulations() if sim.available]
    engines = {name for sim in there for name in sim.requires}
    return Ability(
        queues=_served(queues, gpus),
        simulations=tuple(sorted(sim.name for sim in there)),
        engines=tuple(sorted(engines)),
        cores=settings.HOST_CORES,
        memory_mib=settings.HOST_MEMORY_MIB,
        gpus=gpus,
    )


def _served(asked: Sequence[str], gpus: Sequence[str]) -> tuple[str, ...]:
    if unknown := [name for name in asked if name not in Queue.values]:
        known = ", ".join(Queue.values)
        raise Unable(f"{unknown[0]!r} is no queue; expected some of {known}.")
    if Queue.GPU in asked and not gpus:
        raise Unable(
            "It is to serve the queue gpu, and has no GPU: nvidia-smi is not there, or names none."
        )
    can = [name for name in Queue.values if name != Queue.GPU or gpus]
    return tuple(name for name in can if name in (asked or can))


def found_gpus() -> tuple[str, ...]:
    """The names of the GPUs that NVIDIA's driver tells of."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        argv = [program, "--query-gpu=name", "--format=csv,noheader"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=GPU_LOOK_S)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    lines = done.stdout.splitlines() if done.returncode == 0 else []
    return tuple(line.strip() for line in lines if line.strip())
