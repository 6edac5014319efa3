"""Where a run starts: the coordinates as given or as recorded, else 3D that is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simulations.base import Context

from .geometry import Geometry, read_trajectory
from .inspect import Molecule

START_NAME = "start.xyz"
AS_IS = "the geometry it started from"


@dataclass(frozen=True, slots=True)
class Start:
    """:param choice: out of which conformers it was taken, as a sentence; empty for no choice."""

    geometry: Geometry
    choice: str = ""


def recorded_start(molecule: Molecule, context: Context, make: Callable[[], Start]) -> Start:
    """What a lost attempt used, the coordinates as given, or else what is made; kept as start.xyz.

    :raises ScienceError: as `make` does.
    """
    start = _recorded(context.previous, molecule.structure.symbols) or _given(molecule) or make()
    text = start.geometry.to_xyz(start.choice or AS_IS)
    (context.workdir / START_NAME).write_text(text)
    context.artifact(START_NAME, "Starting geometry", "chemical/x-xyz")
    return start


def _recorded(previous: Path | None, symbols: tuple[str, ...]) -> Start | None:
    """The start that a lost attempt used, so that this one does not differ from it."""
    frames = read_trajectory(previous / START_NAME) if previous else []
    if not frames or frames[0][0].symbols != symbols:
        return None
    geometry, comment = frames[0]
    return Start(geometry, "" if comment == AS_IS else comment)


def _given(molecule: Molecule) -> Start | None:
    positions = molecule.structure.positions_angstrom
    return None if positions is None else Start(Geometry(molecule.structure.symbols, positions))
