"""Looks after the bucket: brings what could not be brought, and removes what no row names."""

from __future__ import annotations

import logging
import math
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from . import contents, keeping, lifecycle, local_copies, storage
from .models import Artifact

logger = logging.getLogger(__name__)

TOLD = (
    "%d files were brought to the bucket; %d objects and %d unfinished uploads were removed from "
    "it, and %d copies from this disk"
)
LOOK_EVERY_S = 3600
AT_FIRST = timedelta(days=7)
"""So far back it looks when it begins: it may not have run for a while."""
AFTERWARDS = timedelta(seconds=3 * LOOK_EVERY_S)


@dataclass(frozen=True, slots=True)
class Brought:
    """:param trouble: why it is still where it was.
    :param is_away: whether that is so for all the others too.
    """

    artifact: Artifact
    trouble: str = ""
    is_away: bool = False


def bring_all() -> Iterator[Brought]:
    """Every file that a row says is in place, as far as it lies on this machine."""
    for artifact_id in _waiting_ids():
        if told := _bring(artifact_id):
            yield told


def _waiting() -> QuerySet[Artifact]:
    return Artifact.objects.filter(key="", job__files_removed_at=None).select_related("job")


def _waiting_ids() -> list[uuid.UUID]:
    """All at once: SQLite lets nobody write who is in the midst of reading."""
    return [*_waiting().order_by("job__created_at", "id").values_list("pk", flat=True)]


def _bring(artifact_id: uuid.UUID) -> Brought | None:
    """None: it lies on another machine, or is there by now."""
    artifact = _waiting().filter(pk=artifact_id).first()
    if artifact is None:
        return None
    try:
        key = keeping.bring(artifact)
    except OSError as exc:
        return Brought(artifact, str(exc), is_away=isinstance(exc, storage.Silent))
    if not key:
        return None
    lifecycle.note_key(artifact, key)
    return Brought(artifact)


class Storekeeper:
    """Looks again and again. What it brings may be much, and a bucket slow or away: whoever has
    more to do than this says how long a look may take."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = 0.0
        self._since = AT_FIRST
        self._left: list[uuid.UUID] | None = None
        self._n_brought = 0

    def look(self, within_s: float = math.inf) -> bool:
        """Whether nothing is left to bring, or nothing can be brought just now."""
        there = storage.bucket()
        if there is None or self._clock() < self._next:
            return True
        try:
            if not self._bring_some(self._clock() + within_s):
                return False
            self._look_after(there)
        except OSError:
            logger.exception("the bucket could not be looked after; trying again in an hour")
        self._left, self._n_brought = None, 0
        self._next = self._clock() + LOOK_EVERY_S
        return True

    def _bring_some(self, ends_at: float) -> bool:
        """Whether those that waited have all been tried.

        :raises storage.Silent: the bucket is away.
        """
        if self._left is None:
            self._left = _waiting_ids()[::-1]
        while self._left:
            told = _bring(self._left[-1])
            self._left.pop()
            if told and told.is_away:
                raise storage.Silent(told.trouble)
            if told and told.trouble:
                logger.warning("%s stays in place: %s", told.artifact.path, told.trouble)
            self._n_brought += bool(told and not told.trouble)
            if self._clock() > ends_at:
                return not self._left
        return True

    def _look_after(self, there: storage.Bucket) -> None:
        n_late = self._n_brought + contents.bring_all()
        n_swept = keeping.sweep(list(keeping.ended_lately(self._since))) + contents.sweep()
        n_uploads = there.abandon_uploads(timezone.now() - keeping.UNFINISHED)
        days = settings.LOCAL_COPY_DAYS
        n_copies = local_copies.remove(days) if days is not None else 0
        self._since = AFTERWARDS
        logger.info(TOLD, n_late, n_swept, n_uploads, n_copies)
