"""Keep an eye on a walk downhill: where it was lowest, and whether it still gets anywhere."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

WINDOW = 12
"""Steps in which a sound walk finds a lower point or a smaller force."""
MIN_TURNS = 5
"""How often the energy changes between rising and falling within them; a sound walk's seldom."""
NO_LOWER_HARTREE = 1e-6
"""geomeTRIC's own criterion for a change of energy that counts."""


class Oscillates(Exception):
    """The energy rises and falls and gets no lower; the message is a clause about the geometry."""


class Watch:
    """Passes on energies and gradients, and remembers.

    :ivar raised: what the energy itself raised, so that it is not taken for geomeTRIC's failure.
    """

    def __init__(self, evaluate: Callable[[Any], tuple[float, Any]]) -> None:
        self.n_evaluated = 0
        self.converged = False
        self.best_positions_bohr: Any = None
        self.raised: BaseException | None = None
        self._evaluate = evaluate
        self._best_energy = float("inf")
        self._energies: list[float] = []
        self._forces: list[float] = []

    def begin_again(self) -> None:
        """Forget the steps, not the lowest point."""
        self._energies, self._forces = [], []

    def evaluate(self, positions_bohr: Any) -> tuple[float, Any]:
        """:raises Oscillates: the newest steps lead nowhere."""
        import numpy as np

        try:
            energy, gradient = self._evaluate(positions_bohr)
        except BaseException as exc:
            self.raised = exc
            raise
        self.n_evaluated += 1
        if energy < self._best_energy:
            self._best_energy, self.best_positions_bohr = energy, np.array(positions_bohr)
        self._energies.append(energy)
        self._forces.append(float(np.sqrt(np.mean(np.square(gradient)))))
        if oscillates(self._energies, self._forces):
            raise Oscillates(f"went up and down for {WINDOW} steps without getting anywhere")
        return energy, gradient


def oscillates(energies: list[float], forces: list[float]) -> bool:
    """Whether the last steps turned again and again, none of them lower or flatter than before."""
    if len(energies) <= WINDOW:
        return False
    before, newest = energies[:-WINDOW], energies[-WINDOW:]
    if min(newest) < min(before) - NO_LOWER_HARTREE:
        return False
    if min(forces[-WINDOW:]) < min(forces[:-WINDOW]):
        return False
    changes = [b - a for a, b in zip(energies[-WINDOW - 1 : -1], newest, strict=True)]
    turns = sum(a * b < 0 for a, b in pairwise(changes))
    return turns >= MIN_TURNS
