"""A law fitted to runs: Bayesian linear regression of the log of the cost.

What is assumed of the law (its powers, each with a spread) is the prior; every run that was
measured moves it. Far from what was measured the range is wide by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .law import Law, Size

ANY_CONSTANT = 10.0
"""Spread of the log of the constant factor: nothing is known of a machine."""
CALIBRATION_DIFFERS = 0.35
"""Of the log of the cost, between a calibration and a job: processor time, wall time."""
STRENGTH = 2.0
"""How many pairs of runs the assumed noise is worth."""
FIXED_IS_KNOWN_TO = 0.25
"""In parts of itself: what of a small run is left beyond its fixed part is uncertain so much."""
Z90 = 1.2815515655446004


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of known size and cost."""

    size: Size
    cost: float
    is_calibration: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """In nine of ten cases more than `p10`, in nine of ten less than `p90`."""

    p10: float
    p50: float
    p90: float

    def as_dict(self) -> dict[str, float]:
        return {"p10": _rounded(self.p10), "p50": _rounded(self.p50), "p90": _rounded(self.p90)}


def predict(law: Law, runs: Sequence[Run], size: Size, fixed: float = 0.0) -> Range | None:
    """:param fixed: the part of every run's cost that does not grow, such as the start.

    None without a run to go by, or if the size lacks a figure.
    """
    wanted = law.values(size)
    rows = [(row, run) for run in runs if (row := law.values(run.size)) is not None]
    if wanted is None or not rows:
        return None
    fixed = min(fixed, 0.9 * min(run.cost for _, run in rows))
    middle, spread = _log_cost(law, rows, wanted, fixed)
    low, mid, high = (fixed + math.exp(middle + step * spread) for step in (-1, 0, 1))
    return Range(p10=low, p50=mid, p90=high)


def _log_cost(
    law: Law, rows: Sequence[tuple[list[float], Run]], wanted: list[float], fixed: float
) -> tuple[float, float]:
    """The log of what grows: its middle, and from there to the ninth decile."""
    import numpy as np

    table = np.array([[1.0, float(run.is_calibration), *row] for row, run in rows])
    grown = np.array([max(run.cost - fixed, 1e-6) for _, run in rows])
    weights = 1 / (1 + (FIXED_IS_KNOWN_TO * fixed / (law.noise * grown)) ** 2)
    guess = np.array([0.0, 0.0, *(term.power for term in law.terms)])
    spreads = np.array([ANY_CONSTANT, CALIBRATION_DIFFERS, *(term.spread for term in law.terms)])
    known = np.diag((law.noise / spreads) ** 2)
    precision: Any = known + table.T @ (weights[:, None] * table)
    target = np.log(grown)
    powers = np.linalg.solve(precision, known @ guess + table.T @ (weights * target))
    off, shift = target - table @ powers, powers - guess
    degrees = 2 * STRENGTH + weights.sum()
    scatter = 2 * STRENGTH * law.noise**2 + weights @ off**2 + shift @ known @ shift
    point = np.array([1.0, 0.0, *wanted])
    variance = scatter / degrees * (1 + point @ np.linalg.solve(precision, point))
    return float(point @ powers), _ninth_decile(float(degrees)) * math.sqrt(variance)


def _ninth_decile(degrees: float) -> float:
    """Of Student's t, to 0.5 % from four degrees of freedom on (Cornish-Fisher)."""
    z = Z90
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / degrees + second / degrees**2


def _rounded(value: float) -> float:
    """Two digits: no estimate knows more."""
    return float(f"{value:.2g}")
