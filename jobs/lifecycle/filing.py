"""What is uploaded stays as long as a job that has not ended refers to it.

Whoever stores a job and whoever removes a file of its owner's do so under the lock of the owner's
allowance: so that neither overlooks the other.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from jobs import files, references
from jobs.models import Job, StoredFile

from .admission import allowance_of
from .writing import ROWS_AT_ONCE

logger = logging.getLogger(__name__)


class FileInUse(Exception):
    """A job refers to it; it was not removed."""

    def __init__(self, jobs: list[Any], n: int) -> None:
        more = f" and {n - 1:,} more" if n > 1 else ""
        super().__init__(
            f"Job {jobs[0]}{more} that has not ended refers to this file. Remove it once that is "
            "over, or cancel it first."
        )


class FileRemoved(Exception):
    """A file that a submission refers to was removed while that was looked at."""

    def __init__(self) -> None:
        super().__init__(
            "A file that it refers to was removed while it was looked at; nothing was stored. "
            "Upload it again, then submit again."
        )


def remove_file(stored: StoredFile) -> None:
    """:raises FileInUse: a job of its owner's that has not ended refers to it."""
    with transaction.atomic():
        allowance_of(stored.owner)
        users = _referring(stored).filter(finished_at=None).values_list("pk", flat=True)
        if n := users.count():
            raise FileInUse(list(users.order_by("created_at", "id")[:1]), n)
        files.forget(stored)
    logger.info("file %s of user %s was removed", stored.pk, stored.owner_id)


def remove_unused_file(stored: StoredFile) -> bool:
    """Whether no job, of however long ago, refers to it; it is gone then."""
    with transaction.atomic():
        allowance_of(stored.owner)
        if _referring(stored).exists():
            return False
        files.forget(stored)
    return True


def refuse_removed(owner: Any, jobs: Iterable[Job]) -> None:
    """To be called under the lock, with what is to be stored.

    :raises FileRemoved: a file that they refer to is no longer there.
    """
    wanted = sorted({digest for job in jobs for digest in references.digests_in(job.params)})
    for at in range(0, len(wanted), ROWS_AT_ONCE):
        some = wanted[at : at + ROWS_AT_ONCE]
        if StoredFile.objects.filter(owner=owner, sha256__in=some).count() < len(some):
            raise FileRemoved


def _referring(stored: StoredFile) -> QuerySet[Job]:
    jobs = Job.objects.filter(owner=stored.owner_id)
    written = jobs.annotate(written=Cast("params", TextField()))
    return written.filter(written__contains=f"{references.PREFIX}{stored.sha256}")
