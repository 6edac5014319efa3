"""What Slurm's commands print, read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime

PENDING = frozenset(
    {
        *("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED"),
        # Held in the queue: what was put back with a word on it, and whose reservation is gone.
        *("SPECIAL_EXIT", "RESV_DEL_HOLD"),
    }
)
ENDED = frozenset(
    {
        *("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "PREEMPTED"),
        *("BOOT_FAIL", "DEADLINE", "REVOKED"),
    }
)
"""Every other state is one of something that lives."""
FIELDS = (
    *("JobArrayID", "State", "Reason", "exit_code", "StartTime", "EndTime", "BatchHost"),
    *("RestartCnt", "Name"),
    # Last, for anybody may have written anything: Slurm counts its bytes and not its letters.
    "Comment",
)
WIDTH = 80
COLUMNS = ",".join(f"{name}:{WIDTH}" for name in FIELDS)
SACCT = ("JobID", "State", "ExitCode", "Start", "End", "NodeList")
"""No more than any version has: of how often it was requeued 22.05 keeps no account."""
NOWHERE = frozenset({"n/a", "None assigned"})
NAME = "backplane"
OURS = f"{NAME}-"
"""How the comments of all our jobs begin."""

Seen = tuple[str, int]
"""A token, and which of its members. Of what has another comment by now, its id for the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What Slurm knows of a job, or of one member of an array.

    :param status: as `wait` gives it; 0 while it lives.
    :param starts_at: when it did, or is expected to.
    :param ends_at: the same.
    """

    native_id: str
    state: str
    reason: str = ""
    status: int = 0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
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
    def array(self) -> str:
        return array_of(self.native_id)

    @property
    def ran_s(self) -> float | None:
        """Of one that has ended, if it ever began."""
        if not (self.starts_at and self.ends_at):
            return None
        return (self.ends_at - self.starts_at).total_seconds()

    @property
    def exit_status(self) -> int | None:
        return os.WEXITSTATUS(self.status) if os.WIFEXITED(self.status) else None

    @property
    def signal(self) -> int | None:
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else None


def squeue(text: str) -> dict[Seen, Task]:
    """All that are ours, by their tokens. A line that is not whole is passed over.

    Whoever administers a cluster may write a comment of their own over that of a job.
    """
    found = {}
    for line in text.splitlines():
        words = [line[at : at + WIDTH].strip() for at in range(0, len(line), WIDTH)]
        if len(words) != len(FIELDS):
            continue
        native_id, state, reason, status, starts_at, ends_at, host, restarts, name, comment = words
        is_told = comment.startswith(OURS)
        if not is_told and name != NAME:
            continue
        token = comment if is_told else array_of(native_id)
        found[token, member_of(native_id)] = Task(
            native_id=native_id,
            state=state,
            reason="" if reason == "None" else reason,
            status=_number(status),
            starts_at=_moment(starts_at),
            ends_at=_moment(ends_at),
            host=_host(host),
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
        native_ids, state, exit_code, starts_at, ends_at, host = words
        code, _, number = exit_code.partition(":")
        for native_id in _each(native_ids):
            found[native_id] = Task(
                native_id=native_id,
                # "CANCELLED by 1000"
                state=state.partition(" ")[0],
                status=(_number(code) << 8) | _number(number),
                starts_at=_moment(starts_at),
                ends_at=_moment(ends_at),
                host=_host(host),
            )
    return found


def _each(native_ids: str) -> list[str]:
    """Members of an array that never began are told as one: `7_[0-2,5,8-14:2%4]`."""
    array, has_several, rest = native_ids.partition("_[")
    if not has_several:
        return [native_ids]
    parts = rest.rstrip("]").partition("%")[0].split(",")
    return [f"{array}_{member}" for part in parts for member in _members(part)]


def _members(part: str) -> range:
    first, _, rest = part.partition("-")
    last, _, step = rest.partition(":")
    return range(_number(first), _number(last or first) + 1, _number(step) or 1)


def sbatch(text: str) -> str:
    """The id of what was accepted: `42`, or `42;cluster`."""
    return text.strip().splitlines()[-1].partition(";")[0] if text.strip() else ""


def member_of(native_id: str) -> int:
    return _number(native_id.partition("_")[2])


def array_of(native_id: str) -> str:
    return native_id.partition("_")[0]


def _host(word: str) -> str:
    return "" if word in NOWHERE else word


def _number(word: str) -> int:
    return int(word) if word.isascii() and word.isdecimal() else 0


def _moment(word: str) -> datetime | None:
    """As seconds since 1970; see `commands`."""
    return datetime.fromtimestamp(int(word), UTC) if word.isascii() and word.isdecimal() else None
