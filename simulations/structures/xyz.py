"""XYZ files, read line by line so that a complaint can name the line."""

from __future__ import annotations

from .elements import ATOMIC_NUMBERS, SYMBOLS
from .model import Vector

Atoms = tuple[tuple[str, ...], tuple[Vector, ...]]

MIN_DISTANCE_ANGSTROM = 0.4
"""Closer than any two nuclei (H2 has 0.74 Å): a repeated line, or other units."""


class XyzError(ValueError):
    """What is wrong, in a sentence that names the line."""


def parse(text: str, max_atoms: int) -> Atoms:
    """Symbols and positions in Å; the two header lines may be missing.

    :raises XyzError: naming the line.
    """
    lines = text.strip("\n").split("\n")
    first, expected = _body(lines)
    rows = [(n, line.split()) for n, line in enumerate(lines[first:], first + 1) if line.strip()]
    if expected is not None and expected != len(rows):
        raise XyzError(f"line 1 announces {expected} atoms, and {len(rows)} lines follow")
    if not rows:
        raise XyzError("it holds no atoms")
    if len(rows) > max_atoms:
        raise XyzError(f"it holds {len(rows)} atoms, more than the {max_atoms} read here")
    atoms = [_atom(number, words) for number, words in rows]
    positions = tuple(position for _, position in atoms)
    _refuse_coincident(positions, [number for number, _ in rows])
    return tuple(symbol for symbol, _ in atoms), positions


def _body(lines: list[str]) -> tuple[int, int | None]:
    """The index of the first atom's line, and how many atoms the header announces."""
    head = lines[0].split()
    if len(head) == 1 and head[0].isdigit():
        return 2, int(head[0])
    return 0, None


def _atom(number: int, words: list[str]) -> tuple[str, Vector]:
    if len(words) < 4:
        raise XyzError(f"line {number} is not “element x y z”: {' '.join(words)[:60]}")
    try:
        x, y, z = (float(word) for word in words[1:4])
    except ValueError:
        raise XyzError(f"line {number} has a coordinate that is no number") from None
    # NaN fails this too.
    if not all(abs(value) < 1e4 for value in (x, y, z)):
        raise XyzError(f"line {number} has a coordinate outside ±10,000 Å")
    return _symbol(number, words[0]), (x, y, z)


def _symbol(number: int, word: str) -> str:
    if word.isdigit() and 1 <= int(word) <= len(SYMBOLS):
        return SYMBOLS[int(word) - 1]
    if word.capitalize() not in ATOMIC_NUMBERS:
        raise XyzError(f"line {number} names no element: {word[:20]}")
    return word.capitalize()


def _refuse_coincident(positions: tuple[Vector, ...], numbers: list[int]) -> None:
    import numpy as np

    points = np.array(positions)
    for i in range(1, len(points)):
        distances = np.linalg.norm(points[:i] - points[i], axis=1)
        nearest = int(distances.argmin())
        if distances[nearest] < MIN_DISTANCE_ANGSTROM:
            raise XyzError(
                f"lines {numbers[nearest]} and {numbers[i]} put two atoms "
                f"{distances[nearest]:.2f} Å apart; coordinates are in Å"
            )
