"""The first page: what runs or waits, what needs somebody, what has ended since the last look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

import simulations
from jobs import moments
from jobs.line import NEXT_FIRST
from jobs.models import Job, JobQuerySet
from jobs.states import Consent, JobState, Reason

from . import copying
from .listing import Row, lean, rows
from .queue import n_workers as _n_workers
from .strips import catalogued

SHOWN = 10
QUICK = (
    "xtb_optimization",
    "dft_single_point",
    "dft_optimization",
    "xtb_frequencies",
    "dft_frequencies",
    "conformer_search",
    "md_simulation",
)
"""What is asked of a molecule, the quick before the slow."""
SEEN = "today_seen_at"
LONGEST = timedelta(days=7)
"""Whoever has not looked for longer is told of the last days alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """:param n: how many there are, of which the first are shown."""

    rows: list[Row]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """:param n_workers: None: the queue cannot be asked."""

    n_workers: int | None
    n_running: int
    n_queued: int


def today(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return render(request, "jobs/today_signed_out.html")
    since = _since(request)
    mine = Job.objects.filter(owner=request.user)
    blocks = _blocks(mine, since)
    told = {
        **blocks,
        "is_own": True,
        "since": since,
        "since_text": moments.written(since),
        "has_seen": SEEN in request.session,
        "site": _site(),
        "is_new_here": not any(each.rows for each in blocks.values()) and not mine.exists(),
        "quick": quick(),
        "snippets": copying.of_inbox(request),
        "newest": mine.newest_first().values_list("pk", flat=True).first() or "",
    }
    return render(request, "jobs/today.html", told)


@login_required
@require_POST
def today_seen(request: HttpRequest) -> HttpResponse:
    """From now on only what ends later is told. Kept in the session: of this browser."""
    request.session[SEEN] = timezone.now().isoformat()
    return redirect("home")


def _since(request: HttpRequest) -> datetime:
    earliest = timezone.now() - LONGEST
    seen = request.session.get(SEEN)
    return max(datetime.fromisoformat(seen), earliest) if seen else earliest


def _blocks(mine: JobQuerySet, since: datetime) -> dict[str, Block]:
    """Six queries for the jobs, and one for what all their strip charts show."""
    running = mine.unfinished(JobState.RUNNING)
    # One by one: for both at once SQLite would go through all that they have.
    held_up = _first(running.filter(reason=Reason.UNCONFIRMED)) + _first(mine.awaiting_approval())
    queued = mine.unfinished(JobState.QUEUED)
    ended = mine.filter(finished_at__gte=since)
    found = {
        "running": _first(running.exclude(reason=Reason.UNCONFIRMED)),
        "waiting": _in_line(queued.exclude(consent=Consent.AWAITED)),
        "attention": held_up + _first(ended.filter(state=JobState.FAILED)),
        "finished": _first(ended.filter(state=JobState.SUCCEEDED)),
    }
    drawn = iter(rows([job for some in found.values() for job in some[:SHOWN]]))
    return {
        name: Block(rows=list(islice(drawn, min(len(some), SHOWN))), more=len(some) > SHOWN)
        for name, some in found.items()
    }


def _first(jobs: JobQuerySet) -> list[Job]:
    return list(lean(jobs).newest_first()[: SHOWN + 1])


def _in_line(jobs: JobQuerySet) -> list[Job]:
    """As their owner's start: who waits looks for what is next."""
    return list(lean(jobs).order_by(*NEXT_FIRST)[: SHOWN + 1])


def _site() -> Site:
    """Of everybody, for that is whom a job waits behind."""
    unfinished = Job.objects.filter(finished_at=None)
    counted: dict[str, Any] = unfinished.aggregate(
        n_running=Count("state", Q(state=JobState.RUNNING)),
        n_queued=Count("state", Q(state=JobState.QUEUED)),
    )
    return Site(n_workers=_n_workers(), **counted)


def quick() -> list[simulations.Simulation]:
    """What can be computed of a molecule that is typed into one box."""
    known = [sim for name in QUICK if (sim := catalogued(name))]
    return [each for each in known if each.available]
