"""The directory of a run that somebody started by hand: new, or one to go on in."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from simulations.base import Simulation
from simulations.execution import RESULT_NAME
from simulations.record import digests, provenance
from simulations.workdir import PREVIOUS_NAME


class Unsuitable(Exception):
    """The directory holds something else."""


def make_place(wanted: Path | None, simulation: Simulation, params: dict[str, Any]) -> Path:
    """An empty directory for the run; what an unfinished attempt left there is put in .previous.

    :raises Unsuitable: it holds a finished run, another run, or files of another kind.
    """
    place = wanted or Path(f"{simulation.name}-{datetime.now():%Y%m%d-%H%M%S}")
    if place.exists() and not place.is_dir():
        raise Unsuitable(f"{place} is a file; give a directory.")
    place.mkdir(parents=True, exist_ok=True)
    if any(place.iterdir()):
        _refuse_other_runs(place, simulation, params)
        _put_aside(place)
    return place


def _refuse_other_runs(place: Path, simulation: Simulation, params: dict[str, Any]) -> None:
    lost = provenance.read(place) or provenance.read(place / PREVIOUS_NAME)
    another = "give a new or an empty directory."
    if lost is None:
        raise Unsuitable(f"{place} is not empty and holds no run; {another}")
    if (place / RESULT_NAME).exists():
        raise Unsuitable(f"{place} holds a run that has finished; {another}")
    if lost["simulation"] != simulation.name:
        raise Unsuitable(f"{place} holds a run of {lost['simulation']}; {another}")
    if lost["input_sha256"] != digests.of_json(params):
        raise Unsuitable(f"{place} holds a run with other params; {another}")


def _put_aside(place: Path) -> None:
    """The newest of every file goes to .previous, so that the run writes over none it reads."""
    for path in [*place.rglob("*")]:
        inside = path.relative_to(place)
        if path.is_file() and inside.parts[0] != PREVIOUS_NAME:
            target = place / PREVIOUS_NAME / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
