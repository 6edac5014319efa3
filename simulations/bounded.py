"""Checks params in processes of their own, so that a hostile structure harms nobody else.

What a stranger writes can send a parser into hours of work, or to a segmentation fault: RDKit
does either on a few dozen kilobytes of fused rings. A parser has so much time and memory, ends
if it takes more, and is replaced.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
from typing import Any

from .base import Checked, Simulation
from .errors import Busy, FieldError, InvalidParams
from .reader import Crashed, Reader, TimedOut
from .validation import validate

logger = logging.getLogger(__name__)

READERS = min(4, max(2, os.cpu_count() or 1))
"""Hostile inputs at once that honest ones do not have to wait for, and one more."""
TIMEOUT_S = 5.0
"""A hundred times what the largest honest structure takes; the rest of the world is slower."""
PATIENCE_S = 30.0
"""How long an input waits for a reader that is free."""


def check(simulation: Simulation, params: dict[str, Any]) -> Checked:
    """As `simulation.check`, within limits.

    Params that are numbers and words alone are checked here and now.

    :raises InvalidParams: naming each field that is wrong, or the one that took too much.
    :raises Busy: no reader was free in time.
    """
    if simulation.inspect is None:
        return simulation.check(params)
    # What is too long, or none of its fields, takes nobody's turn.
    validate(simulation.Params, params)
    pool = _the_pool()
    reader = pool.take()
    try:
        return reader.check(simulation.name, params, TIMEOUT_S)
    except (Crashed, TimedOut) as exc:
        logger.warning("a reader was ended over the params of %s: %s", simulation.name, exc)
        raise InvalidParams([_too_much(params, exc)]) from exc
    finally:
        pool.give_back(reader)


def start() -> None:
    """Have the readers ready before the first input comes."""
    _the_pool()


class Pool:
    """So many readers, each with one caller at a time."""

    def __init__(self, size: int) -> None:
        self._free: queue.LifoQueue[Reader] = queue.LifoQueue()
        for _ in range(size):
            self._free.put(Reader())

    def take(self) -> Reader:
        """:raises Busy: none was free in time."""
        try:
            return self._free.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise Busy("Everything that reads structures is busy. Try again.") from None

    def give_back(self, reader: Reader) -> None:
        self._free.put(reader if reader.is_well else reader.replacement())

    def close(self) -> None:
        while not self._free.empty():
            self._free.get_nowait().close()


_pool: Pool | None = None
_lock = threading.Lock()


def _the_pool() -> Pool:
    global _pool
    with _lock:
        if _pool is None:
            _pool = Pool(READERS)
        return _pool


def _forget() -> None:
    """A fork has readers of its own: it must not talk into the pipes of its parent."""
    global _pool, _lock
    _pool, _lock = None, threading.Lock()


def _close() -> None:
    if _pool is not None:
        _pool.close()


os.register_at_fork(after_in_child=_forget)
atexit.register(_close)


def _too_much(params: dict[str, Any], exc: Exception) -> FieldError:
    """The blame is put on the largest param."""
    largest = max(params, key=lambda name: len(str(params[name])), default="")
    return FieldError(
        path=(largest,) if largest else (),
        code="too_hard_to_read",
        detail=f"{largest or 'The input'} could not be read: {exc}. "
        "Give a smaller structure, or the same one in another format.",
    )
