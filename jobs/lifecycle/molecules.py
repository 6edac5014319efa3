"""Files the jobs of a large batch under their molecules, for which its sender did not wait.

The batch says that some are due in the transaction that stores them, until all are filed: whoever
is stopped on the way is followed by another, and what is done twice is the same.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from jobs.batch_models import Batch
from jobs.models import Job
from simulations import Busy, bounded
from simulations.structures.inchikeys import LEFT

logger = logging.getLogger(__name__)

AT_ONCE = 100


def due_since(jobs: Iterable[Job]) -> datetime | None:
    return timezone.now() if any(job.is_unfiled for job in jobs) else None


class Filer:
    """Looks again and again; what works the InChIKeys out is there as long as some are due."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._namer: bounded.Namer | None = None

    def look(self, within_s: float) -> bool:
        """Whether nothing is left to do, or nothing can be done just now."""
        ends_at = self._clock() + within_s
        for batch in list(Batch.objects.filter(inchikeys_due_since__isnull=False)):
            try:
                if not self._file_all(batch, ends_at):
                    return False
            except Busy as exc:
                logger.info("the molecules of batch %s wait: %s", batch.pk, exc)
                break
        self.close()
        return True

    def close(self) -> None:
        if self._namer:
            self._namer.close()
            self._namer = None

    def _file_all(self, batch: Batch, ends_at: float) -> bool:
        """False: there was no time for all."""
        left = Job.objects.filter(batch=batch, inchikey="", structure__inchikey=LEFT)
        # All ids at once: SQLite lets nobody write who is in the midst of reading.
        ids = list(left.order_by("pk").values_list("pk", flat=True))
        for at in range(0, len(ids), AT_ONCE):
            if self._clock() > ends_at:
                return False
            self._file(ids[at : at + AT_ONCE])
        # Unless it was resumed meanwhile, with other jobs.
        due = Batch.objects.filter(pk=batch.pk, inchikeys_due_since=batch.inchikeys_due_since)
        due.update(inchikeys_due_since=None)
        return True

    def _file(self, ids: Sequence[UUID]) -> None:
        jobs = list(Job.objects.filter(pk__in=ids).only("structure").order_by("pk"))
        structures = [job.structure or {} for job in jobs]
        if self._namer is None:
            self._namer = bounded.Namer()
        keys = self._namer.name_each([each["smiles"] for each in structures])
        with transaction.atomic():
            for job, structure, key in zip(jobs, structures, keys, strict=True):
                structure.pop("inchikey", None)  # another reconciler may have been quicker
                named = structure | ({"inchikey": key} if key else {})
                Job.objects.filter(pk=job.pk).update(structure=named, inchikey=key or "")
