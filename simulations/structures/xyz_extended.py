"""The second line of an extended XYZ file: which column holds what, and whether it repeats."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PROPERTIES = re.compile(
    r"(?:^|\s)Properties\s*=\s*\"?((?:[\w-]{1,40}:[SRIL]:\d{1,3}:?)+)", re.IGNORECASE
)
_LATTICE = re.compile(r"(?:^|\s)Lattice\s*=", re.IGNORECASE)
_PBC = re.compile(r"(?:^|\s)pbc\s*=\s*(\"[^\"]*\"|\S+)", re.IGNORECASE)
NUMBERS = ("Z", "numbers", "atomic_numbers")
"""What a column of atomic numbers is called."""

PERIODIC = (
    "The file has a periodic cell, which is not used: its atoms are taken for one molecule in free "
    "space. For a crystal give a CIF or POSCAR file."
)


def columns(comment: str) -> tuple[int, int] | None:
    """Where the element and the first coordinate are, if it tells.

    :raises ValueError: it tells of columns without one of them.
    """
    found = _PROPERTIES.search(comment)
    if found is None:
        return None
    parts = found[1].rstrip(":").split(":")
    starts: dict[str, int] = {}
    column = 0
    for name, width in zip(parts[::3], parts[2::3], strict=True):
        starts[name] = column
        column += int(width)
    element = next((starts[name] for name in ("species", *NUMBERS) if name in starts), None)
    if element is None or "pos" not in starts:
        raise ValueError("line 2 has Properties without species or pos")
    return element, starts["pos"]


def is_periodic(comment: str) -> bool:
    """A cell repeats along all of its edges where nothing else is said."""
    pbc = _PBC.search(comment)
    return bool(_LATTICE.search(comment)) and (pbc is None or "t" in pbc[1].lower())


def in_order(words: Sequence[str], at: tuple[int, int]) -> list[str]:
    """Element and coordinates, as a plain XYZ file has them."""
    element, first = at
    return [*words[element : element + 1], *words[first : first + 3]]
