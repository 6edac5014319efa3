"""Jobs that were looked at together, as they are before they are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from jobs.models import Job

from .preparing import Folding, Wanted
from .submission import Prepared, another, new_job


def drafts(good: Mapping[int, Prepared], wanted: Sequence[Wanted], owner: Any) -> dict[int, Job]:
    """A job of the owner's for each that is good, by its number among all that is wanted."""
    folding = Folding(owner)
    patterns: dict[Any, Job] = {}
    found = {}
    # In their order each comes after the one before in the indexes too, and not at any place.
    ids = sorted(uuid4() for _ in good)
    for id, (n, prepared) in zip(ids, good.items(), strict=True):
        asked = wanted[n]
        own: dict[str, Any] = {"id": id, "params": folding.fold(prepared), "name": asked.name}
        alike = _alike(asked)
        if asked.restarted_from is None and alike in patterns:
            found[n] = another(patterns[alike], prepared, **own)
            continue
        found[n] = new_job(
            prepared,
            owner=owner,
            priority=asked.priority,
            tags=asked.tags,
            max_attempts=asked.max_attempts,
            retry_on=asked.retry_on,
            restarted_from=asked.restarted_from,
            **own,
        )
        if asked.restarted_from is None:
            patterns[alike] = found[n]
    return found


def _alike(asked: Wanted) -> Any:
    """What two submissions have in common if their jobs differ in their input alone."""
    retry = (asked.max_attempts, *asked.retry_on)
    return asked.priority, tuple(asked.tags), asked.limits, retry
