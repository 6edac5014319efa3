"""The life of a job, as data."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import IntegerChoices, TextChoices


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
FINAL = [state for state in JobState if state.is_final]


class Reason(TextChoices):
    """Why a queued job is not running yet, or why it is not sure that a running one does."""

    NO_FREE_WORKER = "no_free_worker", "Waiting for a worker"
    NO_ABLE_WORKER = "no_able_worker", "No worker that is there can run it"
    QUOTA = "quota", "The owner has as many jobs running as they may"
    SCHEDULER = "scheduler", "Waiting in the cluster's own queue"
    QUEUE_UNREACHABLE = "queue_unreachable", "The queue is unreachable; it starts once it is back"
    BACKING_OFF = "backing_off", "Waiting a little before the next attempt"
    HANDED_OVER = "handed_over", "Its worker was stopped; another one goes on with it"
    AWAITING_APPROVAL = "awaiting_approval", "Waiting for its owner to say yes"
    BUDGET = "budget", "The key that it was submitted with may not start it now"
    MAINTENANCE = "maintenance", "The site is under maintenance, and starts no job meanwhile"
    UNCONFIRMED = "unconfirmed", "Its worker is silent; whether it still runs is not known"


class Queue(TextChoices):
    """For whom workers of the site's own are kept: each serves one or several of these."""

    CPU = "cpu", "What needs no more than cores"
    GPU = "gpu", "What is to run on a GPU"
    LONG = "long", "What takes hours, so that the short need not wait behind it"


class Scope(TextChoices):
    """What a key opens."""

    READ = "read", "Look at jobs, files and events"
    SUBMIT = "submit", "Submit jobs and upload files"
    CANCEL = "cancel", "Cancel jobs, and change their order"
    APPROVE = "approve", "Say yes or no to jobs of other keys that wait for it"
    KEYS = "keys", "Make and revoke keys that may no more than itself"
    ADMIN = "admin", "Use its owner's rights as an administrator"


class Approval(TextChoices):
    """Which jobs of a key wait until its owner says yes."""

    NEVER = "never", "None"
    ABOVE = "above", "Those above a number of core-hours"
    ALWAYS = "always", "All"


class Consent(TextChoices):
    """Whether somebody said yes to a job; blank where nobody has to."""

    AWAITED = "awaited", "Waits for approval"
    GIVEN = "given", "Approved"
    REFUSED = "refused", "Rejected"


MAY_START = ["", Consent.GIVEN]


class Priority(IntegerChoices):
    """Orders the jobs of one owner; only `URGENT`, which is the staff's to give, passes others."""

    LOW = -1, "Low"
    NORMAL = 0, "Normal"
    HIGH = 1, "High"
    URGENT = 2, "Urgent"

    @classmethod
    def words(cls) -> dict[str, Priority]:
        """As they are written on the wire."""
        return {each.name.lower(): each for each in cls}


class FailureKind(TextChoices):
    INPUT = "input", "The input cannot be computed"
    SCIENCE = "science", "The calculation did not work out"
    TIMEOUT = "timeout", "It ran past its time limit"
    MEMORY = "memory", "It ran out of memory"
    DISK = "disk", "It wrote more than it may"
    THREADS = "threads", "It kept more cores busy than it may"
    LOST = "lost", "Its worker vanished"
    CANCELLED_BY = "cancelled_by", "It was cancelled"
    INFRASTRUCTURE = "infrastructure", "The machinery around it failed"
    INTERNAL = "internal", "A defect in the backplane"


NO_WORD = "No word from its worker"
"""How the evidence begins of an attempt whose lease ran out."""

RETRIED = frozenset({FailureKind.LOST, FailureKind.INFRASTRUCTURE})
"""What says nothing about the job itself, and so is tried again."""

RETRIED_IF_ASKED = frozenset({FailureKind.TIMEOUT, FailureKind.MEMORY, FailureKind.DISK})
"""What may go better from the checkpoint, at a price that its owner has to agree to.

All other kinds would end the same way again.
"""

ADVANCE = 0.01
"""By how much an attempt must get further than all before it to have got on."""


def in_a_row(reached: Sequence[float]) -> int:
    """How many attempts in a row brought the job no further, the newest included.

    Three power cuts in a run of days are no reason to give it up as long as it got on in between:
    the count starts anew with each attempt that got further than any before.

    :param reached: the fraction that each failed attempt got to, oldest first.
    """
    furthest, count = 0.0, 0
    for fraction in reached:
        got_on = fraction >= furthest + ADVANCE
        count = 1 if got_on else count + 1
        furthest = max(furthest, fraction)
    return count
