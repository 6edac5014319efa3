"""Downhill to the nearest minimum before anything moves."""

from __future__ import annotations

import time
from typing import Any

from simulations.base import Context
from simulations.errors import Cancelled

FORCE_TARGET = 10.0
"""Root mean square force at which it is done, kJ/mol/nm: OpenMM's default."""
MAX_ROUNDS = 200
"""Far from a minimum still, water is rid of its clashes: the equilibration does the rest."""
SECONDS_BETWEEN_WORDS = 0.2


def minimise(engine: Any, context: Context, share: float) -> None:
    """Move the atoms of an `openmm.Context` to a minimum.

    :param share: of the whole run, the fraction that this is worth.
    """
    import openmm

    listener = _listener(context, share)
    openmm.LocalEnergyMinimizer.minimize(engine, FORCE_TARGET, MAX_ROUNDS, listener)
    if listener.cancelled is not None:
        raise listener.cancelled
    context.log.write(f"Minimised in {listener.rounds} rounds.\n")


def _listener(context: Context, share: float) -> Any:
    from openmm import MinimizationReporter

    class Listener(MinimizationReporter):
        """Tells of the descent, and stops it when asked to."""

        cancelled: Cancelled | None = None
        rounds = 0
        told = time.monotonic()

        def report(self, iteration: int, x: Any, grad: Any, args: Any) -> bool:
            self.rounds += 1
            if time.monotonic() - self.told < SECONDS_BETWEEN_WORDS:
                return False
            self.told = time.monotonic()
            # An exception may not pass through OpenMM's C++: it is kept, and raised there.
            try:
                _tell(context, share, self.rounds, args["system energy"])
            except Cancelled as exc:
                self.cancelled = exc
            return self.cancelled is not None

    return Listener()


def _tell(context: Context, share: float, rounds: int, energy: float) -> None:
    fraction = share * rounds / (rounds + 100)
    message = f"minimising, round {rounds}"
    context.report(
        fraction, message, stage="minimise", round=rounds, potential_energy_kj_per_mol=energy
    )
