"""Whose turn it is, and how long the line is. It only reads: the lifecycle does the taking.

The queue carries tickets, not an order: a worker that draws one asks here which job is next. So a
long campaign of one user does not keep the others waiting, and a priority counts from the moment
it is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, QuerySet, prefetch_related_objects
from django.utils import timezone

from . import census, fleet, maintenance, rows, spending
from .abilities import Ability, why_nobody
from .key_models import ApiKey
from .line import (
    ABOVE,
    ALLOWED,
    BEFORE,
    LOCKED,
    OF_OWNER,
    UNFINISHED,
    UNLIMITED,
    AsOf,
    default_max_running,
    lines_of,
    owner_by_owner,
    pause_of,
    users,
    users_in_turn,
    waiting,
)
from .models import Allowance, Job
from .prepared import as_id
from .states import JobState, Reason

OWN_WORKERS = fleet.OWN
BULK = ("params", "structure", "notes", "estimate")
"""Not needed to tell whose turn it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why a queued job waits, in a word and in a sentence, and where it is in line, if it is."""

    reason: str
    text: str
    standing: Standing | None = None

    @property
    def place(self) -> int | None:
        return self.standing.place if self.standing else None

    def told(self) -> dict[str, Any]:
        return {"reason": self.reason, "text": self.text, "place": self.place}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """About the how-manieth a job is to start, and how many of its owner's go before it."""

    place: int
    own_ahead: int

    @property
    def text(self) -> str:
        if self.place == 1:
            return "next in line"
        is_teen = self.place % 100 in (11, 12, 13)
        ending = {1: "st", 2: "nd", 3: "rd"}.get(0 if is_teen else self.place % 10, "th")
        return f"about {self.place:,}{ending} in line"


def next_allowance(backend: str, able: Ability | None = None) -> Allowance | None:
    """The user whose turn it is; their row is locked until the transaction ends.

    Nobody's while the site is under maintenance. Two workers wait for each other here, for some
    milliseconds: to skip a locked row would give the second the turn of a user who comes later, and
    nobody's where only one user has jobs.
    """
    if maintenance.is_on():
        return None
    owner = _next_owner(backend, able)
    # Whether they still have room, and a job, is asked again by who holds their row.
    return next(iter(LOCKED.all(user=owner)), None) if owner else None


def is_any_in_turn(backend: str, queue: str) -> bool:
    """Whether some worker, not necessarily the one that asks, could start a job of that queue."""
    return not maintenance.is_on() and users_in_turn(waiting(backend, queue=queue)).exists()


def has_room(allowance: Allowance) -> bool:
    """Whether the user may have one more running. Ask again once their row is locked."""
    return n_running(allowance.user_id) < max_running(allowance)


def next_job(owner_id: int, backend: str, able: Ability | None = None) -> Job | None:
    """The owner's next: by priority, then by age."""
    job_id = _next_job_id(owner_id, backend, able)
    with suppress(Job.DoesNotExist):
        return rows.of_job(job_id) if job_id else None
    return None


def _next_owner(backend: str, able: Ability | None) -> int | None:
    if able is not None and able.can_nothing:
        return None  # it can do nothing, and there is no question to ask
    found = users(backend, able, default_max_running()).rows(**AsOf.current().values())
    return int(found[0][0]) if found else None


def _next_job_id(owner: int, backend: str, able: Ability | None) -> Any:
    """Of an owner whose turn it is."""
    found = lines_of(backend, able).rows(owner=owner, **AsOf.current().values())
    return found[0][0] if found else None


def n_startable(backend: str, queued_before: datetime, queue: str | None = None) -> int:
    """How many jobs free workers could start now; nobody's over their limit."""
    if maintenance.is_on():
        return 0
    line = owner_by_owner(waiting(backend, queue=queue).exclude(just_queued(queued_before)))
    counted = line.order_by().values("owner", "key").annotate(n=Count("pk"))
    per_owner: Counter[int] = Counter()
    for owner, key, n in counted.values_list("owner", "key", "n"):
        per_owner[owner] += min(n, _room_of_key(key))
    running, allowed = _n_running_each(per_owner), _max_running_each(per_owner)
    return sum(min(n, max(allowed[who] - running[who], 0)) for who, n in per_owner.items())


def startable(
    backend: str, queued_before: datetime, limit: int, queue: str | None = None
) -> list[Job]:
    """So many of them, oldest first."""
    line = waiting(backend, queue=queue).exclude(just_queued(queued_before))
    jobs = line.order_by("queued_at", "id")
    return with_room(jobs.defer(*BULK), limit, of_owner=_room_of, of_key=_room_of_key)


def with_room(
    line: QuerySet[Job],
    limit: int,
    *,
    of_owner: Callable[[int], int],
    of_key: Callable[[Any], int],
) -> list[Job]:
    """The first so many of a line, of each owner and each key no more than there is room for."""
    room, room_of_key = cache(of_owner), cache(of_key)
    taken: Counter[Any] = Counter()
    found: list[Job] = []
    for job in line.iterator(chunk_size=200):
        owner, key = ("owner", job.owner_id), ("key", job.key_id)
        if taken[owner] < room(job.owner_id) and taken[key] < room_of_key(job.key_id):
            taken.update([owner, key])
            found.append(job)
        if len(found) >= limit:
            break
    return found


