"""How a run ended that left no word of its own, by what Slurm says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from jobs.budget import Budget, exceeded
from jobs.dispatch.slurm.answers import Task
from jobs.dispatch.slurm.script import NO_DIRECTORY, NO_SETUP, TAKEN
from jobs.states import FailureKind

SAID = {
    "NODE_FAIL": (FailureKind.LOST, "Its node failed."),
    "BOOT_FAIL": (FailureKind.INFRASTRUCTURE, "Its node did not come up."),
    "PREEMPTED": (FailureKind.INFRASTRUCTURE, "A job of a higher priority took its place."),
    "REVOKED": (FailureKind.INFRASTRUCTURE, "Its cluster gave it away."),
    "DEADLINE": (FailureKind.TIMEOUT, "It ran past its deadline in Slurm."),
}
EXITS = {
    NO_DIRECTORY: (FailureKind.INFRASTRUCTURE, "Its directory is not to be seen from its node."),
    NO_SETUP: (FailureKind.INFRASTRUCTURE, "A module could not be loaded on its node."),
    TAKEN: (FailureKind.LOST, "Slurm started it a second time."),
    126: (FailureKind.INFRASTRUCTURE, "Its command cannot be executed on its node."),
    127: (FailureKind.INFRASTRUCTURE, "Its command is not to be found on its node."),
}
OVER_MEMORY = re.compile(r"exceeded (job )?memory limit|oom.kill", re.IGNORECASE)
"""In what a node says where Slurm holds memory by looking, and then tells of a signal only."""

NOT_STARTED = re.compile(r"\bprolog\b", re.IGNORECASE)
"""In why a node takes no more jobs: that it failed to make itself ready for one. Slurm cancels a
job then that may not be requeued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    :param kind: None: it was cancelled in Slurm.
    :param may_come: whether a word of its own may still be on its way through the file system.
    """

    kind: FailureKind | None
    evidence: str
    error: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    may_come: bool = False


def judge(
    task: Task,
    budget: Budget,
    *,
    ran_s: float,
    cut_short: bool,
    words: str = "",
    node: str = "",
    written_mib: float = 0,
) -> Finding:
    """
    :param cut_short: whether the cluster gave it less time than its own limit.
    :param words: what its node said of it.
    :param node: why its node, on which it ran nothing, takes no more jobs.
    :param written_mib: what one that was cancelled in Slurm had on disk.
    """
    details: dict[str, Any] = {"slurm_job": task.native_id, "slurm_state": task.state}
    if task.reason:
        details["slurm_reason"] = task.reason
    match task.state:
        case "FAILED" | "CANCELLED" if OVER_MEMORY.search(words):
            return _out_of_memory(budget, details)
        case "CANCELLED":
            return _cancelled(budget, written_mib, node, details)
        case "TIMEOUT":
            # Whoever administers a cluster may give one that runs less time than it was sent with.
            is_short_of_it = task.ran_s is not None and task.ran_s < (budget.wall_time_s or 0)
            return _timeout(budget, ran_s, cut_short or is_short_of_it, details)
        case "OUT_OF_MEMORY":
            return _out_of_memory(budget, details)
    if task.state in SAID:
        kind, evidence = SAID[task.state]
        return Finding(kind=kind, evidence=evidence, details=details)
    return _exited(task, details)


def _cancelled(budget: Budget, written_mib: float, node: str, details: dict[str, Any]) -> Finding:
    if budget.disk_mib is not None and written_mib > budget.disk_mib:
        # By us, while it ran.
        return _exceeded(FailureKind.DISK, written_mib, budget.disk_mib, details)
    if NOT_STARTED.search(node):
        details["node_reason"] = node
        evidence = "Its node could not be made ready for it."
        return Finding(kind=FailureKind.INFRASTRUCTURE, evidence=evidence, details=details)
    return Finding(kind=None, evidence="It was cancelled in Slurm.", details=details)


def _timeout(budget: Budget, ran_s: float, cut_short: bool, details: dict[str, Any]) -> Finding:
    if cut_short:
        evidence = "The cluster gave it no more time at once; it goes on in the next attempt."
        return Finding(kind=FailureKind.INFRASTRUCTURE, evidence=evidence, details=details)
    return _exceeded(FailureKind.TIMEOUT, ran_s, budget.wall_time_s or 0, details)


def _exceeded(kind: FailureKind, reached: float, limit: int, details: dict[str, Any]) -> Finding:
    error = exceeded(kind, reached, limit)
    return Finding(kind=kind, evidence=error["detail"], error=error, details=details)


def _out_of_memory(budget: Budget, details: dict[str, Any]) -> Finding:
    """Slurm does not say how much it had."""
    limit = budget.memory_mib or 0
    error: dict[str, Any] = {"limit": {"memory_mib": limit}}
    roomier = min(2 * limit, settings.JOB_MOST["memory_mib"])
    if roomier > limit:
        error["fix"] = {"limits": {"memory_mib": roomier}}
    evidence = f"It used more memory than its limit of {limit:,} MiB."
    return Finding(kind=FailureKind.MEMORY, evidence=evidence, error=error, details=details)


def _exited(task: Task, details: dict[str, Any]) -> Finding:
    if number := task.signal:
        evidence = f"Its process was killed by signal {number}."
        return Finding(
            kind=FailureKind.LOST, evidence=evidence, details={**details, "signal": number}
        )
    status = task.exit_status or 0
    details["exit_status"] = status
    if status in EXITS:
        kind, evidence = EXITS[status]
        return Finding(kind=kind, evidence=evidence, details=details)
    # Bash's way to tell of a signal.
    if status > 128:
        evidence = f"Its process was ended by signal {status - 128}."
        return Finding(kind=FailureKind.LOST, evidence=evidence, details=details)
    evidence = f"Its process ended with exit status {status} and no result."
    return Finding(kind=FailureKind.LOST, evidence=evidence, details=details, may_come=True)
