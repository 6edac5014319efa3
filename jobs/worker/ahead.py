"""What a worker does once, so that none of its runs has to."""

from __future__ import annotations

import gc
import logging
import sys
from functools import cache, lru_cache

import simulations
from jobs.prepared import Prepared
from simulations.record.provenance import know_what_stays

from .confine import find_pools
from .patience import insist

logger = logging.getLogger(__name__)


@cache
def compose_queries() -> None:
    insist(Prepared.compose_all)


def preload(simulation: str) -> None:
    """Import its engines in the parent, and look up what is the same for each run: once, instead
    of once a job.

    Importing is safe to fork, computing is not. What fails here will fail in the work-horse too,
    where it can be told.
    """
    try:
        simulations.preload(simulation)
        know_what_stays(simulations.get(simulation).requires)
        find_pools()
        _keep_out_of_rubbish(len(sys.modules))
    except (KeyError, ImportError, OSError) as exc:
        logger.warning("the engines of %s are not loaded ahead: %r", simulation, exc)


@lru_cache(maxsize=1)
def _keep_out_of_rubbish(n_modules: int) -> None:
    """What is imported by now is never rubbish: a work-horse that looked through it would spend a
    tenth of a second on it each time, and take a copy of what it shares with us.

    :param n_modules: how many are imported; once for as many.
    """
    gc.collect()
    gc.freeze()
