"""How this site uses its cluster: a TOML file that the administrator writes (docs/slurm.md)."""

from __future__ import annotations

import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.budget import Budget

Word = Annotated[str, Field(pattern=r"^[^\s\x00-\x1f]*$")]
"""One argument of a command, in which no other one hides."""
Line = Annotated[str, Field(pattern=r"^[^\x00\n\r]*$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Resources(BaseModel):
    """What a job asks Slurm for. What is not said here is Slurm's own default.

    :param cpus: per task; the job's own limit of threads, unless it is said here.
    :param memory_mib: per node; the job's own limit, unless it is said here.
    :param gpus: `1`, or `a100:2`.
    :param max_time_s: what the partition gives at most. A job with a longer limit of its own goes
        on from its checkpoint, in as many turns as it takes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    partition: Word = ""
    account: Word = ""
    qos: Word = ""
    reservation: Word = ""
    constraint: Word = ""
    nodes: int | None = Field(default=None, ge=1)
    tasks: int | None = Field(default=None, ge=1)
    cpus: int | None = Field(default=None, ge=1)
    memory_mib: int | None = Field(default=None, ge=1)
    gpus: Word = ""
    max_time_s: int | None = Field(default=None, ge=60)

    def options(self, budget: Budget) -> tuple[str, ...]:
        """For `sbatch`. Jobs whose options are equal can be members of one array."""
        seconds = self.time_s(budget)
        asked = {
            "partition": self.partition,
            "account": self.account,
            "qos": self.qos,
            "reservation": self.reservation,
            "constraint": self.constraint,
            "nodes": self.nodes,
            "ntasks": self.tasks,
            "cpus-per-task": self.cpus or budget.threads,
            "mem": f"{self.memory_mib or budget.memory_mib}M",
            "gpus": self.gpus,
            # Slurm counts in minutes.
            "time": -(-seconds // 60),
        }
        return tuple(f"--{name}={value}" for name, value in asked.items() if value)

    def time_s(self, budget: Budget) -> int:
        assert budget.wall_time_s is not None
        return min(budget.wall_time_s, self.max_time_s or budget.wall_time_s)

    def cuts_short(self, budget: Budget) -> bool:
        """Whether Slurm gives it less time than it may take."""
        return self.time_s(budget) < (budget.wall_time_s or 0)


class Site(Resources):
    """
    :param simulations: where one of that name asks for something else.
    :param modules: to load before a run.
    :param setup: lines of shell, as they are, before a run.
    :param container: what to put before the command: `["apptainer", "exec", "/images/bp.sif"]`.
    :param python: the interpreter, as a node sees it.
    :param source: the folder of this program, as a node sees it.
    :param sbatch: more options for it.
    :param tick_s: how often the watcher looks.
    :param visible_within_s: how late a node's files may be seen on the watcher's host.
    :param confirm_s: after how long without a trace a job that Slurm did not answer for was never
        accepted.
    :param longest_array: as Slurm's MaxArraySize allows, less one.
    """

    simulations: dict[str, Resources] = {}
    modules: tuple[Line, ...] = ()
    setup: tuple[Line, ...] = ()
    environment: dict[Name, Line] = {}
    container: tuple[Line, ...] = ()
    python: Line = sys.executable
    source: Line = str(settings.BASE_DIR)
    sbatch: tuple[Line, ...] = ()
    tick_s: float = Field(default=2, gt=0)
    visible_within_s: float = Field(default=30, ge=0)
    confirm_s: float = Field(default=60, ge=0)
    longest_array: int = Field(default=1000, ge=1)

    def resources(self, simulation: str) -> Resources:
        own = {name: getattr(self, name) for name in Resources.model_fields}
        if special := self.simulations.get(simulation):
            own |= special.model_dump(exclude_unset=True)
        return Resources(**own)


@cache
def site() -> Site:
    """:raises ImproperlyConfigured: naming the file and each thing in it that is wrong."""
    return load(Path(settings.SLURM_FILE)) if settings.SLURM_FILE else Site()


def load(path: Path) -> Site:
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text())
        return Site.model_validate(found)
    except OSError as exc:
        raise ImproperlyConfigured(
            f"BACKPLANE_SLURM names {path}, which cannot be read: {exc.strerror}"
        ) from None
    except ValidationError as exc:
        told = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in exc.errors()
        )
        raise ImproperlyConfigured(f"{path}: {told}; see docs/slurm.md") from None
    except tomllib.TOMLDecodeError as exc:
        raise ImproperlyConfigured(f"{path} is no TOML: {exc}") from None
