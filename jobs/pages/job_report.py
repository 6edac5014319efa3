"""One page of a job to print: figures as SVG, tables, how a paper tells it, whom it cites."""

from __future__ import annotations

from dataclasses import fields
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

import simulations
from jobs import events
from jobs.models import Job
from simulations.record.bibtex import bibtex
from simulations.record.citations import Reference

from . import copying
from .chart import Chart, drawn, series_of
from .drawings import Drawing, drawings
from .readers import job_of, part_of
from .record import provenance_rows
from .result_tables import result_tables
from .snapshot import thinned
from .status import ran_for_s
from .strips import catalogued
from .tables import rows

OF_A_REFERENCE = {each.name for each in fields(Reference)}


@require_safe
@login_required
def job_report(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job = job_of(request, job_id)
    simulation = catalogued(job.simulation)
    result = {name: value for name, value in (job.result or {}).items() if value is not None}
    Result = simulation.Result if simulation else None
    methods = job.methods if job.methods and job.methods["text"] else None
    return part_of(
        request,
        job,
        "report",
        made_at=timezone.now(),
        address=request.build_absolute_uri(reverse("jobs:detail", args=[job.pk])),
        ran_for_s=ran_for_s(job),
        charts=charts(job, simulation),
        drawing=_drawing(job),
        inputs=rows(job.params, simulation.Params if simulation else None),
        results=rows(result, Result),
        tables=result_tables(result, Result),
        methods=methods,
        bibtex=bibtex_of(methods) if methods else "",
        record=provenance_rows(job.provenance),
        copies=copying.of_results(request, [job]),
    )


def _drawing(job: Job) -> Drawing | None:
    """Of the one molecule that it is about."""
    smiles = str((job.structure or {}).get("smiles") or "")
    return drawings([smiles]).get(smiles)


def charts(job: Job, simulation: simulations.Simulation | None) -> list[Chart]:
    """Those figures for which something was reported."""
    plots = simulation.plots if simulation else ()
    if not plots:
        return []
    points = thinned(list(events.points(job)), [plot.y for plot in plots])
    found = (drawn(plot, [(1, "", series_of(points, plot))]) for plot in plots)
    return [chart for chart in found if chart]


def bibtex_of(methods: dict[str, Any]) -> str:
    return bibtex(
        Reference(**{name: each[name] for name in OF_A_REFERENCE}) for each in methods["references"]
    )
