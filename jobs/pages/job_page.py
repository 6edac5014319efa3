"""Everything that the page of one job shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

import simulations
from jobs import lifecycle
from jobs.models import Job
from jobs.outlook import Outlook
from jobs.states import JobState

from .figures import ResultFigure, figures_of
from .forecast import REMAINING, Forecast, about, forecast, left
from .formats import number
from .limits import on_restart
from .rail import rail
from .record import provenance_rows
from .snapshot import log_tail, snapshot
from .status import look, ran_for_s, whereabouts
from .structure import structure_of
from .tables import rows
from .webhooks_of_job import told_by_webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One readout with its number of now."""

    key: str
    title: str
    value: str
    unit: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The place of a live plot, and what takes it once there is a result."""

    live: simulations.Plot
    result: ResultFigure | None


def job_page(job: Job) -> dict[str, Any]:
    simulation = _simulation(job)
    attempts = list(job.attempts.order_by("-number"))
    attempt = next((each for each in attempts if each.number == job.attempt), None)
    files = list(job.artifacts.order_by("-attempt", "name"))
    structure = structure_of(job, simulation, files)
    figures = figures_of(job, simulation, files, has_structure=structure is not None)
    return {
        "job": job,
        "simulation": simulation,
        "look": look(job),
        "where": _where(job),
        "percent": round(job.progress * 100),
        "ran_for_s": ran_for_s(job),
        "rail": rail(job, simulation, attempt),
        "forecast": None if job.is_final else forecast(job.estimate),
        "quiet_after_s": 2 * settings.JOB_LEASE_S,
        "left": _left(job) if job.state == JobState.RUNNING else None,
        "readings": _readings(job, simulation),
        "plots": _slots(simulation, figures),
        "inputs": rows(job.params, simulation.Params if simulation else None),
        "results": rows(_known(job.result), simulation.Result if simulation else None),
        "methods": job.methods if job.methods and job.methods["text"] else None,
        "provenance": provenance_rows(job.provenance),
        "attempts": attempts,
        "can_restart": job.is_final and not lifecycle.why_no_restart(job),
        "restart_limits": on_restart(job),
        "files": files,
        "structure": structure,
        "result_figures": [figure for figure in figures if not figure.replaces],
        "webhooks": told_by_webhook(job),
        "log": log_tail(job, attempt),
        "snapshot": snapshot(job, simulation),
    }


def _slots(
    simulation: simulations.Simulation | None, figures: Sequence[ResultFigure]
) -> list[Slot]:
    replacing = {figure.replaces: figure for figure in figures}
    plots = simulation.plots if simulation else ()
    return [Slot(live=plot, result=replacing.get(plot.y)) for plot in plots]


def _where(job: Job) -> str:
    outlook = Outlook()
    waits = outlook.why(job)
    if waits is None:
        return whereabouts(job)
    starts = outlook.starts_in_s(job)
    return f"{waits.text}; starts in {about(starts['p50'])}" if starts else waits.text


def _left(job: Job) -> Forecast | None:
    told = left(job.estimate, ran_for_s(job), job.metrics.get(REMAINING))
    return told or forecast(job.estimate)


def _known(result: dict[str, Any] | None) -> dict[str, Any]:
    """What the result really says, without the fields that do not apply."""
    return {name: value for name, value in (result or {}).items() if value is not None}


def _simulation(job: Job) -> simulations.Simulation | None:
    """None once the simulation is no longer installed; the job is shown all the same."""
    try:
        return simulations.get(job.simulation)
    except KeyError:
        return None


def _readings(job: Job, simulation: simulations.Simulation | None) -> list[Reading]:
    return [
        Reading(
            key=each.key,
            title=each.title,
            value=number(job.metrics.get(each.key), each.form, each.digits),
            unit=each.unit,
            note=each.note,
        )
        for each in (simulation.readouts if simulation else ())
    ]
