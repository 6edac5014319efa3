"""Everything that the page of one job shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import simulations
from jobs.models import Job

from .formats import number
from .rail import rail
from .snapshot import snapshot
from .status import look, ran_for_s, whereabouts
from .tables import rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One readout with its number of now."""

    key: str
    title: str
    value: str
    unit: str
    note: str


def job_page(job: Job) -> dict[str, Any]:
    simulation = _simulation(job)
    attempts = list(job.attempts.order_by("-number"))
    attempt = next((each for each in attempts if each.number == job.attempt), None)
    return {
        "job": job,
        "simulation": simulation,
        "look": look(job),
        "where": whereabouts(job),
        "percent": round(job.progress * 100),
        "ran_for_s": ran_for_s(job),
        "rail": rail(job, simulation, attempt),
        "readings": _readings(job, simulation),
        "plots": simulation.plots if simulation else (),
        "inputs": rows(job.params, simulation.Params if simulation else None),
        "results": rows(_known(job.result), simulation.Result if simulation else None),
        "attempts": attempts,
        "files": list(job.artifacts.order_by("-attempt", "name")),
        "snapshot": snapshot(job, simulation, attempt),
    }


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
