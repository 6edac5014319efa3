"""How far a run is: a fraction that rises, out of errors that fall."""

from __future__ import annotations

import math
from collections.abc import Callable

from simulations.base import Context

CycleReport = Callable[[int, float, float], None]
"""Called with the SCF cycle from 1, the energy and |dE|, both in hartree."""


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


def teller(progress: Progress, stage: str) -> Callable[[str], None]:
    """What tells a sentence of one stage, and moves nothing."""
    return lambda sentence: progress.report(message=sentence, stage=stage)


def log_progress(error: float, first: float, target: float) -> float:
    """0 at the `first` error, 1 at the `target`, even steps for even factors between."""
    if error <= target or first <= target:
        return 1.0 if error <= target else 0.0
    return min(max(math.log(first / error) / math.log(first / target), 0.0), 1.0)


class ScfTeller:
    """Tells each cycle of the SCFs of one stage, and in sentences what else is done for them.

    :ivar prefix: what goes before each message: `geometry step 3, `.
    """

    def __init__(
        self,
        progress: Progress,
        stage: str,
        *,
        span: tuple[float, float] = (0.0, 0.0),
        target: float = 1.0,
    ) -> None:
        """:param span: the part of the whole run's progress that the SCF is.
        :param target: the change of energy at which it is done, in hartree.
        """
        self.prefix: Callable[[], str] = str
        self._progress = progress
        self._stage = stage
        self._span = span
        self._target = target

    def cycle(self, number: int, energy: float, delta: float, how: str = "") -> None:
        begin, end = self._span
        self._progress.report(
            begin + (end - begin) * log_progress(delta, 1.0, self._target),
            f"{self.prefix()}SCF cycle {number}{how}",
            stage=self._stage,
            scf_cycle=number,
            scf_energy_hartree=energy,
            scf_delta_energy_hartree=delta,
        )

    def tell(self, sentence: str) -> None:
        self._progress.report(message=f"{self.prefix()}{sentence}", stage=self._stage)
