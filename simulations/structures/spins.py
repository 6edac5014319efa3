"""How many electrons of a molecule are unpaired, as far as that is known beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from .elements import ATOMIC_NUMBERS

NOBLE = (0, 2, 10, 18, 36, 54, 86)
FILLED_BEFORE_P = {4: 10, 5: 10, 6: 24}
"""Electrons of d and f shells between the noble gas and the p shell, by the row of the element."""
D_BLOCK = ((21, 30, 0), (39, 48, 0), (72, 80, 14))
"""The first and the last element of each row, and the electrons of f below it."""
SINGLY_CHARGED = {
    "Sc": 3, "Ti": 4, "V": 5, "Cr": 6, "Mn": 7, "Fe": 6, "Co": 3, "Ni": 2, "Cu": 1, "Zn": 2,
}  # fmt: skip
"""Multiplicities as measured: an s electron may stay, and may not."""


def lowest_multiplicity(n_electrons: int) -> int:
    return 1 + n_electrons % 2


def multiplicity_of_atom(symbol: str, charge: int = 0) -> int:
    """As measured, for an ion as its shells say; where neither is known, the lowest."""
    number = ATOMIC_NUMBERS[symbol]
    lowest = lowest_multiplicity(number - charge)
    if not charge:
        return _measured(number) or lowest
    if charge == 1 and symbol in SINGLY_CHARGED:
        return SINGLY_CHARGED[symbol]
    unpaired = _unpaired_of_ion(number, charge)
    return lowest if unpaired is None else 1 + unpaired


def multiplicity_of_atoms(symbols: Sequence[str]) -> int:
    """Of a neutral molecule of which no more is known."""
    if len(symbols) == 1:
        return multiplicity_of_atom(symbols[0])
    if tuple(symbols) == ("O", "O"):
        return 3
    return lowest_multiplicity(sum(ATOMIC_NUMBERS[symbol] for symbol in symbols))


def _measured(number: int) -> int | None:
    """By ASE's table, which ends before lawrencium."""
    from ase.data import ground_state_magnetic_moments as moments

    known = number < len(moments) and isfinite(moments[number])
    return 1 + round(float(moments[number])) if known else None


def _unpaired_of_ion(number: int, charge: int) -> int | None:
    """By Hund's rule in the outer shell; None where it is not plain which that is."""
    row = sum(number > noble for noble in NOBLE)
    outer = number - NOBLE[row - 1] - charge
    for first, last, in_f in D_BLOCK:
        if first <= number <= last:
            in_d = outer - in_f
            return min(in_d, 10 - in_d) if charge > 1 and 0 <= in_d <= 10 else None
    if 57 <= number < 72 or number > 86:
        return None
    if number - NOBLE[row - 1] > 2:
        outer -= FILLED_BEFORE_P.get(row, 0)
    if 0 <= outer <= 2:
        return outer % 2
    in_p = outer - 2
    return min(in_p, 6 - in_p) if 0 < in_p <= 6 else None
