"""XYZ files, read line by line so that a complaint can name the line."""

from __future__ import annotations

from . import xyz_extended
from .distances import coincident
from .elements import ATOMIC_NUMBERS, SYMBOLS
from .model import Vector

Atoms = tuple[tuple[str, ...], tuple[Vector, ...]]

MAX_DIGITS = 9
"""Of a whole number: more is nonsense, and Python refuses to read thousands of digits."""


class XyzError(ValueError):
    """What is wrong, in a sentence that names the line."""


def parse(text: str, max_atoms: int) -> Atoms:
    """Symbols and positions in Å; the two header lines may be missing, or tell of the columns.

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
    at = _columns(text)
    atoms = [_atom(n, xyz_extended.in_order(words, at) if at else words) for n, words in rows]
    positions = tuple(position for _, position in atoms)
    _refuse_coincident(positions, [number for number, _ in rows])
    return tuple(symbol for symbol, _ in atoms), positions


def comment_of(text: str) -> str:
    """The second line of a header, empty where there is none."""
    lines = text.strip("\n").split("\n")
    return lines[1] if _body(lines)[0] and len(lines) > 1 else ""


def _columns(text: str) -> tuple[int, int] | None:
    try:
        return xyz_extended.columns(comment_of(text))
    except ValueError as exc:
        raise XyzError(str(exc)) from None


def _body(lines: list[str]) -> tuple[int, int | None]:
    """The index of the first atom's line, and how many atoms the header announces."""
    head = lines[0].split()
    if len(head) == 1 and (count := _whole(head[0])) is not None:
        return 2, count
    return 0, None


def _whole(word: str) -> int | None:
    """The number that the word stands for; `²` counts as a digit for Python, not here."""
    is_number = word.isascii() and word.isdecimal() and len(word) <= MAX_DIGITS
    return int(word) if is_number else None


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
    number_of_element = _whole(word)
    if number_of_element is not None and 1 <= number_of_element <= len(SYMBOLS):
        return SYMBOLS[number_of_element - 1]
    if word.capitalize() not in ATOMIC_NUMBERS:
        raise XyzError(f"line {number} names no element: {word[:20]}")
    return word.capitalize()


def _refuse_coincident(positions: tuple[Vector, ...], numbers: list[int]) -> None:
    if pair := coincident(positions):
        first, second, distance = pair
        raise XyzError(
            f"lines {numbers[first]} and {numbers[second]} put two atoms "
            f"{distance:.2f} Å apart; coordinates are in Å"
        )
