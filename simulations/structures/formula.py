"""Formulas as people write them: `LiC6`, `Li[C6]`, `C₆H₆`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from .elements import ATOMIC_NUMBERS

_TERM = re.compile(r"([A-Z][a-z]?)(\d*)")
_PLAIN = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789", "[](){} _")


def plain(text: str) -> str:
    """The formula without brackets, spaces and subscripts: `Li[C6]` becomes `LiC6`."""
    return text.translate(_PLAIN)


def parse(text: str) -> Counter[str] | None:
    """How many atoms of each element, or None if the text is no formula."""
    if re.search(r"[\])}]\d", text):
        return None  # (OH)2 would be misread once its brackets are gone
    bare = plain(text)
    terms = _TERM.findall(bare)
    if not terms or "".join(symbol + count for symbol, count in terms) != bare:
        return None
    # Nobody writes a count of 1 or 0 in a formula: it is a SMILES with a slip, `C1CC`.
    if any(symbol not in ATOMIC_NUMBERS or count in {"0", "1"} for symbol, count in terms):
        return None
    counts: Counter[str] = Counter()
    for symbol, count in terms:
        counts[symbol] += int(count or 1)
    return counts


def hill(symbols: Iterable[str]) -> str:
    """The formula in Hill's order: carbon, hydrogen, then the alphabet."""
    counts = Counter(symbols)
    first = [symbol for symbol in ("C", "H") if "C" in counts and symbol in counts]
    rest = sorted(set(counts) - set(first))
    return "".join(f"{s}{counts[s] if counts[s] > 1 else ''}" for s in first + rest)
