"""How many electrons of an atom or molecule are unpaired, as far as that is known beforehand."""

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


OFTEN_HIGH_SPIN = frozenset({"V", "Cr", "Mn", "Fe", "Co", "Ni"})
"""With ligands, too; copper has one unpaired electron or none, and heavier metals mostly few."""
F_BLOCK = (range(58, 71), range(91, 103))


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


def multiplicity_of_atoms(symbols: Sequence[str], charge: int = 0) -> int:
    """Of a molecule of whose bonds nothing is known."""
    if len(symbols) == 1:
        return multiplicity_of_atom(symbols[0], charge)
    if is_like_oxygen(symbols, charge) or _is_triplet_hydride(symbols, charge):
        return 3
    return lowest_multiplicity(sum(ATOMIC_NUMBERS[symbol] for symbol in symbols) - charge)


def unsure_metals(symbols: Sequence[str]) -> list[str]:
    """Those whose unpaired electrons depend on their ligands, which no formula tells."""
    if len(symbols) == 1:
        return []
    in_f = {symbol for symbol in symbols if any(ATOMIC_NUMBERS[symbol] in row for row in F_BLOCK)}
    return sorted((OFTEN_HIGH_SPIN & set(symbols)) | in_f)


def is_like_oxygen(symbols: Sequence[str], charge: int = 0) -> bool:
    """Two atoms of twelve valence electrons, of which two are alone in π*: O2, SO, S2, NO⁻, NF."""
    if len(symbols) != 2:
        return False
    one, other = map(valence_electrons, symbols)
    return one is not None and other is not None and one + other - charge == 12


def _is_triplet_hydride(symbols: Sequence[str], charge: int) -> bool:
    """CH2, NH, PH, OH⁺ and what has as many electrons."""
    heavy = [symbol for symbol in symbols if symbol != "H"]
    n_hydrogens = len(symbols) - len(heavy)
    electrons = valence_electrons(heavy[0]) if len(heavy) == 1 else None
    if electrons is None or electrons - charge + n_hydrogens != 6:
        return False
    return n_hydrogens == 1 or (n_hydrogens == 2 and is_of_second_row(heavy[0]))


def is_of_second_row(symbol: str) -> bool:
    """Of lithium to neon: below it a pair of electrons stays in the s shell, as in SiH2."""
    return 2 < ATOMIC_NUMBERS[symbol] <= 10


def valence_electrons(symbol: str) -> int | None:
    """Of an element of the p block, else none."""
    row, outer = _shell(ATOMIC_NUMBERS[symbol])
    outer -= FILLED_BEFORE_P.get(row, 0)
    return outer if 3 <= outer <= 8 else None


def _shell(number: int) -> tuple[int, int]:
    """The row, and the electrons beyond the noble gas before it."""
    row = sum(number > noble for noble in NOBLE)
    return row, number - NOBLE[row - 1]


def _measured(number: int) -> int | None:
    """By ASE's table, which ends before lawrencium."""
    from ase.data import ground_state_magnetic_moments as moments

    known = number < len(moments) and isfinite(moments[number])
    return 1 + round(float(moments[number])) if known else None


def _unpaired_of_ion(number: int, charge: int) -> int | None:
    """By Hund's rule in the outer shell; None where it is not plain which that is."""
    row, neutral = _shell(number)
    outer = neutral - charge
    for first, last, in_f in D_BLOCK:
        if first <= number <= last:
            in_d = outer - in_f
            return min(in_d, 10 - in_d) if charge > 1 and 0 <= in_d <= 10 else None
    if 57 <= number < 72 or number > 86:
        return None
    if neutral > 2:
        outer -= FILLED_BEFORE_P.get(row, 0)
    if 0 <= outer <= 2:
        return outer % 2
    in_p = outer - 2
    return min(in_p, 6 - in_p) if 0 < in_p <= 6 else None
