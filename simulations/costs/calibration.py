"""What was measured on this machine, in a file that belongs to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from .law import Size

FILE_NAME = "calibration.json"
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Measured(BaseModel, extra="forbid"):
    """One run: its size and what it took, on one thread.

    :param seconds: of the processor, its children included: others on the machine slow the wall.
    """

    simulation: str
    size: Size
    seconds: Positive
    wall_seconds: Positive
    memory_mib: Positive


class Start(BaseModel, extra="forbid"):
    """What a process takes that only imports the engines of a simulation."""

    seconds: float = 0.0
    memory_mib: float = 0.0


class Calibration(BaseModel, extra="forbid"):
    """:param date: of the day it was done, `2026-11-23`."""

    date: str
    host: str
    cpu: str
    versions: dict[str, str]
    starts: dict[str, Start]
    runs: list[Measured]

    def start_of(self, simulation: str) -> Start:
        return self.starts.get(simulation, Start())

    def runs_of(self, simulation: str) -> list[Measured]:
        return [run for run in self.runs if run.simulation == simulation]

    def with_others_of(self, older: Calibration | None) -> Calibration:
        """And what an older one has of the simulations that this one did not measure."""
        if older is None:
            return self
        anew = {run.simulation for run in self.runs}
        kept = [run for run in older.runs if run.simulation not in anew]
        starts = older.starts | self.starts
        return self.model_copy(update={"runs": [*kept, *self.runs], "starts": starts})

    def write(self, path: Path) -> None:
        """Renamed into place, so that a reader never meets half a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}")
        scratch.write_text(self.model_dump_json(indent=1))
        scratch.replace(path)


class Unusable(ValueError):
    """The file is there and is no calibration."""


def read(path: Path) -> Calibration | None:
    """None if this machine was never calibrated.

    :raises Unusable: it was written by another version, or damaged.
    """
    try:
        return Calibration.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as exc:
        raise Unusable(f"{path} is no calibration: {exc}") from exc
