"""How many steps fit between two words to the outside: so few that a cancel is soon heard."""

from __future__ import annotations

import time
from typing import Any

SECONDS_PER_CHUNK = 0.4
SECONDS_PER_DAY = 86_400
MAX_GROWTH = 4
"""From one chunk to the next: the very first steps tell little of those that follow."""


class Pace:
    """Steps an integrator in chunks of less than a second, and knows its speed."""

    def __init__(self, timestep_fs: float) -> None:
        self._timestep_ns = timestep_fs * 1e-6
        self._chunk = 1
        self._steps = 0
        self._seconds = 0.0

    def advance(self, integrator: Any, at_most: int) -> None:
        steps = min(self._chunk, at_most)
        started = time.perf_counter()
        integrator.step(steps)
        seconds = max(time.perf_counter() - started, 1e-9)
        self._steps += steps
        self._seconds += seconds
        fitting = int(steps * SECONDS_PER_CHUNK / seconds)
        self._chunk = max(min(fitting, MAX_GROWTH * self._chunk), 1)

    @property
    def ns_per_day(self) -> float:
        """Of the engine alone, in this attempt."""
        if not self._steps:
            return 0.0
        return self._steps * self._timestep_ns * SECONDS_PER_DAY / self._seconds

    def seconds_for(self, steps: int) -> float:
        """How long so many more will take, as fast as it went; once some are done."""
        return steps * self._seconds / self._steps
