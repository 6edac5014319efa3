"""The list of jobs: what the query string asks for, and one row per job."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.db.models.fields.json import KT
from django.http import QueryDict

import simulations
from jobs.models import Job, JobQuerySet
from jobs.states import Consent, JobState

from .formats import duration, number
from .status import LOOKS, ran_for_s, whereabouts

PAGE_SIZE = 50
AWAITING_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    job: Job
    title: str
    formula: str
    value: str
    unit: str
    where: str
    took: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page of the list, with the filters that made it."""

    rows: list[Row]
    older: str
    state: str
    simulation: str
    states: list[tuple[str, str]]
    simulations: list[tuple[str, str]]
    counts: dict[str, int]
    awaiting: list[Job]
    more_awaiting: bool

    @property
    def is_filtered(self) -> bool:
        return bool(self.state or self.simulation)

    @property
    def is_moving(self) -> bool:
        return any(not row.job.is_final for row in self.rows)


def listing(mine: JobQuerySet, query: QueryDict) -> Listing:
    """:param mine: the jobs that the reader may see."""
    known = {sim.name: sim for sim in simulations.all_simulations()}
    state = query.get("state", "") if query.get("state") in JobState.values else ""
    name = query.get("simulation", "")
    found = mine.select_related("owner").newest_first()
    if state:
        found = found.filter(state=state)
    if name:
        found = found.filter(simulation=name)
    if (batch := query.get("batch", "")) and (batch_id := _uuid(batch)):
        found = found.filter(batch=batch_id)
    # The large columns are for the job's own page.
    found = found.defer("params", "result", "structure", "notes")
    found = found.annotate(formula=KT("structure__formula"))
    jobs = list(_below(found, mine, query.get("below", ""))[: PAGE_SIZE + 1])
    page = jobs[:PAGE_SIZE]
    awaiting = _awaiting(mine)
    return Listing(
        rows=[_row(job, known.get(job.simulation)) for job in page],
        older=_link(query, below=str(page[-1].pk)) if len(jobs) > PAGE_SIZE else "",
        state=state,
        simulation=name,
        states=[(str(each), look.word) for each, look in LOOKS.items()],
        simulations=[(sim.name, sim.title) for sim in known.values()],
        counts=_counts(mine),
        awaiting=awaiting[:AWAITING_SHOWN],
        more_awaiting=len(awaiting) > AWAITING_SHOWN,
    )


def _awaiting(mine: JobQuerySet) -> list[Job]:
    """Those that wait for somebody's yes, the oldest first."""
    found = mine.unfinished(JobState.QUEUED).filter(consent=Consent.AWAITED)
    found = found.defer("params", "result", "structure", "notes")
    return list(found.order_by("created_at", "id")[: AWAITING_SHOWN + 1])


def _below(found: JobQuerySet, mine: JobQuerySet, mark: str) -> JobQuerySet:
    """What follows the job `mark` in the order of the list, however many came on top since."""
    try:
        last = mine.only("created_at").get(pk=UUID(mark))
    except (ValueError, Job.DoesNotExist):
        return found
    same_moment = Q(created_at=last.created_at, id__gt=last.pk)
    return found.filter(Q(created_at__lt=last.created_at) | same_moment)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _counts(mine: JobQuerySet) -> dict[str, int]:
    of_state: Iterable[Any] = mine.order_by().values_list("state").annotate(n=Count("pk"))
    return dict(of_state)


def _link(query: QueryDict, **changes: str) -> str:
    changed = query.copy()
    for name, value in changes.items():
        changed[name] = value
    return f"?{changed.urlencode()}"


def _row(job: Job, simulation: simulations.Simulation | None) -> Row:
    value, unit = _key_value(job, simulation)
    return Row(
        job=job,
        title=simulation.title if simulation else job.simulation,
        formula=getattr(job, "formula", None) or "",
        value=value,
        unit=unit,
        where=whereabouts(job),
        took=duration(ran_for_s(job)),
    )


def _key_value(job: Job, simulation: simulations.Simulation | None) -> tuple[str, str]:
    """The first readout that the job has a number for."""
    for readout in simulation.readouts if simulation else ():
        if readout.key in job.metrics:
            text = number(job.metrics[readout.key], readout.form, readout.digits)
            return text, readout.unit
    return "", ""
