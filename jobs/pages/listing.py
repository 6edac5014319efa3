"""The list of jobs: what the query string asks for, and one row per job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.http import QueryDict

import simulations
from jobs import turns
from jobs.finding import Mark, matching
from jobs.models import Job, JobQuerySet
from jobs.states import JobState, Reason

from .filters import MOST_COUNTED, SPANS, Condition, Filters, filters, found_without, link
from .formats import duration, number
from .status import LOOKS, ran_for_s, whereabouts
from .strips import Strip, catalogued, live_readouts, strips

PAGE_SIZE = 50
AWAITING_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    job: Job
    title: str
    strip: Strip | None
    value: str
    unit: str
    where: str
    took: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page of the list, with the filters that made it.

    :param hidden: where the filters leave nothing, what there would be without each.
    """

    rows: list[Row]
    older: str
    newest: str
    asked: Filters
    states: list[tuple[str, str]]
    simulations: list[tuple[str, str]]
    spans: list[tuple[str, str]]
    counts: dict[str, int]
    awaiting: list[Job]
    more_awaiting: bool
    hidden: list[tuple[Condition, str]]

    @property
    def is_filtered(self) -> bool:
        return bool(self.asked.conditions)

    @property
    def is_top(self) -> bool:
        """Whether a job that is submitted now would stand on this page."""
        return not self.newest


def listing(mine: JobQuerySet, query: QueryDict, *, sees_all: bool = False) -> Listing:
    """:param mine: the jobs that the reader may see.
    :param sees_all: whether these are everybody's.
    """
    asked = filters(query, sees_all=sees_all)
    found = lean(matching(mine, asked.wanted), with_owner=sees_all).newest_first()
    mark = _mark(query.get("cursor", ""))
    jobs = list((mark.following(found) if mark else found)[: PAGE_SIZE + 1])
    page = jobs[:PAGE_SIZE]
    is_last = len(jobs) <= PAGE_SIZE
    awaiting = _awaiting(mine)
    return Listing(
        rows=rows(page),
        older="" if is_last else link(query, cursor=Mark.at(page[-1]).written()),
        newest=link(query) if mark else "",
        asked=asked,
        states=asked.options("state", [(str(each), look.word) for each, look in LOOKS.items()]),
        simulations=asked.options(
            "simulation", [(sim.name, sim.title) for sim in simulations.all_simulations()]
        ),
        spans=[(name, words) for name, (words, _) in SPANS.items()],
        counts=counts(mine),
        awaiting=awaiting[:AWAITING_SHOWN],
        more_awaiting=len(awaiting) > AWAITING_SHOWN,
        hidden=[] if page else [(each, _many(n)) for each, n in found_without(mine, asked)],
    )


def lean(jobs: JobQuerySet, *, with_owner: bool = False) -> JobQuerySet:
    """What a row needs; the large columns are for the job's own page.

    :param with_owner: not of one's own: SQLite sorts all the jobs there are to join them to one.
    """
    found = jobs.defer("params", "result", "structure", "notes")
    return found.select_related("owner") if with_owner else found


def rows(jobs: Sequence[Job]) -> list[Row]:
    """By as many queries for fifty jobs as for one."""
    drawn, waiting = strips(jobs), _in_line(jobs)
    return [_row(job, drawn.get(job.pk), waiting.get(job.pk, "")) for job in jobs]


def _in_line(jobs: Sequence[Job]) -> dict[UUID, str]:
    """Why each of those that wait does, and when its turn is, as its own page has it."""
    waiting = [job for job in jobs if job.state == JobState.QUEUED and not job.is_cancelling]
    return {pk: _in_a_row(why) for pk, why in turns.explain_each(waiting).items()}


def _in_a_row(why: turns.Waiting) -> str:
    """What operators say of the maintenance is told once, above all of them."""
    resting = Reason.MAINTENANCE
    return str(resting.label) if why.reason == resting else why.text


def _awaiting(mine: JobQuerySet) -> list[Job]:
    """Those that wait for somebody's yes, the oldest first."""
    # Until then they were queued when they were made: so the index of what waits has them.
    return list(lean(mine.awaiting_approval()).order_by("queued_at", "-id")[: AWAITING_SHOWN + 1])


def _mark(cursor: str) -> Mark | None:
    """None: the list begins with its newest, as it does for a cursor that nobody gave out."""
    try:
        return Mark.read(cursor) if cursor else None
    except (ValueError, OverflowError):
        return None


def counts(mine: JobQuerySet) -> dict[str, int]:
    """Of what has not ended: what has would be a look at every job that there ever was."""
    unfinished: Any = mine.filter(finished_at=None).order_by().values_list("state")
    return Counter(dict(unfinished.annotate(n=Count("*"))))


def _many(n: int) -> str:
    if n > MOST_COUNTED:
        return f"more than {MOST_COUNTED:,} jobs"
    return f"{n:,} job{'' if n == 1 else 's'}" if n else "none either"


def _row(job: Job, strip: Strip | None, place: str) -> Row:
    simulation = catalogued(job.simulation)
    value, unit = _key_value(job, simulation)
    return Row(
        job=job,
        title=simulation.title if simulation else job.simulation,
        strip=strip,
        value=value,
        unit=unit,
        where=place or whereabouts(job),
        took=duration(ran_for_s(job)),
    )


def _key_value(job: Job, simulation: simulations.Simulation | None) -> tuple[str, str]:
    """The newest of what its strip chart shows, or else the first readout that has a number: as the
    result has it, once there is one."""
    known = {**job.metrics, **(job.summary or {})}
    shown = simulation.readouts if simulation else ()
    for readout in [*live_readouts(simulation), *shown]:
        if readout.key in known:
            return number(known[readout.key], readout.form, readout.digits), readout.unit
    return "", ""
