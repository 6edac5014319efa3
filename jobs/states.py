"""The life of a job, as data."""

from __future__ import annotations

from django.db.models import TextChoices


class JobState(TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"

    @property
    def is_final(self) -> bool:
        return not TRANSITIONS[self]


TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.FAILED, JobState.CANCELLED}),
    JobState.RUNNING: frozenset(
        {JobState.QUEUED, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}
    ),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}

ACTIVE = [state for state in JobState if not state.is_final]


class Reason(TextChoices):
    """Why a queued job is not running yet."""

    NO_FREE_WORKER = "no_free_worker", "Waiting for a worker"
    QUEUE_UNREACHABLE = "queue_unreachable", "The queue is unreachable; it starts once it is back"
    BACKING_OFF = "backing_off", "Waiting a little before the next attempt"
    HANDED_OVER = "handed_over", "Its worker was stopped; another one goes on with it"


class FailureKind(TextChoices):
    INPUT = "input", "The input cannot be computed"
    SCIENCE = "science", "The calculation did not work out"
    TIMEOUT = "timeout", "It ran past its time limit"
    MEMORY = "memory", "It ran out of memory"
    LOST = "lost", "Its worker vanished"
    CANCELLED_BY = "cancelled_by", "It was cancelled"
    INFRASTRUCTURE = "infrastructure", "The machinery around it failed"
    INTERNAL = "internal", "A defect in the backplane"


RETRIED = frozenset({FailureKind.LOST, FailureKind.INFRASTRUCTURE})
"""What says nothing about the job itself, and so is tried again."""
