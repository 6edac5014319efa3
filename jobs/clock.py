"""How far a worker's clock is from that of the host which judges what is late.

Moments are written by whoever acts, and read by others: a pause before the next attempt, the end of
a lease, when a message is due, how long a job ran. Clocks that differ by less than `MOST_OFF_S` do
no harm to that; a worker whose clock is further off takes no job.

Both compare theirs with the database's, which all hosts share, and only how they differ counts: one
that is off by itself, or all hosts that are, keep nothing from running.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.db import DatabaseError, connection
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

MOST_OFF_S = 30
LOOK_EVERY_S = 10


def off_s() -> float:
    """Positive where this host's clock is ahead; 0 where the database has none of its own.

    :raises DatabaseError: it does not answer.
    """
    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        before = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        (there,) = cursor.fetchone()
        after = time.time()
    # Between the two, so that an answer which takes long is no difference.
    return max(before - float(there), 0.0) + min(after - float(there), 0.0)


def may_differ_s() -> float:
    """By how much the moments that a worker wrote may be wrong."""
    return float(MOST_OFF_S) if connection.vendor == "postgresql" else 0.0


def words(off_by_s: float) -> str:
    return f"{abs(off_by_s):,.0f} s {'ahead of' if off_by_s > 0 else 'behind'} the site's"


class Watch:
    """Looks at the clock now and then.

    :param of_the_site: by how much the clock that it is compared with is off the database's.
    """

    def __init__(
        self, of_the_site: Callable[[], float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._of_the_site = of_the_site
        self._clock = clock
        self._next = 0.0
        self._off_s = 0

    def too_far_off_s(self) -> int:
        """0: it is right, as far as is known."""
        if self._clock() >= self._next:
            self._next = self._clock() + LOOK_EVERY_S
            self._look()
        return self._off_s

    def _look(self) -> None:
        try:
            found = off_s() - self._of_the_site()
        except (DatabaseError, RedisError):
            return  # nothing can be taken either
        was_off, self._off_s = self._off_s, round(found) if abs(found) > MOST_OFF_S else 0
        if self._off_s and not was_off:
            logger.error("this host's clock is %s; no job is taken until it is right", words(found))
        elif was_off and not self._off_s:
            logger.info("this host's clock is right again")
