"""How a state looks: a word, a glyph of the sprite and an edge, never colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from jobs.models import Job
from jobs.states import JobState


@dataclass(frozen=True, slots=True)
class Look:
    """:param slug: names the glyph in the sprite and the colours in the stylesheet."""

    slug: str
    word: str


LOOKS = {
    JobState.QUEUED: Look("queued", "Queued"),
    JobState.RUNNING: Look("running", "Running"),
    JobState.SUCCEEDED: Look("done", "Finished"),
    JobState.FAILED: Look("failed", "Failed"),
    JobState.CANCELLED: Look("cancelled", "Cancelled"),
}
STOPPING = Look("stopping", "Stopping")
UNCONFIRMED = Look("stale", "Unconfirmed")


def look(job: Job) -> Look:
    if job.is_cancelling:
        return STOPPING
    if job.is_unconfirmed:
        return UNCONFIRMED
    return LOOKS[JobState(job.state)]


def whereabouts(job: Job) -> str:
    """One line on where the job is, or on what became of it."""
    if job.is_cancelling:
        return "Asked to stop, and waiting until it has"
    if job.is_unconfirmed:
        return "No word from its worker; unconfirmed whether it still runs, decided in seconds"
    match JobState(job.state):
        case JobState.QUEUED:
            return job.get_reason_display()
        case JobState.RUNNING:
            return job.message or job.stage or "Starting"
        case JobState.FAILED:
            detail = str((job.error or {}).get("detail", ""))
            return detail or job.get_failure_kind_display()
        case JobState.CANCELLED:
            return str((job.error or {}).get("detail", "")) or "Stopped on request"
        case _:
            return ""


def ran_for_s(job: Job) -> float | None:
    if job.started_at is None:
        return None
    return ((job.finished_at or timezone.now()) - job.started_at).total_seconds()
