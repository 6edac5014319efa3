"""What can be said of a line notation before RDKit sees it, which reads some slips as another
molecule: of `CC Cl` it takes ethane, and `Cl` for the name."""

from __future__ import annotations

import re
import unicodedata

MAX_CHARS = 5000
"""RDKit's time grows with the square of the length of what is not closed."""

_RING_OR_ATOM = re.compile(r"\[[^\]]*\]|%\((\d+)\)|%(\d\d)|(\d)")
ATOM = re.compile(r"\[[^\]]*\]|Br|Cl|[BCNOPSFIbcnops*]")
"""In the order of RDKit's numbers."""
_AT = re.compile(r" at position (\d+)$")
_OUR_ATOM = re.compile(r"^atom (\d+) \(")
_RDKIT_ATOM = re.compile(r"(?:atom (?:# )?|Unkekulized atoms: )(\d+)")
_FOREIGN = re.compile(r"[^!-~]")
_BRACKET = re.compile(r"[()\[\]]")
_CLOSES = {")": "(", "]": "["}


class LineError(ValueError):
    """What is wrong with the line and where, in a clause.

    :param position: of the character that is wrong, from 1; None where it is not known.
    """

    def __init__(self, message: str, position: int | None = None) -> None:
        self.position = position
        super().__init__(message)


def refuse_slips(text: str) -> None:
    """:raises LineError: naming the character and its position, from 1."""
    refuse_foreign(text)
    _refuse_unbalanced(text)
    _refuse_open_rings(text)


def refuse_foreign(text: str) -> None:
    """Neither SMILES nor InChI knows blanks or anything beyond ASCII.

    :raises LineError: naming the character and its position, from 1.
    """
    if len(text) > MAX_CHARS:
        raise LineError(f"it has {len(text)} characters, more than the {MAX_CHARS} read here")
    if found := _FOREIGN.search(text):
        told = f"{_called(found[0])} at position {found.start() + 1}"
        raise LineError(f"{told} does not belong there", found.start() + 1)


def _called(character: str) -> str:
    """A character that may be invisible, or look like another."""
    name = unicodedata.name(character, "a control character").lower()
    if character == " ":
        return "a space"
    shown = f"“{character}”, " if character.isprintable() else ""
    return f"{shown}{name} (U+{ord(character):04X})"


def _refuse_unbalanced(text: str) -> None:
    opened: list[re.Match[str]] = []
    for found in _BRACKET.finditer(text):
        character = found[0]
        if character not in _CLOSES:
            opened.append(found)
        elif not opened or opened.pop()[0] != _CLOSES[character]:
            told = f"the {character} at position {found.start() + 1} closes nothing"
            raise LineError(told, found.start() + 1)
    if opened:
        character, position = opened[-1][0], opened[-1].start() + 1
        raise LineError(f"the {character} at position {position} is never closed", position)


def _refuse_open_rings(text: str) -> None:
    """Each ring bond is named twice; the numbers within brackets are none."""
    opened: dict[int, int] = {}
    for found in _RING_OR_ATOM.finditer(text):
        digits = found[1] or found[2] or found[3]
        if digits and opened.pop(int(digits), None) is None:
            opened[int(digits)] = found.start() + 1
    if opened:
        number, position = min(opened.items(), key=lambda item: item[1])
        told = f"the ring {number} that opens at position {position} is never closed"
        raise LineError(told, position)


def located(reason: str, line: str) -> LineError:
    """RDKit's reason with the character that it means, which it knows by its place in the line, or
    by the number of its atom alone."""
    if (found := _AT.search(reason)) and (position := int(found[1])) <= len(line):
        return LineError(f"{reason}, the “{line[position - 1]}”", position)
    if (number := _number_of_atom(reason)) is None:
        return LineError(reason)
    atoms = list(ATOM.finditer(line))
    if number >= len(atoms):
        return LineError(reason)
    position = atoms[number].start() + 1
    return LineError(f"{reason}: the {atoms[number][0]} at position {position}", position)


def _number_of_atom(reason: str) -> int | None:
    """RDKit counts from 0, and so do we here."""
    if found := _OUR_ATOM.search(reason):
        return int(found[1]) - 1
    found = _RDKIT_ATOM.search(reason)
    return int(found[1]) if found else None
