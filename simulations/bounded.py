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
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from .base import Checked, Simulation
from .errors import Busy, FieldError, InvalidParams
from .preview import Preview
from .reader import Crashed, Defect, Reader, Starved, TimedOut
from .validation import validate

logger = logging.getLogger(__name__)

READERS = min(4, max(2, os.cpu_count() or 1))
"""Hostile inputs at once that honest ones do not have to wait for, and one more."""
TIMEOUT_S = 5.0
"""A hundred times what the largest honest structure takes; the rest of the world is slower."""
AT_ONCE = 50
CHARS_AT_ONCE = 200_000
PATIENCE_S = 30.0
"""How long an input waits for a reader that is free."""


def check(
    simulation: Simulation, params: dict[str, Any], *, patience_s: float | None = None
) -> Checked:
    """As `simulation.check`, within limits.

    Params that are numbers and words alone are checked here and now.

    :param patience_s: how long to wait for a reader that is free; None: as long as anybody.
    :raises InvalidParams: naming each field that is wrong, or the one that took too much.
    :raises Busy: no reader was free in time, or none got the time to read it.
    """
    if simulation.inspect is None:
        return simulation.check(params)
    # What is too long, or none of its fields, takes nobody's turn.
    validate(simulation.Params, params)
    pool = _the_pool()
    reader = pool.take(patience_s)
    try:
        return reader.check(simulation.name, params, TIMEOUT_S)
    except (Crashed, TimedOut) as exc:
        logger.warning("a reader was ended over the params of %s: %s", simulation.name, exc)
        raise InvalidParams([_too_much(params, exc)]) from exc
    except Starved:
        raise _overloaded(simulation) from None
    finally:
        pool.give_back(reader)


def preview(simulation: Simulation, field: str, params: dict[str, Any]) -> Preview:
    """As `simulations.preview.preview`, within limits.

    :raises InvalidParams: the structure cannot be read, or takes too much.
    :raises Busy: no reader was free in time, or none got the time to read it.
    """
    pool = _the_pool()
    reader = pool.take()
    try:
        return reader.preview(simulation.name, field, params, TIMEOUT_S)
    except (Crashed, TimedOut) as exc:
        logger.warning("a reader was ended over a preview for %s: %s", simulation.name, exc)
        detail = f"{field} cannot be shown: {exc}."
        error = FieldError(path=(field,), code="too_hard_to_read", detail=detail)
        raise InvalidParams([error]) from exc
    except Starved:
        raise _overloaded(simulation) from None
    finally:
        pool.give_back(reader)


@dataclass(slots=True)
class Effort:
    """What the checking of many has taken so far: of the readers' time, not of a clock's, which
    on a machine that others load says nothing of the input."""

    computed_s: float = 0.0

    @property
    def by_each_s(self) -> float:
        return self.computed_s / READERS


def check_each(
    simulation: Simulation,
    params: Sequence[dict[str, Any]],
    effort: Effort,
    *,
    leaves_inchikeys: bool = False,
) -> Iterator[Checked | InvalidParams]:
    """As `check` of each, in order and by all readers at once; what is wrong is not raised.

    :param effort: to which is added what it takes.
    :param leaves_inchikeys: of what is read as SMILES, for a `Namer` to work out.
    :raises Busy: no reader was free in time.
    """
    if simulation.inspect is None:
        yield from (_outcome(simulation.check, each) for each in params)
        return
    threads = ThreadPoolExecutor(READERS)
    check_some = partial(_check_some, simulation, leaves_inchikeys=leaves_inchikeys)
    try:
        for found, took_s in threads.map(check_some, _portions(params)):
            effort.computed_s += took_s
            yield from found
    finally:
        threads.shutdown(cancel_futures=True)


def draw_each(smiles: Sequence[str]) -> list[dict[str, Any]]:
    """As `structures.drawing.drawn` of each, within limits, by one reader.

    :raises Busy: no reader was free in time, or one of them brought it down.
    """
    pool = _the_pool()
    reader = pool.take()
    try:
        return reader.draw_each(smiles, TIMEOUT_S)
    except (Crashed, TimedOut, Starved) as exc:
        logger.warning("a reader was ended over the drawing of %d molecules: %s", len(smiles), exc)
        raise Busy(f"The molecules could not be drawn: {exc}.") from exc
    finally:
        pool.give_back(reader)


