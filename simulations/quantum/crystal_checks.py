"""Can this crystal be computed here? Asked when a job is submitted, without an engine."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from simulations.base import Note
from simulations.errors import FieldError
from simulations.structures import Crystal, Structure

from . import gth
from .lattice import fft_mesh
from .vacuum import notes_on_vacuum

MAX_CELL_ATOMS = 32
MAX_ORBITAL_BYTES = 4e9
"""What the basis functions on the grid may take; refused beforehand beyond."""
BYTES_PER_NUMBER = 16
OFTEN_MAGNETIC = frozenset({"Cr", "Mn", "Fe", "Co", "Ni"})


def refuse_elements_and_size(structure: Structure) -> Iterator[FieldError]:
    if missing := gth.lacking(structure.symbols):
        detail = (
            f"There is no GTH pseudopotential with a basis here for {', '.join(missing)}: crystals "
            "of the elements up to radon can be computed, without the lanthanides."
        )
        yield FieldError(path=("structure",), code="no_pseudopotential", detail=detail)
    if structure.n_atoms > MAX_CELL_ATOMS:
        detail = (
            f"Its primitive cell has {structure.n_atoms} atoms; at most {MAX_CELL_ATOMS} are "
            "computed here. Give a smaller cell of the same crystal, or a simpler phase."
        )
        yield FieldError(path=("structure",), code="too_many_atoms", detail=detail)


def refuse_task(crystal: Crystal, task: str, relax_shape: bool) -> Iterator[FieldError]:
    if task == "equation_of_state" and relax_shape and crystal.has_free_angles:
        detail = (
            f"{crystal.title} is {crystal.system}: its angles are free too, and only lengths are "
            "relaxed here. Squeeze all edges alike (relax_shape false)."
        )
        fix: dict[str, Any] = {"relax_shape": False}
        yield FieldError(path=("relax_shape",), code="free_angles", detail=detail, fix=fix)
    if task == "lattice_optimization" and crystal.has_free_angles:
        detail = (
            f"{crystal.title} is {crystal.system}: its angles are free too, and only lengths are "
            "optimised here. Compute its energy as it is (single_point)."
        )
        fix = {"task": "single_point"}
        yield FieldError(path=("task",), code="free_angles", detail=detail, fix=fix)


def refuse_memory(
    crystal: Crystal, basis: gth.CrystalBasis, cutoff: float, k_points: tuple[int, int, int]
) -> Iterator[FieldError]:
    functions = gth.n_functions((symbol for symbol, _ in crystal.sites), basis)
    grid = fft_mesh(crystal, cutoff)
    needed = functions * prod(grid) * prod(k_points) * BYTES_PER_NUMBER
    if needed > MAX_ORBITAL_BYTES:
        detail = (
            f"{functions} basis functions on a grid of {' × '.join(map(str, grid))} points and "
            f"{' × '.join(map(str, k_points))} k-points take {needed / 1e9:.1f} GB, more than the "
            f"{MAX_ORBITAL_BYTES / 1e9:g} GB allowed: take fewer k-points (k_mesh), the smaller "
            "basis or a lower grid cutoff (ke_cutoff_hartree)."
        )
        yield FieldError(path=("structure",), code="too_large", detail=detail)


def notes_on_crystal(structure: Structure, crystal: Crystal, task: str) -> Iterator[Note]:
    """What was decided of a crystal, and what this method leaves out of it."""
    for warning in structure.warnings:
        yield Note(code="structure_warning", message=warning)
    yield from notes_on_vacuum(crystal, task)
    free = crystal.given.n_free_coordinates if crystal.given else 0
    if free and task != "single_point":
        message = (
            f"By symmetry {_count(free, 'coordinate')} of the atoms inside the cell could still "
            "move; only lattice constants are varied, with the fractional coordinates as given."
        )
        yield Note(code="atoms_held", message=message)
    yield from _notes_on_spin(structure)


def notes_on_grid(crystal: Crystal, cutoff: float | None) -> Iterator[Note]:
    """Told where a cutoff was given that is less than would have been taken."""
    symbols = sorted({symbol for symbol, _ in crystal.sites})
    needed = gth.cutoff_for(symbols)
    if cutoff is None or cutoff >= needed:
        return
    hardest = max(symbols, key=lambda symbol: gth.cutoff_for([symbol]))
    message = (
        f"A grid of {cutoff:g} hartree is coarse for {hardest}, which takes {needed:g}: lattice "
        "constants and bulk moduli may be far off, for the energy depends on where the grid lies."
    )
    yield Note(code="coarse_grid", message=message)


def _notes_on_spin(structure: Structure) -> Iterator[Note]:
    metals = sorted(OFTEN_MAGNETIC & set(structure.symbols))
    if metals:
        message = f"Spins are not polarised here, and crystals of {', '.join(metals)} often are."
        yield Note(code="not_spin_polarised", message=message)


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' if n != 1 else ''}"


def as_given(crystal: Crystal) -> dict[str, Any]:
    """The literature's constants, for those crystals that have them from there."""
    known = bool(crystal.source)
    return {
        "literature_a_angstrom": crystal.a_angstrom if known else None,
        "literature_c_angstrom": crystal.c_angstrom if known else None,
        "literature_source": crystal.source or None,
    }
