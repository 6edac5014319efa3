"""Who was answered with a job that was there already hears how it ends: none missed, none twice.

A job's row is locked before anybody is put down to hear of it. So it either has ended by then,
which is told at once, or ends after that, which tells whoever is put down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from django.db.models import QuerySet

from jobs.key_models import Follower
from jobs.keys import Origin
from jobs.models import Job
from jobs.states import ACTIVE

AT_ONCE = 500


def settled(find: Callable[[], Job | None]) -> Job | None:
    """What is found, and stays as found until the transaction ends.

    :param find: looks for a job that has succeeded or is on its way. Asked again where that one
        ended or was asked to stop meanwhile.
    """
    while (found := find()) and not found.is_final:
        if now := _held([found.pk]).filter(cancel_requested_at=None).first():
            return now
    return found


def _held(job_ids: Sequence[UUID]) -> QuerySet[Job]:
    """Those that are on their way, as they are now; none ends before the transaction does."""
    jobs = Job.objects.filter(pk__in=job_ids, state__in=ACTIVE)
    # In one order, as they are locked by whoever changes many.
    return jobs.order_by("id").select_for_update(of=("self",), no_key=True)


def follow(job: Job, origin: Origin) -> None:
    """A key that is answered with another's job hears in its inbox how that one ends.

    :param job: as it is now, and held.
    """
    if origin.key and not job.is_final and job.key_id != origin.key.pk:
        Follower.objects.get_or_create(key=origin.key, job=job)


def follow_all(jobs: Iterable[Job], origin: Origin) -> None:
    """As `follow`; those that ended meanwhile have nothing more to tell."""
    key = origin.key
    if key is None:
        return
    theirs = sorted({job.pk for job in jobs if not job.is_final and job.key_id != key.pk})
    for at in range(0, len(theirs), AT_ONCE):
        held = _held(theirs[at : at + AT_ONCE]).values_list("pk", flat=True)
        Follower.objects.bulk_create(
            (Follower(key=key, job_id=job_id) for job_id in held), ignore_conflicts=True
        )
