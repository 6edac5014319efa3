"""Formulas as people write them: `LiC6`, `Li[C6]`, `C₆H₆`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from .elements import ATOMIC_NUMBERS

_TERM = re.compile(r"([A-Z][a-z]?)([0-9]{0,4})")
_TERMS = re.compile(r"(?:[A-Z][a-z]?[0-9]{0,4})+")
_MULTIPLIED = re.compile(r"[\])}][0-9₀-₉]")
_DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789", "_")
_BRACKETS = str.maketrans("", "", "[](){} ")


def plain(text: str) -> str:
    """The formula without brackets, spaces and subscripts: `Li[C6]` becomes `LiC6`."""
    return text.translate(_DIGITS).translate(_BRACKETS)


def parse_bracketed(text: str) -> Counter[str] | None:
    """As `parse`, of a crystal's formula: its brackets and spaces are left out."""
    if _MULTIPLIED.search(text):
        return None  # (OH)2 would be misread once its brackets are gone
    return parse(plain(text))


def parse(text: str) -> Counter[str] | None:
    """How many atoms of each element, or None if the text is no formula.

    Brackets are none of a formula: of the SMILES `C[H]C`, which has a slip, they would make CCH.
    """
    bare = text.translate(_DIGITS)
    if not _TERMS.fullmatch(bare):
        return None
    terms = _TERM.findall(bare)
    # Nobody writes a count of 1 or 0 in a formula: it is a SMILES with a slip, `C1CC`.
    if any(count == "1" or count.startswith("0") for _, count in terms):
        return None
    if any(symbol not in ATOMIC_NUMBERS for symbol, _ in terms):
        return None
    counts: Counter[str] = Counter()
    for symbol, count in terms:
        counts[symbol] += int(count or 1)
    return counts


def hill(symbols: Iterable[str] | Counter[str]) -> str:
    """The formula in Hill's order: carbon, hydrogen, then the alphabet.

    :param symbols: of all atoms, or how many there are of each.
    """
    counts = Counter(symbols)
    first = [symbol for symbol in ("C", "H") if "C" in counts and symbol in counts]
    rest = sorted(set(counts) - set(first))
    return "".join(f"{s}{counts[s] if counts[s] > 1 else ''}" for s in first + rest)
