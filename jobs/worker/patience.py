"""What must be written is not lost to a database that is away for a moment."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, DataError, IntegrityError, connection

logger = logging.getLogger(__name__)

PATIENCE_S = 60

Told = TypeVar("Told")


def insist(write: Callable[[], Told]) -> Told:
    """Call `write` until the database takes it.

    :raises DatabaseError: it refused, or did not answer for a minute; the lease then tells.
    """
    deadline = time.monotonic() + PATIENCE_S
    is_refused = False
    while True:
        try:
            return write()
        except (IntegrityError, DataError):
            # It was there, and will not take this. Once more all the same: what it refers to (a
            # webhook, say) may have been deleted while it was written.
            if is_refused:
                raise
            is_refused = True
        except DatabaseError:
            if time.monotonic() > deadline:
                raise
            logger.warning(
                "the database did not take what it was told; trying again", exc_info=True
            )
            connection.close()
            time.sleep(1)
