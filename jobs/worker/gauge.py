"""Measures what an attempt takes, and ends it at its limits. It asks no database."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psutil

from jobs import log_context
from jobs.budget import Budget
from jobs.states import FailureKind

from .tree import Tree, cpu_seconds, disk_mib, memory_mib, oom_kills, resident_mib

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
STOP_WITHIN_S = 3
"""How long a run whose time is over may take to stop by itself: its context tells it so when it
next reports, and it then saves what the next attempt goes on from. As Slurm does, which asks before
it kills. Beyond any other limit it goes on taking what others need, and is killed at once."""

LOOK_SHARE = 0.05
"""Of the time, at most, is spent on summing up a directory of very many files."""

SHARES_EVERY_S = 5
SHARES_AT_LEAST_EVERY_S = 60
"""How often it is asked anew who shares which pages, though no more are held: the system walks
through all of them to tell, and makes the engine wait that asks for another. Far from its limit, a
run that is older is asked less often: it has made its own by then what it shared at its beginning.
"""

BUSY_FOR_S = 10
"""Over how long the cores are counted that an attempt keeps busy: a burst harms nobody."""
BUSY_SLACK = 0.5
"""A core more or less is no matter of half a core: an engine's helpers compute a little too."""

Excess = tuple[FailureKind, float, int]
"""What there was too much of, how much it was, and how much was allowed."""
Look = tuple[FailureKind, float, int | None]
"""The same, be it too much or not; None: any amount is allowed."""


class Gauge:
    def __init__(
        self, budget: Budget, workdir: Path, *, tree: Tree, kill: Callable[[], None]
    ) -> None:
        self._budget = budget
        self._workdir = workdir
        self._tree = tree
        self._kill = kill
        self._started = time.monotonic()
        self._next_disk = 0.0
        self._next_shares = 0.0
        self._shared_mib = 0.0
        self._sharing: list[psutil.Process] = []
        self._computed: deque[tuple[float, float]] = deque()
        self._oom_kills = oom_kills()
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=log_context.carried(self._watch), name="gauge", daemon=True
        )
        self.peak_memory_mib = 0.0
        self.excess: Excess | None = None
        self._is_to_die = False

    def start(self) -> None:
        self._thread.start()

    def stop(self, *, by_itself: bool = False) -> None:
        """:param by_itself: the run did, which it may have done because its time was over."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        if by_itself:
            # Since the last look, perhaps.
            self._is_enough(_beyond(self._time()))

    def saw_oom_kill(self) -> bool:
        """Whether the system has killed a process for want of memory since the attempt began."""
        return oom_kills() > self._oom_kills

    def is_near_memory_limit(self, share: float) -> bool:
        return self.peak_memory_mib >= share * (self._budget.memory_mib or 0)

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_S):
            try:
                self._is_to_die = self._is_to_die or self._is_enough(self._look())
            except (psutil.Error, OSError):
                logger.exception("what the attempt takes cannot be measured; looking again")
            if self._is_to_die:
                # Until whoever waits for it says that it is gone: it may be starting others.
                self._kill()

    def _look(self) -> Iterator[Excess]:
        there = self._tree.measured()
        yield from _beyond(self._time(), self._memory(there), self._disk(), self._cores(there))

    def _is_enough(self, found: Iterable[Excess]) -> bool:
        """To kill it. What is told is the limit that it passed first, and how far."""
        for kind, reached, limit in found:
            if self.excess is None or self.excess[0] is kind:
                self.excess = kind, reached, limit
            if kind is not FailureKind.TIMEOUT or reached > limit + STOP_WITHIN_S:
                return True
        return False

    def _time(self) -> Look:
        ran_s = time.monotonic() - self._started
        return FailureKind.TIMEOUT, ran_s, self._budget.wall_time_s

    def _memory(self, there: list[psutil.Process]) -> Look:
        held_mib = self._held_mib(there)
        self.peak_memory_mib = max(self.peak_memory_mib, held_mib)
        return FailureKind.MEMORY, held_mib, self._budget.memory_mib

    def _held_mib(self, there: list[psutil.Process]) -> float:
        """To the page, where it may be more than ever before or others hold it; else by what came
        and went since."""
        resident, now = resident_mib(there), time.monotonic()
        held_mib = resident - self._shared_mib
        is_more = held_mib > self.peak_memory_mib
        if is_more or there != self._sharing or now >= self._next_shares:
            held_mib = memory_mib(there)
            self._shared_mib, self._sharing = resident - held_mib, there
            self._next_shares = now + self._shares_every_s(resident, now - self._started)
        return held_mib

    def _shares_every_s(self, resident_mib: float, ran_s: float) -> float:
        # However they are shared, it holds no more than what is resident.
        if resident_mib > (self._budget.memory_mib or math.inf) / 2:
            return SHARES_EVERY_S
        return min(max(SHARES_EVERY_S, ran_s / 10), SHARES_AT_LEAST_EVERY_S)

    def _disk(self) -> Look:
        began = time.monotonic()
        if began < self._next_disk:
            return FailureKind.DISK, 0, None
        written_mib = disk_mib(self._workdir)
        now = time.monotonic()
        self._next_disk = now + (now - began) / LOOK_SHARE
        return FailureKind.DISK, written_mib, self._budget.disk_mib

    def _cores(self, there: list[psutil.Process]) -> Look:
        """Engines are told how many threads they may have; this is for one that does not listen."""
        now, computed_s = time.monotonic(), cpu_seconds(there)
        self._computed.append((now, computed_s))
        since, before_s = self._computed[0]
        if now - since < BUSY_FOR_S:
            return FailureKind.THREADS, 0, None
        self._computed.popleft()
        busy, limit = (computed_s - before_s) / (now - since), self._budget.threads
        is_within = limit is None or busy <= limit + BUSY_SLACK
        return FailureKind.THREADS, busy, None if is_within else limit


def _beyond(*looks: Look) -> Iterator[Excess]:
    for kind, reached, limit in looks:
        if limit is not None and reached > limit:
            yield kind, reached, limit
