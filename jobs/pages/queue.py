"""`/queue/`: why is my job waiting. Of the jobs of others only how many there are is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError
from rq import Worker

from jobs import fleet, turns
from jobs.finding import Wanted
from jobs.models import Allowance, Job
from jobs.outlook import Outlook
from jobs.states import JobState

from . import copying
from .forecast import about, between
from .listing import lean
from .readers import own_jobs
from .strips import title_of

MINE_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """All that wait or run of one simulation."""

    title: str
    running: int
    waiting: int
    mine: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """A job of the reader's that waits.

    :param starts: when, in words; empty where history tells nothing.
    """

    job: Job
    why: str
    place: int | None
    starts: str
    range: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What the reader has of what they may have; `most` None: no limit but the workers."""

    running: int
    most_running: int | None
    queued: int
    most_queued: int


@require_safe
@login_required
def queue(request: HttpRequest) -> HttpResponse:
    classes = by_class(request.user)
    mine = own_jobs(request).unfinished(JobState.QUEUED)
    waiting = list(lean(mine).order_by("-priority", "queued_at", "id")[: MINE_SHOWN + 1])
    told = {
        "n_workers": n_workers(),
        "n_running": sum(each.running for each in classes),
        "n_waiting": sum(each.waiting for each in classes),
        "classes": classes,
        "mine": in_line(waiting[:MINE_SHOWN]),
        "more_mine": len(waiting) > MINE_SHOWN,
        "share": share_of(request.user),
        "copies": copying.of_list(request, Wanted(states=[JobState.QUEUED, JobState.RUNNING])),
    }
    return render(request, "jobs/queue.html", told)


def by_class(user: Any) -> list[Class]:
    """By one query, however long the queue is."""
    unfinished = Job.objects.filter(finished_at=None).order_by()
    # First by owner and state, as the index of the line has it, which has all that is asked for.
    counted: Any = unfinished.values("owner", "state", "simulation").annotate(
        n=Count("*"), since=Min("queued_at")
    )
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in counted:
        groups.setdefault(row["simulation"], []).append(row)
    classes = [_class(title_of(name), some, user) for name, some in sorted(groups.items())]
    return sorted(classes, key=lambda each: -each.waiting)


def _class(title: str, groups: Sequence[dict[str, Any]], user: Any) -> Class:
    """:param groups: by owner and state."""
    waiting = [each for each in groups if each["state"] == JobState.QUEUED]
    return Class(
        title=title,
        running=sum(each["n"] for each in groups if each["state"] == JobState.RUNNING),
        waiting=sum(each["n"] for each in waiting),
        mine=sum(each["n"] for each in waiting if each["owner"] == user.pk),
        oldest=min((each["since"] for each in waiting), default=None),
    )


def in_line(jobs: Sequence[Job]) -> list[Mine]:
    """Looked at together: as many queries for twenty as for one."""
    outlook = Outlook(jobs)
    return [_mine(job, outlook) for job in jobs]


def share_of(user: Any) -> Share:
    allowance = Allowance.objects.filter(user=user).first() or Allowance(user=user)
    most = turns.max_running(allowance)
    return Share(
        running=turns.n_running(user.pk),
        most_running=None if most >= turns.UNLIMITED else most,
        queued=turns.n_queued(user.pk),
        most_queued=turns.max_queued(allowance),
    )


def n_workers() -> int | None:
    """None: the queue cannot be asked."""
    try:
        return Worker.count(connection=fleet.redis())
    except (RedisError, OSError):
        return None


def _mine(job: Job, outlook: Outlook) -> Mine:
    waits = outlook.why(job)
    starts = outlook.starts_in_s(job)
    return Mine(
        job=job,
        why=waits.text if waits else "It has just left the line",
        place=waits.place if waits else None,
        starts=about(starts["p50"]) if starts else "",
        range=between(starts["p10"], starts["p90"]) if starts else "",
    )
