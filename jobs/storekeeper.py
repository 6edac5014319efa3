"""Looks after the bucket: brings what could not be brought, and removes what no row names."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
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
    """:param trouble: why it is still where it was."""

    artifact: Artifact
    trouble: str = ""


def bring_all() -> Iterator[Brought]:
    """Every file that a row says is in place, as far as it lies on this machine."""
    waiting = Artifact.objects.filter(key="", job__files_removed_at=None).select_related("job")
    # All ids at once: SQLite lets nobody write who is in the midst of reading.
    for artifact_id in list(waiting.order_by("job__created_at", "id").values_list("pk", flat=True)):
        artifact = waiting.filter(pk=artifact_id).first()
        if artifact and (told := _bring(artifact)):
            yield told


def _bring(artifact: Artifact) -> Brought | None:
    """None: it lies on another machine."""
    try:
        key = keeping.bring(artifact)
    except OSError as exc:
        return Brought(artifact, str(exc))
    if not key:
        return None
    lifecycle.note_key(artifact, key)
    return Brought(artifact)


class Storekeeper:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = 0.0
        self._since = AT_FIRST

    def look(self) -> None:
        there = storage.bucket()
        if there is None or self._clock() < self._next:
            return
        self._next = self._clock() + LOOK_EVERY_S
        try:
            n_late = sum(1 for each in bring_all() if not each.trouble) + contents.bring_all()
            n_swept = keeping.sweep(list(keeping.ended_lately(self._since))) + contents.sweep()
            n_uploads = there.abandon_uploads(timezone.now() - keeping.UNFINISHED)
            days = settings.LOCAL_COPY_DAYS
            n_copies = local_copies.remove(days) if days is not None else 0
        except OSError:
            logger.exception("the bucket could not be looked after; trying again in an hour")
            return
        self._since = AFTERWARDS
        logger.info(TOLD, n_late, n_swept, n_uploads, n_copies)
