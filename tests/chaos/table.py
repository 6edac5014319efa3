"""What became of every accepted job, and how soon each kind of fault was noticed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .faults import JUMP_S
from .run import Fault, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The count that must be nothing, in every line but the first."""

    accepted: int
    ended: Counter[str]
    lost: list[str]
    duplicated: list[str]
    unanswered: list[str]
    untrue: list[str]
    orphans: int

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.duplicated or self.untrue or self.orphans)


def judge(record: Record) -> Verdict:
    stored = {told["id"]: told for told in record.audit}
    names = Counter(told["name"] for told in record.audit)
    accepted = list(record.accepted.values())
    return Verdict(
        accepted=len(accepted),
        ended=Counter(_end(stored[job_id]) for job_id in accepted if job_id in stored),
        lost=[i for i in accepted if i not in stored or not _is_over(stored[i])],
        duplicated=[name for name, n in names.items() if n > 1],
        unanswered=[told["id"] for told in record.audit if told["id"] not in set(accepted)],
        untrue=[f"{told['id']}: {fault}" for told in record.audit for fault in told["faults"]],
        orphans=record.orphans,
    )


@dataclass(slots=True)
class Row:
    """All faults of one kind."""

    times: int = 0
    ended_attempts: int = 0
    noticed_s: list[float] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)


def rows(record: Record) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for fault in record.faults:
        if fault.done is None:
            continue
        row = found.setdefault(fault.kind, Row())
        row.times += 1
        hits = list(_noticed_s(fault, record.audit))
        row.ended_attempts += len(hits)
        row.noticed_s += hits
        if fault.done.back_s is not None:
            row.back_s.append(fault.done.back_s)
    return dict(sorted(found.items()))


def _noticed_s(fault: Fault, audit: Sequence[dict[str, Any]]) -> Iterator[float]:
    """From the fault to the end, in the database, of each attempt that it hit."""
    assert fault.done
    for told in audit:
        for attempt in told["attempts"]:
            started_at = _near(fault, attempt["started_at"])
            ended_at = _near(fault, attempt["ended_at"])
            was_running = started_at <= fault.at <= ended_at
            # One that succeeded at the same moment was not hit.
            if (
                was_running
                and attempt["worker_pid"] in fault.done.workers
                and attempt["outcome"] == "requeued"
            ):
                yield ended_at - fault.at


def _near(fault: Fault, at: float | None) -> float:
    """What was written down while the clock was off by `JUMP_S`; a run is shorter than that."""
    return -math.inf if at is None else fault.at + math.remainder(at - fault.at, JUMP_S)


def as_markdown(record: Record) -> str:
    verdict = judge(record)
    ended = ", ".join(f"{n} {end}" for end, n in sorted(verdict.ended.items()))
    attempts = sum(len(told["attempts"]) for told in record.audit)
    lines = [
        "| | |",
        "|---|---:|",
        f"| accepted | {verdict.accepted} |",
        f"| ended | {ended} |",
        f"| attempts that this took | {attempts} |",
        f"| lost | {len(verdict.lost)} |",
        f"| duplicated | {len(verdict.duplicated)} |",
        f"| stored and never answered for | {len(verdict.unanswered)} |",
        f"| with a gap, a second end or a file that is not as recorded | {len(verdict.untrue)} |",
        f"| processes left behind | {verdict.orphans} |",
        "",
        "| fault | times | attempts ended | noticed within, s | whole again within, s |",
        "|---|---:|---:|---:|---:|",
    ]
    for kind, row in rows(record).items():
        lines.append(
            f"| {kind} | {row.times} | {row.ended_attempts} "
            f"| {_longest(row.noticed_s)} | {_longest(row.back_s)} |"
        )
    return "\n".join(lines)


def _longest(seconds: Sequence[float]) -> str:
    return f"{max(seconds):.1f}" if seconds else "–"


def _is_over(told: dict[str, Any]) -> bool:
    return told["state"] in {"succeeded", "failed", "cancelled"}


def _end(told: dict[str, Any]) -> str:
    return " ".join(word for word in (told["state"], told["failure_kind"]) if word)
