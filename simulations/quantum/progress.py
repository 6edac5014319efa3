"""How far a run is: a fraction that rises, out of errors that fall."""

from __future__ import annotations

import math

from simulations.base import Context


class Progress:
    """Reports to a context; its fraction never falls, whatever the engine does."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._reached = 0.0

    def report(
        self, fraction: float = 0.0, message: str = "", *, stage: str = "", **metrics: float
    ) -> None:
        self._reached = max(self._reached, min(fraction, 1.0))
        self._context.report(self._reached, message, stage=stage, **metrics)


def log_progress(error: float, first: float, target: float) -> float:
    """0 at the `first` error, 1 at the `target`, even steps for even factors between."""
    if error <= target or first <= target:
        return 1.0 if error <= target else 0.0
    return min(max(math.log(first / error) / math.log(first / target), 0.0), 1.0)
