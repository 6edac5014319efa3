"""From a cell that somebody wrote to the crystal in it: its space group and its primitive cell.

spglib finds both; the cell is idealised to the symmetry found, in the standard setting, so that
lattice constants mean what the tables mean by them.
"""

from __future__ import annotations

import re
from typing import Any

from .cif import RawCell
from .elements import ATOMIC_NUMBERS, SYMBOLS
from .formula import hill
from .model import FREE_CONSTANTS, Crystal, Edges, GivenCell, Structure, System

SYMMETRY_TOLERANCE_ANGSTROM = 0.01
MIN_DISTANCE_ANGSTROM = 0.4
MAX_EDGE_ANGSTROM = 60.0

_SYSTEMS: tuple[tuple[int, System], ...] = (
    (2, "triclinic"), (15, "monoclinic"), (74, "orthorhombic"), (142, "tetragonal"),
    (194, "hexagonal"), (230, "cubic"),
)  # fmt: skip


class CellError(ValueError):
    """Why the cell is no crystal, in a clause."""


def structure_of(raw: RawCell, reading: str) -> Structure:
    """:raises CellError: atoms coincide, or no symmetry can be found."""
    _refuse_impossible(raw)
    found = _symmetry(raw)
    edges, sites, symbols = _primitive(raw)
    system = next(system for last, system in _SYSTEMS if found.number <= last)
    conventional = as_edges(found.std_lattice)
    lengths = dict(zip("abc", _lengths(conventional), strict=True))
    free = FREE_CONSTANTS[system]
    formula = _formula(symbols)
    crystal = Crystal(
        key=formula,
        title=raw.title or formula,
        formula=formula,
        aliases=(),
        space_group=_group(found),
        lattice="given",
        system=system,
        a_angstrom=lengths["a"],
        b_angstrom=lengths["b"] if "b" in free else None,
        c_angstrom=lengths["c"] if "c" in free else None,
        sites=tuple(zip(symbols, sites, strict=True)),
        source="",
        given=GivenCell(
            primitive=edges,
            conventional=conventional,
            n_free_coordinates=_free_coordinates(edges, sites, symbols),
        ),
    )
    warnings = (*raw.warnings, *_warnings(raw, found, len(symbols), len(found.std_types)))
    return Structure(
        kind="crystal",
        reading=f"{reading}: {crystal.title}, {crystal.space_group}, {_system(found.number)}",
        symbols=symbols,
        crystal=crystal,
        warnings=warnings,
    )


def _group(found: Any) -> str:
    return f"{found.international.replace('_', '')} ({found.number})"


def _system(number: int) -> str:
    """As crystallographers say it: a trigonal group has hexagonal axes."""
    if 143 <= number <= 167:
        return "trigonal"
    return next(system for last, system in _SYSTEMS if number <= last)


def _refuse_impossible(raw: RawCell) -> None:
    import numpy as np

    edges = np.array(raw.edges)
    if max(_lengths(raw.edges)) > MAX_EDGE_ANGSTROM:
        raise CellError(f"an edge of its cell is longer than {MAX_EDGE_ANGSTROM:g} Å")
    places = np.array(raw.fractions)
    shifts = np.array(list(np.ndindex(3, 3, 3))) - 1
    for i in range(len(places)):
        difference = places[: i + 1] - places[i]
        images = (difference - np.round(difference))[:, None] + shifts
        distances = np.linalg.norm(images @ edges, axis=2)
        distances[i, (shifts == 0).all(axis=1)] = np.inf  # an atom from itself
        if distances.min() < MIN_DISTANCE_ANGSTROM:
            other = int(distances.min(axis=1).argmin())
            raise CellError(
                f"atoms {other + 1} ({raw.symbols[other]}) and {i + 1} ({raw.symbols[i]}) of its "
                f"cell are {distances.min():.2f} Å apart"
            )


def _spglib_cell(edges: Any, fractions: Any, symbols: Any) -> Any:
    return edges, fractions, [ATOMIC_NUMBERS[symbol] for symbol in symbols]


