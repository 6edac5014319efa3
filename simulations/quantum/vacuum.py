"""Cells of slabs, sheets, wires and molecules: along which edges they end in nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from simulations.base import Note
from simulations.errors import FieldError
from simulations.structures import Crystal
from simulations.structures.model import GivenCell

VACUUM_ANGSTROM = 8.0
"""No plane of atoms for so far; between the layers of a crystal it is 4 Å at most."""


def vacuum_along(crystal: Crystal) -> dict[str, float]:
    """The free lattice constants across which there is a gap, and how wide it is, Å.

    The energy says nothing about those.
    """
    if crystal.given is None:
        return {}
    gaps = _gaps(crystal.given, [site for _, site in crystal.sites])
    named = {name: gaps["abc".index(name[0])] for name in crystal.constants}
    return {name: gap for name, gap in named.items() if gap >= VACUUM_ANGSTROM}


def varied(crystal: Crystal) -> list[str]:
    """The lattice constants that have a value of least energy."""
    empty = vacuum_along(crystal)
    return [name for name in crystal.constants if name not in empty]


def refuse_vacuum(crystal: Crystal, task: str) -> Iterator[FieldError]:
    """Complaints where the task asks for what a cell with a vacuum does not have."""
    empty = vacuum_along(crystal)
    if task == "single_point" or not empty:
        return
    gap = _told(empty)
    if not varied(crystal):
        detail = (
            f"The cell is empty {gap}: it has no lattice constants to find. Compute its energy as "
            "it is (single_point), or a molecule by dft_single_point or dft_optimization."
        )
        fix = {"task": "single_point"}
        yield FieldError(path=("task",), code="all_vacuum", detail=detail, fix=fix)
    elif task == "equation_of_state":
        detail = (
            f"The cell is empty {gap}, as that of a slab or a sheet is: it has no volume that a "
            "pressure changes. Find its other lattice constants (lattice_optimization)."
        )
        fix = {"task": "lattice_optimization"}
        yield FieldError(path=("task",), code="has_vacuum", detail=detail, fix=fix)


def notes_on_vacuum(crystal: Crystal, task: str) -> Iterator[Note]:
    empty = vacuum_along(crystal)
    if not empty:
        return
    names = " and ".join(name[0] for name in empty)
    held = "" if task == "single_point" else f", and {names} stays as given"
    message = (
        f"The cell is empty {_told(empty)}, and is taken for a slab, a sheet, a wire or a molecule "
        f"in a vacuum{held}. Its atoms are not relaxed, and neighbours across the vacuum still "
        "feel each other's dipole."
    )
    yield Note(code="vacuum", message=message)


def _told(empty: dict[str, float]) -> str:
    return " and ".join(f"for {gap:.1f} Å along {name[0]}" for name, gap in empty.items())


def _gaps(given: GivenCell, sites: list[Any]) -> list[float]:
    """The widest gap between planes of atoms across each edge of the conventional cell, Å."""
    import numpy as np

    axes = np.array(given.conventional)
    in_axes = np.array(given.primitive) @ np.linalg.inv(axes)
    # A primitive cell is a quarter of the conventional one at least.
    moved = np.array(sites)[:, None] + np.array([*product(range(4), repeat=3)])
    places = np.mod((moved.reshape(-1, 3) @ in_axes).round(6), 1.0)
    spacings = 1 / np.linalg.norm(np.linalg.inv(axes), axis=0)
    return [
        float(np.diff(np.sort([*heights, heights.min() + 1])).max() * spacing)
        for heights, spacing in zip(places.T, spacings, strict=True)
    ]
