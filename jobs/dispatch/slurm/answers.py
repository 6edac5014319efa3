"""What Slurm's commands print, read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime

PENDING = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED"})
ENDED = frozenset(
    {
        *("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "PREEMPTED"),
        *("BOOT_FAIL", "DEADLINE", "REVOKED", "SPECIAL_EXIT"),
    }
)
"""Every other state is one of something that lives."""
FIELDS = ("JobArrayID", "Comment", "State", "Reason", "exit_code", "StartTime", "BatchHost")
WIDTH = 80
COLUMNS = ",".join(f"{name}:{WIDTH}" for name in (*FIELDS, "RestartCnt"))
SACCT = ("JobID", "State", "ExitCode", "Start", "NodeList", "Restarts")
OURS = "backplane-"
"""How the comments of all our jobs begin."""

Seen = tuple[str, int]
"""A token, and which of its members."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What Slurm knows of a job, or of one member of an array.

    :param status: as `wait` gives it; 0 while it lives.
    :param starts_at: when it did, or is expected to.
    """

    native_id: str
    state: str
    reason: str = ""
    status: int = 0
    starts_at: datetime | None = None
    host: str = ""
    restarts: int = 0

    @property
    def is_pending(self) -> bool:
        return self.state in PENDING

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def runs(self) -> bool:
        return not self.is_pending and not self.has_ended

    @property
    def exit_status(self) -> int | None:
        return os.WEXITSTATUS(self.status) if os.WIFEXITED(self.status) else None

    @property
    def signal(self) -> int | None:
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else None


def squeue(text: str) -> dict[Seen, Task]:
    """All that are ours, by their tokens. A line that is not whole is passed over."""
    found = {}
    for line in text.splitlines():
        words = [line[at : at + WIDTH].strip() for at in range(0, len(line), WIDTH)]
        if len(words) != len(FIELDS) + 1 or not words[1].startswith(OURS):
            continue
        native_id, token, state, reason, status, starts_at, host, restarts = words
        found[token, member_of(native_id)] = Task(
            native_id=native_id,
            state=state,
            reason="" if reason == "None" else reason,
            status=_number(status),
            starts_at=_moment(starts_at),
            host="" if host == "n/a" else host,
            restarts=_number(restarts),
        )
    return found


def sacct(text: str) -> dict[str, Task]:
    """By their native ids."""
    found = {}
    for line in text.splitlines():
        words = line.split("|")
        if len(words) != len(SACCT):
            continue
        native_id, state, exit_code, starts_at, host, restarts = words
        code, _, number = exit_code.partition(":")
        found[native_id] = Task(
            native_id=native_id,
            # "CANCELLED by 1000"
            state=state.partition(" ")[0],
            status=(_number(code) << 8) | _number(number),
            starts_at=_moment(starts_at),
            host=host,
            restarts=_number(restarts),
        )
    return found


def sbatch(text: str) -> str:
    """The id of what was accepted: `42`, or `42;cluster`."""
    return text.strip().splitlines()[-1].partition(";")[0] if text.strip() else ""


def member_of(native_id: str) -> int:
    return _number(native_id.partition("_")[2])


def _number(word: str) -> int:
    return int(word) if word.isascii() and word.isdecimal() else 0


def _moment(word: str) -> datetime | None:
    """As seconds since 1970; see `commands`."""
    return datetime.fromtimestamp(int(word), UTC) if word.isascii() and word.isdecimal() else None