def just_queued(after: datetime) -> Q:
    """Since then, and by now: what was queued in the future is from before a clock was set back."""
    return Q(queued_at__range=(after, timezone.now()))


def explain(job: Job) -> Waiting | None:
    """Why the job waits, told as of now. None: it does not wait."""
    return explain_each([job]).get(job.pk)


def explain_each(jobs: Iterable[Job]) -> dict[UUID, Waiting]:
    """Why each of those that wait does, by as many queries for a hundred as for one."""
    queued = [job for job in jobs if job.state == JobState.QUEUED]
    told = {job.pk: why for job in queued if (why := _why_by_itself(job))}
    due = [job for job in queued if job.pk not in told]
    if due and (now := maintenance.told().resting):
        held_up = Waiting(reason=str(Reason.MAINTENANCE), text=maintenance.sentence(now))
        return told | dict.fromkeys((job.pk for job in due), held_up)
    by_key = [job for job in due if job.key_id]
    if len(by_key) > 1:
        prefetch_related_objects(by_key, "key")  # unless they are there already
    held = spending.why_held_each({job.key for job in by_key if job.key})
    for job in due:
        if job.key_id in held:
            told[job.pk] = Waiting(reason=str(Reason.BUDGET), text=held[job.key_id])
    return told | _why_in_line([job for job in due if job.pk not in told])


def _why_by_itself(job: Job) -> Waiting | None:
    """What keeps it out of the line altogether."""
    if job.awaits_approval:
        awaited = Reason.AWAITING_APPROVAL
        return Waiting(reason=str(awaited), text=str(awaited.label))
    if job.reason == Reason.QUEUE_UNREACHABLE:
        return Waiting(reason=str(job.reason), text=str(Reason.QUEUE_UNREACHABLE.label))
    if job.reason == Reason.SCHEDULER:
        return Waiting(reason=str(job.reason), text=job.message or str(Reason.SCHEDULER.label))
    if until := pause_of(job):
        text = f"Waiting until {until:%H:%M:%S} UTC before attempt {job.attempt}"
        return Waiting(reason=str(Reason.BACKING_OFF), text=text)
    return None


def _why_in_line(jobs: Sequence[Job]) -> dict[UUID, Waiting]:
    if not jobs:
        return {}
    owners = {job.owner_id for job in jobs}
    allowed = _max_running_each(owners)
    running = _n_running_each({owner for owner in owners if allowed[owner] < UNLIMITED})
    standing = standings(jobs)
    told = nobody_can_run(jobs)
    for job in jobs:
        if job.pk in told:
            continue
        # Not there if it left the line while we looked.
        stands = standing.get(job.pk)
        n, most = running[job.owner_id], allowed[job.owner_id]
        if n >= most:
            reason, text = Reason.QUOTA, f"{n} of the owner's jobs run, the most that may at once"
        else:
            reason = Reason(job.reason or Reason.NO_FREE_WORKER)
            # The pause is over.
            reason = Reason.NO_FREE_WORKER if reason is Reason.BACKING_OFF else reason
            text = why_in_line(reason, stands)
        told[job.pk] = Waiting(reason=str(reason), text=text, standing=stands)
    return told


def why_in_line(reason: Reason, stands: Standing | None) -> str:
    """`Waiting for a worker, about 3rd in line`: in the same words wherever it is told."""
    return f"{reason.label}, {stands.text}" if stands else str(reason.label)


def nobody_can_run(jobs: Iterable[Job]) -> dict[UUID, Waiting]:
    """Those that are in line for a worker of the site's own, and for none that is there."""
    ours = [job for job in jobs if job.backend == OWN_WORKERS]
    there = fleet.known() if ours else None
    told = {}
    for job in ours if there else []:
        if why := why_nobody(job, there or []):
            told[job.pk] = Waiting(reason=str(Reason.NO_ABLE_WORKER), text=why)
    return told


def place(job: Job) -> int:
    """About the how-manieth to start: behind the owner's own, and as many of each other user."""
    return standing_of(job).place


def standing_of(job: Job) -> Standing:
    """Where it is in line, or would be: it need not be stored."""
    line = census.line_of(job.backend)
    return _standing(job.owner_id, n_ahead_of(job, line), line.n_waiting)


def standings(jobs: Sequence[Job]) -> dict[UUID, Standing]:
    """Where each is in line; one that is in no line is left out."""
    if len(jobs) == 1:
        return {jobs[0].pk: standing_of(jobs[0])}
    found = {}
    for backend in {job.backend for job in jobs}:
        some = [job for job in jobs if job.backend == backend]
        line = census.line_of(backend)
        is_of_few = line.is_long or len({job.owner_id for job in some}) == 1
        ahead = _ahead_by_owner(line, some) if is_of_few else _ahead_in_all(backend, some)
        for job in some:
            if (n := ahead.get(job.pk)) is not None:
                found[job.pk] = _standing(job.owner_id, n, line.n_waiting)
    return found


