"""How far the searches of a docking are, told while they run."""

from __future__ import annotations

import time
from collections.abc import Sequence

from simulations.base import Context

from .poses import rescored
from .searches import Search

PREPARED, SEARCHED = 0.05, 0.95
"""The part of the whole that searching is."""


class Reporter:
    """Tells a context of searches: each finished one as a point of its series, else a heartbeat."""

    def __init__(self, context: Context, n_searches: int, started: float) -> None:
        self._context = context
        self._n_searches = n_searches
        self._started = started
        self._told = 0

    def __call__(self, searches: Sequence[Search]) -> None:
        if len(searches) == self._told:
            message = f"{len(searches)} of {self._n_searches} searches done"
            self._report(len(searches), message)
        while self._told < len(searches):
            self._told += 1
            self._tell(searches[: self._told])

    def _tell(self, searches: Sequence[Search]) -> None:
        n_done = len(searches)
        scores = [poses[0] for poses in rescored(searches)]
        self._report(
            n_done,
            f"search {n_done} of {self._n_searches} done",
            search=n_done,
            search_score_kcal_per_mol=scores[-1],
            best_score_kcal_per_mol=min(scores),
            n_poses=sum(len(search.models) for search in searches),
        )

    def _report(self, n_done: int, message: str, **metrics: float) -> None:
        self._context.report(
            PREPARED + (SEARCHED - PREPARED) * n_done / self._n_searches,
            message,
            stage="search",
            elapsed_s=round(time.monotonic() - self._started, 1),
            **metrics,
        )
