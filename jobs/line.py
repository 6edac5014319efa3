"""The line: which jobs may start, in which order, and what is asked of that all the time.

What each request and each worker asks is put into SQL once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from . import spending
from .abilities import Ability
from .models import Allowance, Job
from .prepared import Example, Prepared, PreparedModel
from .states import MAY_START, JobState, Priority

UNLIMITED = 2**31 - 1
NEXT_FIRST = ("-priority", "queued_at", "id")


@dataclass(frozen=True, slots=True)
class AsOf:
    """A moment and what follows from it.

    :param longest: no job is to wait until after that.
    """

    now: datetime
    longest: datetime
    today: date

    @classmethod
    def current(cls) -> AsOf:
        now = timezone.now()
        longest = now + timedelta(seconds=settings.JOB_RETRY_MAX_DELAY_S)
        return cls(now, longest, now.date())

    def values(self) -> dict[str, Any]:
        return {"now": self.now, "longest": self.longest, "today": self.today}


def due(at: AsOf) -> Q:
    """Jobs that have no pause before their next attempt, or none any more.

    One that is to wait for longer than any does is from before the clock was set back.
    """
    return Q(not_before=None) | Q(not_before__lte=at.now) | Q(not_before__gt=at.longest)


def pause_of(job: Job) -> datetime | None:
    """Until when it waits before its next attempt; None: it does not, as `due` has it."""
    at = AsOf.current()
    pauses = job.not_before is not None and at.now < job.not_before <= at.longest
    return job.not_before if pauses else None


def waiting(
    backend: str,
    *,
    queue: str | None = None,
    able: Ability | None = None,
    as_of: AsOf | None = None,
) -> QuerySet[Job]:
    """The queued jobs whose time has come, and that their key and their owner let start.

    :param queue: only those of this one.
    :param able: only those that such a worker can serve.
    """
    at = as_of or AsOf.current()
    line = Job.objects.unfinished(JobState.QUEUED).filter(due(at), backend=backend)
    if queue is not None:
        line = line.filter(queue=queue)
    if able is not None:
        line = line.filter(able.may_take())
    return line.filter(consent__in=MAY_START).exclude(key__in=spending.held_keys(at.now, at.today))


def owner_by_owner(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """The same jobs, of everybody, read from the index of the line, which is by owner first.

    SQLite, which has not counted, would else look at the row of each.
    """
    return jobs.filter(owner__in=get_user_model().objects.order_by().values("pk"))


def users_in_turn(line: QuerySet[Job]) -> QuerySet[Allowance]:
    """Who has the fewest running comes first, then who was not served for longest.

    Whoever has an urgent job goes before all; who has as many running as they may is passed over.
    """
    mine = line.filter(owner=OuterRef("user"))
    running = (
        Job.objects.unfinished(JobState.RUNNING)
        .filter(owner=OuterRef("user"))
        .values("owner")
        .annotate(n=Count("pk"))
        .values("n")
    )
    return (
        Allowance.objects.filter(Exists(mine))
        .annotate(
            n_running=Coalesce(Subquery(running), 0),
            is_urgent=Exists(mine.filter(priority=Priority.URGENT)),
            room=Coalesce(F("max_running"), Value(default_max_running())),
        )
        .filter(n_running__lt=F("room"))
        .order_by("-is_urgent", "n_running", F("served_at").asc(nulls_first=True), "pk")
    )


def default_max_running() -> int:
    return settings.JOB_MAX_RUNNING_PER_USER or UNLIMITED


def _waiting_by_owner(backend: str, **as_of: Any) -> QuerySet[Any, Any]:
    line = owner_by_owner(waiting(backend, as_of=AsOf(**as_of))).order_by()
    return line.values("owner").annotate(n=Count("pk")).values_list("owner", "n")


def _above(backend: str, owner: int, priority: int, **as_of: Any) -> QuerySet[Any, Any]:
    return _n_of(owner, waiting(backend, as_of=AsOf(**as_of)).filter(priority__gt=priority))


def _before(
    backend: str, owner: int, priority: int, queued_at: datetime, id: UUID, **as_of: Any
) -> QuerySet[Any, Any]:
    line = waiting(backend, as_of=AsOf(**as_of)).filter(priority=priority, queued_at__lte=queued_at)
    return _n_of(owner, line.filter(Q(queued_at__lt=queued_at) | Q(id__lt=id)))


def _n_of(owner: int, line: QuerySet[Job]) -> QuerySet[Any, Any]:
    found = line.filter(owner=owner).order_by()
    return found.values("owner").annotate(n=Count("pk")).values_list("n")


def _of_owner(owner: int, state: str) -> QuerySet[Any, Any]:
    found = Job.objects.unfinished(state).filter(owner=owner).order_by()
    return found.values("owner").annotate(n=Count("pk")).values_list("owner", "n")


def _unfinished_of(owner: int) -> QuerySet[Any, Any]:
    found = Job.objects.filter(owner=owner, finished_at=None).order_by()
    return found.values("state").annotate(n=Count("pk")).values_list("state", "n")


OF_OWNER = Prepared(_of_owner, owner=Example.NUMBER, state=Example.WORD)
UNFINISHED = Prepared(_unfinished_of, owner=Example.NUMBER)
ALLOWED = Prepared(
    lambda owner: Allowance.objects.filter(user=owner).values_list("user", "max_running"),
    owner=Example.NUMBER,
)
LOCKED = PreparedModel(
    lambda user: Allowance.objects.select_for_update().filter(user=user), user=Example.NUMBER
)
AN_AS_OF = {"now": Example.MOMENTS[0], "longest": Example.MOMENTS[1], "today": Example.DAY}
WAITING = Prepared(_waiting_by_owner, backend=Example.BACKEND, **AN_AS_OF)
_A_JOB: dict[str, Any] = {
    "backend": Example.BACKEND, "owner": Example.NUMBER, "priority": Example.OTHER_NUMBER,
}  # fmt: skip
# What goes before a job, in two: by one condition for both a database goes through all that wait.
ABOVE = Prepared(_above, **_A_JOB, **AN_AS_OF)
BEFORE = Prepared(_before, **_A_JOB, queued_at=Example.MOMENTS[2], id=Example.ID, **AN_AS_OF)


@lru_cache(maxsize=100)
def users(backend: str, able: Ability | None, max_running: int) -> Prepared:
    """:param max_running: of who has no allowance of their own; another one, another query."""

    def make(**as_of: Any) -> QuerySet[Any, Any]:
        line = waiting(backend, able=able, as_of=AsOf(**as_of))
        return users_in_turn(line).values_list("pk")[:1]

    return Prepared(make, **AN_AS_OF)


@lru_cache(maxsize=100)
def lines_of(
    backend: str, able: Ability | None = None, *, column: str = "pk", most: int = 1
) -> Prepared:
    """What goes first of one owner, of each job this column."""

    def make(owner: int, **as_of: Any) -> QuerySet[Any, Any]:
        line = waiting(backend, able=able, as_of=AsOf(**as_of)).filter(owner=owner)
        return line.order_by(*NEXT_FIRST).values_list(column)[:most]

    return Prepared(make, owner=Example.NUMBER, **AN_AS_OF)
