"""Numbers, times and sizes as a person reads them."""

from __future__ import annotations

import math
from typing import Any

MINUS = "−"
UNITS = {
    "hartree_per_bohr": ("hartree/bohr", 6),
    "kcal_per_mol": ("kcal/mol", 2),
    "kj_per_mol": ("kJ/mol", 2),
    "hartree": ("hartree", 8),
    "ev": ("eV", 4),
    "angstrom": ("Å", 4),
    "angstrom3": ("Å³", 3),
    "debye": ("D", 3),
    "degree": ("°", 2),
    "degrees": ("°", 2),
    "kelvin": ("K", 2),
    "percent": ("%", 2),
    "gpa": ("GPa", 2),
    "mib": ("MiB", 1),
    "s": ("s", 1),
}
"""The unit that ends a quantity's name, how it is written, and how many decimals mean something."""


def number(value: Any, form: str = "fixed", digits: int = 6) -> str:
    """A number as an instrument shows it: fixed decimals, `2.5e−5`, or whole."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "–"
    if form == "int":
        text = f"{value:.0f}"
    elif form == "exp":
        mantissa, exponent = f"{value:.{min(digits, 2)}e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    else:
        text = f"{value:.{digits}f}"
    return text.replace("-", MINUS)


def split_unit(name: str) -> tuple[str, str, int | None]:
    """`energy_hartree` is an energy, in hartree, to 8 decimals."""
    for suffix, (unit, digits) in UNITS.items():
        if name.endswith(f"_{suffix}"):
            return name.removesuffix(f"_{suffix}"), unit, digits
    return name, "", None


def plain(value: Any, digits: int | None = None) -> str:
    """Any JSON value that fits in a table cell."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _float(value, digits)
    if isinstance(value, int):
        return str(value).replace("-", MINUS)
    if isinstance(value, list):
        return ", ".join(plain(item, digits) for item in value) or "none"
    return str(value)


def duration(seconds: float | None) -> str:
    """The two largest units: `2 h 05 min`."""
    if seconds is None or seconds < 0:
        return ""
    whole = int(seconds)
    if whole < 1:
        return "under 1 s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def _float(value: float, digits: int | None) -> str:
    if not math.isfinite(value):
        return "–"
    if digits is not None and (abs(value) >= 10 ** (2 - digits) or value == 0):
        return number(value, digits=digits)
    if value and not 1e-4 <= abs(value) < 1e9:
        return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e").replace("-", MINUS)
    return f"{value:.6g}".replace("-", MINUS)
