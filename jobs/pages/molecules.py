"""Every molecule that one's jobs were about, and all that was computed of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Max
from django.db.models.fields.json import KT
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jobs.models import Job, JobQuerySet
from jobs.states import JobState

from .drawings import Drawing, drawings
from .formats import plain, split_unit
from .listing import lean, rows
from .readers import own_jobs
from .strips import catalogued
from .tables import rows as told_rows

A_PAGE = 48
JOBS_SHOWN = 50
VALUES_FROM = 100
"""Of so many of the newest jobs the values are shown."""
NO_VALUES = {
    "method", "formula", "charge", "multiplicity", "converged", "notes", "task", "basis",
    "ensemble", "environment",
}  # fmt: skip
"""Of a summary: what says how, and not what came out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Molecule:
    inchikey: str
    smiles: str
    formula: str
    name: str
    n_jobs: int
    last: datetime
    drawing: Drawing | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A quantity of it that a job came to, and by which method."""

    label: str
    value: str
    unit: str
    method: str
    job: Job


@require_safe
@login_required
def molecule_list(request: HttpRequest) -> HttpResponse:
    page = _page(request.GET.get("page", ""))
    counted = list(_counted(own_jobs(request))[(page - 1) * A_PAGE : page * A_PAGE + 1])
    shown = molecules(own_jobs(request), counted[:A_PAGE])
    told = {
        "molecules": shown,
        "newer": page - 1,
        "older": page + 1 if len(counted) > A_PAGE else 0,
    }
    return render(request, "molecules/list.html", told)


@require_safe
@login_required
def molecule_detail(request: HttpRequest, inchikey: str) -> HttpResponse:
    mine = own_jobs(request).filter(inchikey=inchikey)
    found = molecules(mine, list(_counted(mine)[:1]))
    if not found:
        raise Http404("No job of yours was about this molecule.")
    jobs = lean(mine).newest_first()
    told = {
        "molecule": found[0],
        "rows": rows(list(jobs[:JOBS_SHOWN])),
        "values": values(list(jobs.filter(state=JobState.SUCCEEDED)[:VALUES_FROM])),
    }
    return render(request, "molecules/detail.html", told)


def molecules(mine: JobQuerySet, counted: Sequence[dict[str, Any]]) -> list[Molecule]:
    """Each as its newest job has it, all by one query and one look at what draws."""
    newest = mine.filter(
        inchikey__in=[row["inchikey"] for row in counted],
        created_at__in=[row["last"] for row in counted],
    ).annotate(smiles=KT("structure__smiles"))
    told: Any = newest.values("inchikey", "smiles", "formula", "name")
    known = {row["inchikey"]: row for row in told}
    drawn = drawings(row["smiles"] or "" for row in known.values())
    return [
        _molecule(row, known[row["inchikey"]], drawn) for row in counted if row["inchikey"] in known
    ]


def values(jobs: Sequence[Job]) -> list[Value]:
    """What its jobs came to, like beside like, the newest first."""
    found = [value for job in jobs for value in _values(job)]
    order = list(dict.fromkeys(value.label for value in found))
    return sorted(found, key=lambda value: order.index(value.label))


def _counted(mine: JobQuerySet) -> Any:
    """From an index alone."""
    known = mine.filter(inchikey__gt="").order_by().values("inchikey")
    return known.annotate(n=Count("pk"), last=Max("created_at")).order_by("-last", "inchikey")


def _molecule(row: dict[str, Any], known: dict[str, Any], drawn: dict[str, Drawing]) -> Molecule:
    smiles = known["smiles"] or ""
    return Molecule(
        inchikey=row["inchikey"],
        smiles=smiles,
        formula=known["formula"] or "",
        name=known["name"],
        n_jobs=row["n"],
        last=row["last"],
        drawing=drawn.get(smiles),
    )


def _values(job: Job) -> Iterator[Value]:
    summary = job.summary or {}
    simulation = catalogued(job.simulation)
    model = simulation.Result if simulation else None
    for name, value in summary.items():
        if name in NO_VALUES or isinstance(value, list | dict | bool) or value is None:
            continue
        known = told_rows({name: value}, model)
        if known:
            yield Value(
                label=known[0].label,
                value=plain(value, split_unit(name)[2]),
                unit=known[0].unit,
                method=str(summary.get("method") or job.title),
                job=job,
            )


def _page(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) < 7
    return max(int(text), 1) if is_number else 1