def _check_some(
    simulation: Simulation, params: Sequence[dict[str, Any]], *, leaves_inchikeys: bool
) -> tuple[list[Checked | InvalidParams], float]:
    """One turn of one reader, and how long it computed; should they bring it down, each is read
    by itself."""
    looked = [_outcome(partial(validate, simulation.Params), each) for each in params]
    good = [each for each, seen in zip(params, looked, strict=True) if not _is_refusal(seen)]
    pool = _the_pool()
    reader = pool.take()
    try:
        found = reader.check_each(
            simulation.name, good, TIMEOUT_S, leaves_inchikeys=leaves_inchikeys
        )
        took_s = reader.computed_s
    except (Crashed, TimedOut) as exc:
        if len(good) == 1:
            # No need to find out which: to read it again would take as much again.
            logger.warning("a reader was ended over the params of %s: %s", simulation.name, exc)
            found, took_s = [InvalidParams([_too_much(good[0], exc)])], TIMEOUT_S
        else:
            found, took_s = _check_one_by_one(simulation, good)
    except Starved:
        raise _overloaded(simulation) from None
    finally:
        pool.give_back(reader)
    rest = iter(found)
    return [seen if _is_refusal(seen) else next(rest) for seen in looked], took_s


def _check_one_by_one(
    simulation: Simulation, params: Sequence[dict[str, Any]]
) -> tuple[list[Checked | InvalidParams], float]:
    """Some of them do harm: all that it takes to find out which counts, new readers too."""
    began = time.monotonic()
    found = [_outcome(partial(check, simulation), each) for each in params]
    return found, TIMEOUT_S + time.monotonic() - began


def _overloaded(simulation: Simulation) -> Busy:
    """No fault of the input: asked again in a quieter moment, it is read."""
    logger.warning("this machine had no time to read the params of %s", simulation.name)
    return Busy("This machine is too busy to read structures just now. Try again.")


def _outcome(look: Callable[[dict[str, Any]], Any], params: dict[str, Any]) -> Any:
    try:
        return look(params)
    except InvalidParams as exc:
        return exc


def _is_refusal(outcome: Any) -> bool:
    return isinstance(outcome, InvalidParams)


def _portions(params: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """So few, and so short, that nobody else waits long for their reader."""
    portion: list[dict[str, Any]] = []
    chars = 0
    for each in params:
        portion.append(each)
        chars += sum(len(str(value)) for value in each.values())
        if len(portion) >= AT_ONCE or chars > CHARS_AT_ONCE:
            yield portion
            portion, chars = [], 0
    if portion:
        yield portion


def start() -> None:
    """Have the readers ready before the first input comes."""
    _the_pool()


class Pool:
    """So many readers, each with one caller at a time."""

    def __init__(self, size: int) -> None:
        self._free: queue.LifoQueue[Reader] = queue.LifoQueue()
        for _ in range(size):
            self._free.put(Reader())

    def take(self, patience_s: float | None = None) -> Reader:
        """:raises Busy: none was free in time."""
        try:
            return self._free.get(timeout=PATIENCE_S if patience_s is None else patience_s)
        except queue.Empty:
            raise Busy("Everything that reads structures is busy. Try again.") from None

    def give_back(self, reader: Reader) -> None:
        self._free.put(reader if reader.is_well else reader.replacement())

    def close(self) -> None:
        while not self._free.empty():
            self._free.get_nowait().close()


METHANE = "C"


class Namer:
    """Works out InChIKeys that were left for later, by a reader of its own."""

    def __init__(self) -> None:
        self._pool = Pool(1)

    def name_each(self, smiles: Sequence[str]) -> list[str | None]:
        """None: it has none, or none that can be worked out within limits.

        :raises Busy: this machine has no time for it, or no reader can be had.
        """
        reader = self._pool.take()
        try:
            return reader.inchikeys_of(smiles, TIMEOUT_S)
        except Starved as exc:
            raise Busy("This machine is too busy to work out InChIKeys just now.") from exc
        except (Crashed, TimedOut, Defect) as exc:
            why = exc
        finally:
            self._pool.give_back(reader)
        if len(smiles) > 1:
            # One of them is to blame; the others have theirs.
            return [key for each in smiles for key in self.name_each([each])]
        if smiles[0] == METHANE:
            raise Busy(f"No InChIKey can be worked out: {why}.") from why
        self.name_each([METHANE])  # or the reader is to blame, and all of them wait
        logger.warning("%s has no InChIKey: %s", smiles[0], why)
        return [None]

    def close(self) -> None:
        self._pool.close()


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
