"""Numbers with no more digits than their errors leave them."""

from __future__ import annotations

import math

from jobs.pages.formats import number

DIGITS_OF_AN_ERROR = 2
WITHOUT_ERROR = 4
"""Significant digits of a number whose error is not known."""
MOST_DECIMALS = 6
ROUNDING = 1e-12
"""Of its size: an error below is that of a number which is always the same."""


def decimals(error: float, digits: int = DIGITS_OF_AN_ERROR) -> int:
    """So many that the error is written with these digits; below none, so many zeros."""
    if not error or not math.isfinite(error):
        return 0
    return digits - 1 - math.floor(math.log10(abs(error)))


def rounded(value: float | None, error: float | None) -> str:
    """The value with the digits that its error leaves it: `300.1`, `−3700`."""
    if value is None:
        return "–"
    if _is_constant(value, error):
        error = None
    places = decimals(error) if error else min(decimals(value, WITHOUT_ERROR), MOST_DECIMALS)
    return number(round(value, places), digits=max(0, places))


def with_error(value: float | None, error: float | None) -> str:
    """`300.1 ± 4.8`; without an error the number alone."""
    text = rounded(value, error)
    if value is None or not error or _is_constant(value, error):
        return text
    return f"{text} ± {rounded(error, error)}"


def _is_constant(value: float, error: float | None) -> bool:
    return error is not None and 0 < abs(error) < ROUNDING * abs(value)