def _spglib() -> Any:
    import spglib

    # Else it warns at each call that it would rather raise.
    spglib.error.OLD_ERROR_HANDLING = False
    return spglib


def _symmetry(raw: RawCell) -> Any:
    spglib = _spglib()
    cell = _spglib_cell(raw.edges, raw.fractions, raw.symbols)
    try:
        return spglib.get_symmetry_dataset(cell, symprec=SYMMETRY_TOLERANCE_ANGSTROM)
    except spglib.SpglibError as exc:
        raise CellError(f"no space group could be found for its atoms ({exc})") from exc


def _primitive(raw: RawCell) -> tuple[Edges, Any, tuple[str, ...]]:
    spglib = _spglib()
    cell = _spglib_cell(raw.edges, raw.fractions, raw.symbols)
    try:
        edges, fractions, numbers = spglib.standardize_cell(
            cell, to_primitive=True, symprec=SYMMETRY_TOLERANCE_ANGSTROM
        )
    except spglib.SpglibError as exc:
        raise CellError(f"no primitive cell could be found for its atoms ({exc})") from exc
    return as_edges(edges), as_edges(fractions), tuple(SYMBOLS[n - 1] for n in numbers)


def _free_coordinates(edges: Edges, sites: Any, symbols: tuple[str, ...]) -> int:
    """How many displacements of the atoms keep the symmetry, less those of the whole crystal.

    The character of the displacements, averaged over the group: tr(R) for each atom that an
    operation leaves in place.
    """
    import numpy as np

    cell = _spglib_cell(edges, sites, symbols)
    group = _spglib().get_symmetry(cell, symprec=SYMMETRY_TOLERANCE_ANGSTROM)
    places, vectors = np.array(sites), np.array(edges)
    total = 0.0
    for rotation, translation in zip(group["rotations"], group["translations"], strict=True):
        moved = places @ rotation.T + translation - places
        away = np.linalg.norm((moved - np.round(moved)) @ vectors, axis=1)
        in_place = int((away < 2 * SYMMETRY_TOLERANCE_ANGSTROM).sum())
        total += (in_place - 1) * float(np.trace(rotation))
    return round(total / len(group["rotations"]))


def _formula(symbols: tuple[str, ...]) -> str:
    """The smallest whole numbers of atoms, the metal first: TiO2."""
    from ase.formula import Formula

    reduced, _ = Formula(hill(symbols)).reduce()
    return str(reduced.format("metal"))


def _warnings(raw: RawCell, found: Any, n_primitive: int, n_conventional: int) -> list[str]:
    warnings = []
    if raw.declared and not _is_same_group(raw.declared, found):
        warnings.append(
            f"The file says space group {raw.declared}; its atoms have "
            f"{_group(found)}, which is taken."
        )
    if len(raw.symbols) != n_primitive:
        warnings.append(
            f"The cell as given holds {len(raw.symbols)} atoms; its primitive cell of "
            f"{n_primitive} is taken, the same crystal."
        )
    if n_conventional != n_primitive:
        warnings.append(
            f"Lattice constants are those of the conventional cell of {n_conventional} atoms."
        )
    if found.number == 1:
        warnings.append("No symmetry was found (P1): every atom is independent.")
    return warnings


def _is_same_group(declared: str, found: Any) -> bool:
    """By number where gemmi knows the name; other settings of a group go by other names."""
    import gemmi

    if declared.isdecimal():
        return int(declared) == int(found.number)
    group = gemmi.find_spacegroup_by_name(declared)
    if group is None:
        squeezed = re.sub(r"[\s_]", "", declared)
        return squeezed == found.international.replace("_", "")
    return int(group.number) == int(found.number)


def _lengths(edges: Any) -> list[float]:
    import numpy as np

    return [float(length) for length in np.linalg.norm(np.array(edges), axis=1)]


def as_edges(rows: Any) -> Any:
    return tuple((float(x), float(y), float(z)) for x, y, z in rows)
