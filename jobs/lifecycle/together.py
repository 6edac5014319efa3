"""Many changes in one transaction, and what follows each of them done once for all.

Each change stays a compare-and-set with an event of its own; only whom it wakes, who hears of it
and what it means for a batch is not looked at a hundred times over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import transaction

logger = logging.getLogger(__name__)

Act = Callable[[Sequence[Any]], None]

_following: ContextVar[dict[Act, list[Any]] | None] = ContextVar("following", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Commit all of the block at once; what of it is wrapped in `atomic` may fail by itself.

    Nobody else writes to SQLite meanwhile: let it hold what is quick.
    """
    following: dict[Act, list[Any]] = {}
    token = _following.set(following)
    try:
        with transaction.atomic():
            yield
    finally:
        _following.reset(token)
    for act, about in following.items():
        try:
            act(about)
        except Exception:
            # The rows are the truth, and are committed: the reconciler looks at them again.
            logger.exception("%s could not be done for %d changes", act.__name__, len(about))


def follow(act: Act, about: Any) -> None:
    """Called once a change is committed: at once, or with all of a group together at its end."""
    following = _following.get()
    if following is None:
        act([about])
    else:
        following.setdefault(act, []).append(about)
