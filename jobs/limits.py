"""How often somebody may do something, counted for all web processes together.

Redis counts. When it is away each process counts on its own, so that a limit never becomes the
reason why nothing works, nor goes away.
"""

from __future__ import annotations

import hashlib
import logging
import math
import re
import threading
import time
from dataclasses import dataclass

from redis.exceptions import RedisError

from . import fleet

logger = logging.getLogger(__name__)

PERIODS_S = {"s": 1, "min": 60, "hour": 3600, "day": 86400}
ASK_AGAIN_S = 10
"""How long a Redis that did not answer is left alone."""
MOST_KEPT = 10_000


class TooMany(Exception):
    """The limit is reached.

    :param wait_s: whole seconds until there is room again.
    """

    def __init__(self, wait_s: int) -> None:
        self.wait_s = wait_s
        super().__init__(f"That was too often. Try again in {wait_s} s.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many `what` in a window of time."""

    what: str
    count: int
    period_s: int

    def hit(self, who: str) -> None:
        """Count one.

        :raises TooMany: it is one too many.
        """
        if _add(self._key(who), 1, self.period_s) > self.count:
            raise TooMany(self._wait_s())

    def refuse_if_reached(self, who: str) -> None:
        """Count nothing.

        :raises TooMany: there is no room for one more.
        """
        if _add(self._key(who), 0, self.period_s) >= self.count:
            raise TooMany(self._wait_s())

    def add(self, who: str) -> None:
        _add(self._key(who), 1, self.period_s)

    def _key(self, who: str) -> str:
        window = int(time.time() // self.period_s)
        digest = hashlib.sha256(who.encode(errors="replace")).hexdigest()[:24]
        return f"limit:{self.what}:{digest}:{window}"

    def _wait_s(self) -> int:
        return max(1, math.ceil(self.period_s - time.time() % self.period_s))


def parse(what: str, rate: str) -> Limit | None:
    """A limit from `1200/min`, in periods of s, min, hour or day; None from `off`.

    :raises ValueError: it is neither.
    """
    if rate == "off":
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,8})/(s|min|hour|day)", rate)
    if match is None:
        raise ValueError(f"{rate!r} is no rate; expected one like 1200/min, or off")
    return Limit(what=what, count=int(match[1]), period_s=PERIODS_S[match[2]])


_lock = threading.Lock()
_own: dict[str, int] = {}
_away_until = 0.0


def _add(key: str, amount: int, period_s: int) -> int:
    """The count so far, with `amount` added to it."""
    global _away_until
    if time.monotonic() >= _away_until:
        try:
            return _add_in_redis(key, amount, period_s)
        except (RedisError, OSError) as exc:
            _away_until = time.monotonic() + ASK_AGAIN_S
            logger.warning("limits are counted by each process on its own: %s", exc)
    with _lock:
        if len(_own) >= MOST_KEPT:
            _own.clear()  # mostly windows that are over
        _own[key] = _own.get(key, 0) + amount
        return _own[key]


def _add_in_redis(key: str, amount: int, period_s: int) -> int:
    with fleet.redis().pipeline() as pipe:
        pipe.incrby(key, amount)
        pipe.expire(key, period_s + 1)
        count, _ = pipe.execute()
    return int(count)


def forget() -> None:
    """Start counting anew, in this process."""
    global _away_until
    with _lock:
        _own.clear()
    _away_until = 0.0