def _ahead_in_all(backend: str, jobs: Sequence[Job]) -> dict[UUID, int]:
    """How many of its owner's go before each, by one query."""
    line = census.numbered(waiting(backend).filter(owner__in={job.owner_id for job in jobs}))
    # Said in one breath, or only these would be numbered, and not all that wait with them.
    asked = line.filter(Q(pk__in=[job.pk for job in jobs]) | Q(number__lt=1))
    return {job_id: number - 1 for job_id, number in asked.values_list("pk", "number")}


def _ahead_by_owner(line: census.Line, jobs: Sequence[Job]) -> dict[UUID, int]:
    """The same, by a query for each owner of one that is far ahead, which is composed once."""
    found = {job.pk: n for job in jobs if (n := line.about_ahead(job)) is not None}
    near = [job for job in jobs if job.pk not in found]
    for owner, backend in {(job.owner_id, job.backend) for job in near}:
        first = first_of(backend, owner, "pk", 2 * census.LONG)
        counted = {as_id(job_id): n for n, job_id in enumerate(first)}
        found |= {job.pk: counted[job.pk] for job in near if job.pk in counted}
    # Thousands of theirs have come since the line was looked through.
    missed = [job for job in near if job.pk not in found] if line.is_long else []
    return found | (_ahead_in_all(missed[0].backend, missed) if missed else {})


def first_of(backend: str, owner_id: int, column: str, most: int) -> list[Any]:
    """Of what goes first of an owner this column, as the driver gives it."""
    asked = lines_of(backend, column=column, most=most)
    return [value for (value,) in asked.rows(owner=owner_id, **AsOf.current().values())]


def _standing(owner_id: int, own_ahead: int, n_waiting: Mapping[int, int]) -> Standing:
    others = (n for owner, n in n_waiting.items() if owner != owner_id)
    place = own_ahead + 1 + sum(min(n, own_ahead + 1) for n in others)
    return Standing(place=place, own_ahead=own_ahead)


def n_ahead_of(job: Job, line: census.Line | None = None) -> int:
    """How many of the owner's own jobs go before it; about how many, where thousands do."""
    about = (line or census.line_of(job.backend)).about_ahead(job)
    return _n_ahead_of(job) if about is None else about


def _n_ahead_of(job: Job) -> int:
    asked = {"backend": job.backend, "owner": job.owner_id, "priority": int(job.priority)}
    asked |= AsOf.current().values()
    found = ABOVE.rows(**asked) + BEFORE.rows(queued_at=job.queued_at, id=job.pk, **asked)
    return sum(n for (n,) in found)


def n_running(owner_id: int) -> int:
    return sum(n for _, n in OF_OWNER.rows(owner=owner_id, state=str(JobState.RUNNING)))


def n_queued(owner_id: int) -> int:
    return sum(n for _, n in OF_OWNER.rows(owner=owner_id, state=str(JobState.QUEUED)))


def n_unfinished(owner_id: int) -> Counter[str]:
    """How many wait and how many run, at one moment: what is put back in line is in one of them."""
    return Counter(dict(UNFINISHED.rows(owner=owner_id)))


def max_running_of(owner_id: int) -> int:
    return _max_running_each({owner_id})[owner_id]


def max_running(allowance: Allowance) -> int:
    own = allowance.max_running
    return default_max_running() if own is None else own


def max_queued(allowance: Allowance) -> int:
    own = allowance.max_queued
    limit: int = settings.JOB_MAX_QUEUED_PER_USER if own is None else own
    return limit


def _n_running_each(owner_ids: Collection[int]) -> Counter[int]:
    if len(owner_ids) <= 1:
        return Counter({owner: n_running(owner) for owner in owner_ids})
    running = Job.objects.unfinished(JobState.RUNNING).filter(owner__in=owner_ids)
    counted = running.order_by().values("owner").annotate(n=Count("pk"))
    return Counter(dict(counted.values_list("owner", "n")))


def _max_running_each(owner_ids: Collection[int]) -> dict[int, int]:
    if len(owner_ids) == 1:
        own = dict(ALLOWED.rows(owner=next(iter(owner_ids))))
    else:
        allowed = Allowance.objects.filter(user__in=owner_ids)
        own = dict(allowed.values_list("user", "max_running"))
    found = {owner: most for owner, most in own.items() if most is not None}
    return {owner: found.get(owner, default_max_running()) for owner in owner_ids}


def _room_of(owner_id: int) -> int:
    return max_running_of(owner_id) - n_running(owner_id)


def _room_of_key(key_id: Any) -> int:
    key = ApiKey.objects.filter(pk=key_id).first() if key_id else None
    room = spending.room(key) if key else None
    return UNLIMITED if room is None else room
