"""Why a job is as it is: the cause, the evidence for it, and what may be done about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import abilities, equality, fleet, lifecycle, mending, rows, turns
from .equality import Nearest
from .models import Attempt, Job
from .outlook import Outlook
from .states import RETRIED, Consent, FailureKind, JobState, Priority, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that may be done now.

    :param operation: by its id in the OpenAPI document; its path has the job's id.
    """

    operation: str
    why: str
    body: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """:param cause: a stable word: a reason to wait, a kind of failure, or the state itself.
    :param patch: a JSON merge patch on the submission that would likely help.
    """

    cause: str
    text: str
    evidence: dict[str, Any] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)
    patch: dict[str, Any] | None = None
    actions: list[Action] = field(default_factory=list)


HINTS = {
    FailureKind.LOST: "Nothing is wrong with the input: its worker vanished. Run it again.",
    FailureKind.INFRASTRUCTURE: "Nothing is wrong with the input: the machine failed it.",
    FailureKind.INTERNAL: "A defect of ours: tell the operators the id of the job.",
}
"""Where the error itself has none."""
OWNERS_SAY = "Its owner decides, or another key of theirs that may; not the key that sent it."


def explain(job: Job) -> Explanation:
    return EXPLAIN[JobState(job.state)](job)


def _queued(job: Job) -> Explanation:
    outlook = Outlook()
    waits = outlook.why(job)
    if waits is None:
        return Explanation(cause=str(job.state), text=JobState(job.state).label)
    stands = waits.standing
    evidence = waits.told() | {
        "starts_in_s": outlook.starts_in_s(job),
        "running_of_owner": turns.n_running(job.owner_id),
        "queued_of_owner": turns.n_queued(job.owner_id),
        "own_ahead": stands.own_ahead if stands else turns.n_ahead_of(job),
    }
    evidence.pop("text")
    actions = [_cancel()]
    hints, patch = [OWNERS_SAY] if job.awaits_approval else [], None
    if job.awaits_approval:
        actions = [*_consent(), *actions]
    elif waits.reason == Reason.NO_ABLE_WORKER:
        hints, patch = _where_it_can(job)
        if patch:
            why = "A new job with the patch; then cancel this one."
            actions.insert(0, Action(operation="run_job_again", why=why, body={"patch": patch}))
    elif evidence["own_ahead"] and job.priority < Priority.HIGH:
        why = "It then goes before your jobs of a lower priority."
        actions.insert(0, Action(operation="change_job", why=why, body={"priority": "high"}))
    return Explanation(
        cause=waits.reason,
        text=f"{waits.text}.",
        evidence=evidence | _failures(job),
        hints=hints,
        patch=patch,
        actions=actions,
    )


def _where_it_can(job: Job) -> tuple[list[str], dict[str, Any] | None]:
    """What to do of one that no worker takes that is there: hints, and a patch if one helps."""
    if queue := abilities.queue_for(job, fleet.known() or ()):
        said = f"In the queue {queue} a worker that is there would take it."
        return [f"{said} In {job.queue} it waits until one comes that serves it."], {"queue": queue}
    return ["It starts by itself once a worker comes that can; ask the operators for one."], None


def _running(job: Job) -> Explanation:
    current = _attempt(rows.of_attempt(job, job.attempt))
    evidence = current | _failures(job)
    if job.is_cancelling:
        text = f"It was asked to stop{_by_whom(job)}, and its process has not ended yet."
        return Explanation(cause="cancelling", text=text, evidence=evidence)
    if job.is_unconfirmed:
        text = f"{Reason.UNCONFIRMED.label}."
        return Explanation(cause="unconfirmed", text=text, evidence=evidence, actions=[_cancel()])
    words = ", ".join(word for word in (job.stage, job.message) if word)
    text = f"It runs, {job.progress:.0%} done{f': {words}' if words else ''}."
    return Explanation(cause="running", text=text, evidence=evidence, actions=[_cancel()])


def _succeeded(job: Job) -> Explanation:
    text = f"It succeeded in attempt {job.attempt}."
    return Explanation(cause="succeeded", text=text, evidence=_failures(job), actions=[_again()])


