"""For which release of its simulation a job was made, and what a worker of another makes of it.

While a site is brought to a new release, the web that takes jobs and the workers that run them are
not of the same one: for seconds, or on other hosts until somebody starts those anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import simulations
from simulations.record import digests, machine
from simulations.validation import validate

if TYPE_CHECKING:
    from .models import Job

DIGITS = 8
OF_A_JOB = "edition"
"""Where in its placement: what a worker must have is told there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """:param params: digest of what it takes.
    :param software: digest of the versions of its engines.
    """

    version: str
    params: str
    software: str

    def __str__(self) -> str:
        return f"{self.version} {self.params} {self.software}"

    @classmethod
    def read(cls, text: str) -> Edition:
        version, params, software = text.rsplit(" ", 2)
        return cls(version=version, params=params, software=software)

    def computes_as(self, other: Edition) -> bool:
        """Whether one's result is an answer to what the other was asked."""
        return (self.version, self.software) == (other.version, other.software)


@cache
def here(simulation: str) -> Edition:
    """That of this process.

    :raises KeyError: no simulation has that name.
    """
    found = simulations.get(simulation)
    return Edition(
        version=found.version,
        params=digests.of_json(found.Params.model_json_schema())[:DIGITS],
        software=digests.of_json(machine.software(found.requires))[:DIGITS],
    )


def made_for(job: Job) -> Edition | None:
    """None: it is of before this was written down."""
    told = job.placement.get(OF_A_JOB)
    return Edition.read(told) if told else None


def is_of_a_newer(job: Job, params: Callable[[], dict[str, Any]]) -> bool:
    """Whether only a newer release than that of this process can compute what was asked for.

    What an older one took is computed by the newer, whose version then stands in the record.

    :param params: as the simulation takes them; asked for only where they tell.
    """
    wanted, ours = made_for(job), here(job.simulation)
    if wanted is None or (wanted.version, wanted.params) == (ours.version, ours.params):
        return False
    if wanted.version != ours.version:
        return _number(wanted.version) > _number(ours.version)
    try:
        validate(simulations.get(job.simulation).Params, params())
    except simulations.InvalidParams:
        return True
    except OSError:
        return False  # a file is gone, which the run will tell
    return False


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d+", version))
