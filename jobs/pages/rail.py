"""The rail of a job's page: every stage it passes, and how far the current has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Min

import simulations
from jobs.models import Attempt, Job
from jobs.states import JobState

from .formats import duration
from .status import look, whereabouts

MARKS = {
    JobState.SUCCEEDED: "ok",
    JobState.FAILED: "bad",
    JobState.CANCELLED: "off",
}
GLYPHS = {
    "ok": "done",
    "on": "running",
    "todo": "todo",
    "bad": "failed",
    "off": "cancelled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One node: `ok` passed, `on` here, `todo` not yet, `bad` failed here, `off` stopped here."""

    name: str
    mark: str
    note: str = ""
    at: datetime | None = None
    stage: str = ""

    @property
    def glyph(self) -> str:
        return GLYPHS[self.mark]


def rail(
    job: Job, simulation: simulations.Simulation | None, attempt: Attempt | None
) -> list[Stop]:
    return [
        Stop(name="Submitted", mark="ok", note=f"by {job.owner}", at=job.created_at),
        _queued(job),
        *_stages(job, simulation, attempt),
        _end(job),
    ]


def _queued(job: Job) -> Stop:
    if job.state == JobState.QUEUED:
        return Stop(name="Queued", mark="on", note=whereabouts(job))
    until = job.started_at or job.finished_at
    waited = duration((until - job.created_at).total_seconds()) if until else ""
    return Stop(name="Queued", mark="ok" if job.started_at else "off", note=f"waited {waited}")


def _stages(
    job: Job, simulation: simulations.Simulation | None, attempt: Attempt | None
) -> list[Stop]:
    names = list(simulation.stages if simulation else ())
    if job.stage and job.stage not in names:
        names.append(job.stage)
    if not names:
        return [Stop(name="Running", mark=_running_mark(job), note=_running_note(job))]
    begun = _begun(job, attempt)
    here = _here(job, names)
    return [
        Stop(
            name=stage_label(name),
            stage=name,
            mark=_mark(job, position, here),
            note=_note(job, names, position, here, begun),
        )
        for position, name in enumerate(names)
    ]


def stage_label(name: str) -> str:
    words = name.replace("_", " ")
    return words if words[:1].isupper() else words.upper() if len(words) < 4 else words.capitalize()


def _here(job: Job, names: list[str]) -> int:
    """The position of the current stage: before the first one until it has begun."""
    if job.state == JobState.SUCCEEDED:
        return len(names)
    if job.started_at is None or job.state == JobState.QUEUED:
        return -1
    return names.index(job.stage) if job.stage in names else 0


def _mark(job: Job, position: int, here: int) -> str:
    if position == here:
        return MARKS.get(JobState(job.state), "on")
    return "ok" if position < here else "todo"


def _note(job: Job, names: list[str], position: int, here: int, begun: dict[str, datetime]) -> str:
    if position == here and not job.is_final:
        return job.message
    start = begun.get(names[position])
    if start is None or position > here:
        return ""
    later = [begun[name] for name in names[position + 1 :] if name in begun]
    end = min(later, default=job.finished_at)
    return duration((end - start).total_seconds()) if end else ""


def _begun(job: Job, attempt: Attempt | None) -> dict[str, datetime]:
    """When each stage of this attempt was first heard of."""
    if attempt is None:
        return {}
    heard = job.events.filter(kind="progress", at__gte=attempt.started_at)
    first = heard.order_by().values_list("data__stage").annotate(first=Min("at"))
    return dict(first)


def _running_mark(job: Job) -> str:
    if job.state == JobState.QUEUED or job.started_at is None:
        return "todo"
    return MARKS.get(JobState(job.state), "on")


def _running_note(job: Job) -> str:
    return job.message if job.state == JobState.RUNNING else ""


def _end(job: Job) -> Stop:
    if not job.is_final:
        return Stop(name="Finished", mark="todo")
    mark = MARKS[JobState(job.state)]
    return Stop(name=look(job).word, mark=mark, at=job.finished_at)