def _failed(job: Job) -> Explanation:
    error = job.error or {}
    kind = FailureKind(job.failure_kind)
    patch = mending.of_failure(kind, error)
    hints = list(error.get("hints") or ([HINTS[kind]] if kind in HINTS else []))
    known = {name: error[name] for name in ("reached", "limit", "errors") if error.get(name)}
    return Explanation(
        cause=str(kind),
        text=str(error.get("detail") or kind.label),
        evidence=known | _failures(job),
        hints=hints,
        patch=patch,
        actions=_after_a_failure(job, kind, patch),
    )


def _cancelled(job: Job) -> Explanation:
    actions = [*_restart(job), _again()]
    if job.consent == Consent.REFUSED:
        text = str((job.error or {}).get("detail") or Consent.REFUSED.label)
        return Explanation(cause="rejected", text=text, hints=[OWNERS_SAY], actions=actions)
    at = f" at {job.cancel_requested_at:%H:%M:%S} UTC" if job.cancel_requested_at else ""
    told = str((job.error or {}).get("detail") or "")
    text = told or f"It was cancelled{_by_whom(job)}{at}."
    return Explanation(
        cause=str(job.failure_kind), text=text, evidence=_failures(job), actions=actions
    )


EXPLAIN = {
    JobState.QUEUED: _queued,
    JobState.RUNNING: _running,
    JobState.SUCCEEDED: _succeeded,
    JobState.FAILED: _failed,
    JobState.CANCELLED: _cancelled,
}


def _after_a_failure(job: Job, kind: FailureKind, patch: dict[str, Any] | None) -> list[Action]:
    if patch and kind in mending.OF_LIMITS:
        why = "The same with the patch, from the beginning."
        patched = Action(operation="run_job_again", why=why, body={"patch": patch})
        return [*_restart(job, limits=patch["limits"]), patched]
    if patch:
        why = "The same with the patch."
        return [Action(operation="run_job_again", why=why, body={"patch": patch})]
    if kind in RETRIED:
        return [*_restart(job), _again()]
    return []  # the same would end the same way


def _restart(job: Job, **body: Any) -> list[Action]:
    if lifecycle.why_no_restart(job):
        return []
    why = "A new job that goes on from the files of this one."
    return [Action(operation="restart_job", why=why, body=body)]


def _again() -> Action:
    return Action(operation="run_job_again", why="A new job with the same input.", body={})


def _consent() -> list[Action]:
    return [
        Action(operation="approve_job", why="It then starts when it is its turn."),
        Action(operation="reject_job", why="It is cancelled, and says why.", body={"why": ""}),
    ]


def _cancel() -> Action:
    return Action(operation="cancel_job", why="It is not wanted any more.")


def _failures(job: Job) -> dict[str, Any]:
    """The attempts that ended badly, this job's last one among them."""
    failed = job.attempts.exclude(failure_kind="").order_by("number")
    return {"failed_attempts": [_attempt(each)["attempt"] for each in failed]}


def _attempt(attempt: Attempt | None) -> dict[str, Any]:
    if attempt is None:
        return {}
    names = ("number", "worker", "host", "started_at", "heartbeat_at", "ended_at", "progress")
    found = {name: getattr(attempt, name) for name in names}
    if attempt.failure_kind:
        found |= {"failure_kind": attempt.failure_kind, "evidence": attempt.evidence}
        found |= {"details": attempt.details}
    return {"attempt": found}


def _by_whom(job: Job) -> str:
    asked = job.events.filter(kind="cancel_requested").order_by("seq").last()
    if asked is None or not asked.data.get("by"):
        return ""
    why = f" ({asked.data['why']})" if asked.data.get("why") else ""
    return f" by {asked.data['by']}{why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anew:
    """Why an answer that was there already was not taken."""

    text: str
    nearest: Nearest


def why_anew(job: Job) -> Anew:
    if job.restarted_from_id:
        text = f"It goes on from the files of job {job.restarted_from_id}."
        return Anew(text=text, nearest=Nearest())
    found = equality.nearest(job)
    if found.job is None:
        text = "You had no earlier job of this simulation."
    elif found.differences:
        fields = ", ".join(each.field for each in found.differences[:10])
        text = f"The most similar job before it, {found.job}, differs in {fields}."
    else:
        text = (
            f"The job before it, {found.job}, is equal: it was to be computed anew, or that one "
            "was held back by its key."
        )
    return Anew(text=text, nearest=found)
