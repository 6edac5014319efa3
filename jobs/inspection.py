"""All that is known of one job, for an operator: what happened, by whose doing, and what it waits
for, in facts. Tracebacks are here and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from redis.exceptions import RedisError
from rq import Worker

from . import (
    downloads,
    fleet,
    joblog,
    keeping,
    maintenance,
    moments,
    processes,
    snippets,
    spending,
    storage,
    turns,
)
from .explaining import explain
from .line import pause_of
from .models import Attempt, Job, JobEvent
from .pages.formats import duration
from .pages.record import provenance_rows
from .states import Consent, JobState

EVENTS_SHOWN = 30
EVENTS_A_PAGE = 200
CHANGES_SHOWN = 200
LOG_BYTES = 16_000
LONGEST_LINE = 600
REPORTS = ("progress", "log")
"""Events that tell how far it is, and change nothing."""
CAUSES = ("by", "why", "worker", "evidence", "purpose")
"""In the data of an event: who or what it came of."""
Row = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """:param after: since the change before it."""

    seq: int
    at: datetime
    kind: str
    state: str
    reason: str
    cause: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """:param details: how it ended, in figures."""

    attempt: Attempt
    details: list[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    seq: int
    at: datetime
    kind: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """:param older: before which event the next page begins; None: this is the oldest."""

    events: list[Event]
    older: int | None


def of(job: Job) -> dict[str, Any]:
    attempts = list(job.attempts.order_by("-number"))
    running = next((each for each in attempts if each.number == job.attempt), None)
    explained = explain(job)
    return {
        "why": explained,
        "evidence": [(name, _plain(value)) for name, value in explained.evidence.items() if value],
        "facts": [*_facts(job, running)],
        "sender": [*_sender(job)],
        "changes": changes(job),
        "page": events_before(job, None, EVENTS_SHOWN),
        "attempts": [Tried(attempt=each, details=[*_details(each)]) for each in attempts],
        "submission": _json(snippets.submission_of(job)),
        "structure": _json(job.structure) if job.structure else "",
        "notes": job.notes,
        "outcome": _json(job.result) if job.result else "",
        "error": _json(job.error) if job.error else "",
        "estimate": _json(job.estimate) if job.estimate else "",
        "provenance": provenance_rows(job.provenance),
        "files": list(job.artifacts.order_by("-attempt", "name")),
        "log": _log(job, attempts),
    }


def _details(attempt: Attempt) -> Iterator[Row]:
    for name, value in (attempt.details or {}).items():
        yield name.replace("_", " ").capitalize(), _plain(value)


def changes(job: Job) -> list[Change]:
    """Each step of its life but the reports, oldest first."""
    found, before = [], None
    events = job.events.exclude(kind__in=REPORTS).order_by("seq")[:CHANGES_SHOWN]
    for event in events:
        found.append(_change(event, before))
        before = event.at
    return found


def _change(event: JobEvent, before: datetime | None) -> Change:
    data = event.data
    said = [f"{data[name]}" for name in CAUSES if data.get(name)]
    return Change(
        seq=event.seq,
        at=event.at,
        kind=event.kind.replace("_", " "),
        state=str(data.get("state", "")),
        reason=str(data.get("reason", "")).replace("_", " "),
        cause=" · ".join(said) or _sent_by(data),
        after=duration((event.at - before).total_seconds()) if before else "",
    )


def _sent_by(data: dict[str, Any]) -> str:
    named = [f"{name} {data[name]}" for name in ("key", "agent") if data.get(name)]
    return ", ".join(named)


def events_before(job: Job, seq: int | None, most: int = EVENTS_A_PAGE) -> Page:
    """The newest first; series and log in figures, for they may be long."""
    events = job.events.order_by("-seq")
    found = list((events if seq is None else events.filter(seq__lt=seq))[: most + 1])
    page = [
        Event(seq=each.seq, at=each.at, kind=each.kind, data=_brief(each.data))
        for each in found[:most]
    ]
    return Page(events=page, older=page[-1].seq if len(found) > most else None)


def _brief(data: dict[str, Any]) -> str:
    counted = {key: f"{len(data[key])}" for key in ("points", "log") if key in data}
    return json.dumps({**data, **counted}, ensure_ascii=False)[:LONGEST_LINE]


def _sender(job: Job) -> Iterator[Row]:
    yield "Owner", str(job.owner)
    if job.key:
        yield "Key", str(job.key)
    yield from _known(
        ("Agent", job.agent),
        ("For", job.purpose),
        ("Consent", Consent(job.approval).label if job.approval else ""),
        ("Request", job.request_id),
        ("Batch", job.batch_id),
        ("Restarted from", job.restarted_from_id),
        ("Fingerprint", job.fingerprint),
    )


def _known(*rows: tuple[str, Any]) -> Iterator[Row]:
    for name, value in rows:
        if value:
            yield name, str(value)


def _facts(job: Job, running: Attempt | None) -> Iterator[Row]:
    """What decides whether it waits rightly, runs, or is stuck."""
    now = timezone.now()
    yield "Last event", f"{job.last_seq}, {_ago(_last_event_at(job), now)}"
    if job.state == JobState.QUEUED:
        yield from _of_waiting(job, now)
    if job.state == JobState.RUNNING and running:
        yield from _of_running(job, running, now)
    if job.cancel_requested_at:
        yield "Asked to stop", _ago(job.cancel_requested_at, now)
    if job.files_removed_at:
        yield "Files removed", _ago(job.files_removed_at, now)


def _last_event_at(job: Job) -> datetime | None:
    return job.events.filter(seq=job.last_seq).values_list("at", flat=True).first()


def _of_waiting(job: Job, now: datetime) -> Iterator[Row]:
    yield "Waits since", _ago(job.queued_at, now)
    if resting := maintenance.current():
        yield "Maintenance", maintenance.sentence(resting)
    most = turns.max_running_of(job.owner_id)
    allowed = "no limit" if most >= turns.UNLIMITED else f"{most} allowed"
    yield (
        "Its owner's",
        f"{turns.n_running(job.owner_id)} run ({allowed}), "
        + (f"{turns.n_queued(job.owner_id)} wait"),
    )
    if job.key and (held := spending.why_held(job.key)):
        yield "Its key", held
    if until := pause_of(job):
        yield "Not before", moments.written(until)
    yield "Priority", job.priority_word
    yield "Workers", _workers()


def _of_running(job: Job, attempt: Attempt, now: datetime) -> Iterator[Row]:
    yield "Worker", f"{attempt.worker}, process {attempt.pid} on {attempt.host}"
    if processes.is_gone(attempt.machine, attempt.pid, attempt.pid_started):
        yield "Its process", "gone"
    elif processes.is_stopped(attempt.machine, attempt.pid):
        yield "Its process", "there, and stopped"
    elif attempt.machine == processes.machine() != "":
        yield "Its process", "there"
    else:
        yield "Its process", "on another machine, or from before it was written down"
    yield "Heartbeat", _ago(attempt.heartbeat_at, now)
    if job.lease_expires_at:
        left_s = (job.lease_expires_at - now).total_seconds()
        over = f"over since {duration(-left_s)}"
        yield "Lease", f"for another {duration(left_s)}" if left_s > 0 else over
    yield "This attempt runs for", duration((now - attempt.started_at).total_seconds())
    if seconds := (job.estimate or {}).get("seconds"):
        yield "Expected", f"{duration(seconds['p50'])}, at most {duration(seconds['p90'])}"


def _workers() -> str:
    try:
        n = Worker.count(connection=fleet.redis())
    except (RedisError, OSError) as exc:
        return f"not known, for Redis does not answer: {exc}"
    return f"{n} registered" if n else "none is registered: start one with manage.py work default"


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    return f"{duration((now - moment).total_seconds()) or 'just now'} ago"


def _log(job: Job, attempts: list[Attempt]) -> dict[str, Any] | None:
    """The end of what the newest attempt wrote to its standard output and error."""
    if job.files_removed_at or not attempts:
        return None
    newest = attempts[0].number
    try:
        path = keeping.log_path(job, newest)
    except storage.Unreachable as exc:
        return {"attempt": newest, "text": f"It cannot be had now: {exc}", "size": 0, "from": 0}
    except downloads.Damaged as exc:
        return {"attempt": newest, "text": str(exc), "size": 0, "from": 0}
    piece = joblog.read(path, -LOG_BYTES, LOG_BYTES, is_whole=job.is_final)
    return {"attempt": newest, "text": piece.text, "size": piece.size_bytes, "from": piece.offset}


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _plain(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "–" if value is None else str(value)
