"""Which of somebody's jobs: what every list of them can be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, Value

from . import cursors, names
from .batch_models import Batch, BatchItem
from .models import Job, JobQuerySet
from .states import ACTIVE

MOST_SORTED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is not named is no condition.

    :param tags: a job has to have all of them.
    :param text: in its name, or the beginning of its id.
    :param created_after: at that moment or later; `before` is earlier, so that two spans that
        follow each other share no job.
    """

    states: Sequence[str] = ()
    simulations: Sequence[str] = ()
    tags: Sequence[str] = ()
    batch: UUID | None = None
    agent: str = ""
    owner: str = ""
    text: str = ""
    created_after: datetime | None = None
    created_before: datetime | None = None
    finished_after: datetime | None = None
    finished_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where a page ended: what follows it is the same however many jobs came on top since."""

    created_at: datetime
    job_id: UUID

    @classmethod
    def at(cls, job: Job) -> Mark:
        return cls(created_at=job.created_at, job_id=job.pk)

    def written(self) -> str:
        return cursors.written(f"{self.created_at.isoformat()} {self.job_id.hex}")

    @classmethod
    def read(cls, text: str) -> Mark:
        """:raises ValueError: it is none of ours."""
        at, _, job_id = (cursors.read(text) or "").partition(" ")
        created_at = datetime.fromisoformat(at)
        if created_at.tzinfo is None:
            raise ValueError("no cursor")
        return cls(created_at=created_at, job_id=UUID(job_id))

    def following(self, jobs: JobQuerySet) -> JobQuerySet:
        same_moment = Q(created_at=self.created_at, id__gt=self.job_id)
        return jobs.filter(Q(created_at__lt=self.created_at) | same_moment)


def matching(jobs: JobQuerySet, wanted: Wanted) -> JobQuerySet:
    conditions = {
        "state__in": wanted.states,
        "simulation__in": wanted.simulations,
        "agent": wanted.agent,
        "owner__username": wanted.owner,
        "created_at__gte": wanted.created_after,
        "created_at__lt": wanted.created_before,
        "finished_at__gte": wanted.finished_after,
        "finished_at__lt": wanted.finished_before,
    }
    found = jobs.filter(**{name: value for name, value in conditions.items() if value})
    if wanted.states and set(wanted.states) <= {*ACTIVE}:
        # Says nothing new, but names the index of what is not final.
        found = found.filter(finished_at=None)
    if wanted.batch:
        found = _of_batch(found, wanted.batch)
    for tag in wanted.tags:
        found = found.filter(Holds(F("tags"), Value(tag)))
    return called(found, wanted.text) if wanted.text else found


def _of_batch(jobs: JobQuerySet, batch_id: UUID) -> JobQuerySet:
    """The jobs that it made, and those that were there already."""
    answers = BatchItem.objects.filter(batch=batch_id, job__isnull=False).values("job")
    if Batch.objects.filter(pk=batch_id, n_items__gt=MOST_SORTED).exists():
        # Thousands are sooner met by who reads on from the newest than sorted.
        return jobs.filter(Q(batch=batch_id) | Q(pk__in=answers))
    own = Job.objects.filter(batch=batch_id).values("pk")
    # Put together, for PostgreSQL has no index for the one or the other.
    return among(jobs, Q(pk__in=own.union(answers)))


def called(jobs: JobQuerySet, text: str) -> JobQuerySet:
    """Those of them with this in their name, or whose id, as pages and logs show it, begins so.

    What else was said of how to read `jobs` does not hold for what is returned.
    """
    meant, found = _meant(text), jobs.filter(_is_called(text))
    return found if meant is None else among(found, Q(pk__in=meant))


def among(jobs: JobQuerySet, few: Q) -> JobQuerySet:
    """Those of `jobs` that are among these few, which an index finds.

    Asked of each by itself: SQLite, which has not counted, would go through all of an owner's.
    What else was said of how to read `jobs` does not hold for what is returned.
    """
    return Job.objects.filter(few, Exists(jobs.filter(pk=OuterRef("pk"))))


def called_among_all(text: str) -> Q:
    """As `called`, where nobody's jobs are left out."""
    meant = _meant(text)
    return _is_called(text) if meant is None else Q(_is_called(text), pk__in=meant)


def _is_called(text: str) -> Q:
    ids = beginning(text)
    return Q(name__icontains=text) | (Q(pk__range=ids) if ids else Q())


def _meant(text: str) -> list[UUID] | None:
    return names.may_be_called(text, beginning(text))


def beginning(text: str) -> tuple[UUID, UUID] | None:
    """The first and the last id that begin so; a range, for neither database looks for less."""
    digits = text.replace("-", "").lower()
    if not digits or len(digits) > 32 or not set(digits) <= set("0123456789abcdef"):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


class Holds(Func):
    """Whether a JSON list of texts has this one. Django's own `contains` knows no SQLite."""

    output_field = BooleanField()
    arity = 2

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "EXISTS (SELECT 1 FROM json_each(%(expressions)s)"
        return self.as_sql(
            compiler, connection, template=template, arg_joiner=") WHERE value = ", **context
        )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="(%(expressions)s)", arg_joiner=" ? ", **context
        )
