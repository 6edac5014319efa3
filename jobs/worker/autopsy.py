"""How an attempt ended that left no word of its own."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from typing import Any

from jobs.budget import Budget, exceeded
from jobs.states import FailureKind

from .gauge import Gauge

CRASHES = frozenset({signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """As `lifecycle.lose` takes it."""

    evidence: str
    kind: FailureKind = FailureKind.LOST
    error: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


def autopsy(status: int | None, gauge: Gauge, budget: Budget) -> Finding:
    """At a limit of its own, for want of memory, or nobody knows.

    A crash close to the memory limit is put down to it: what a C library does when it is given no
    more memory is to crash. A process that the system killed for want of memory while it had
    little itself is not to blame; it is tried again.

    :param status: as the system tells it of the work-horse; None: it could not.
    """
    if gauge.excess:
        error = exceeded(*gauge.excess)
        return _at_a_limit(gauge.excess[0], error, {})
    text, details = _in_words(status)
    number = details.get("signal")
    if number == signal.SIGKILL and gauge.saw_oom_kill():
        text = "The system killed its process, for the machine had no memory left."
        details["oom_kill"] = True
        is_to_blame = gauge.is_near_memory_limit(0.5)
    else:
        is_to_blame = number in CRASHES and gauge.is_near_memory_limit(0.8)
    if not is_to_blame:
        return Finding(evidence=text, details=details)
    had_mib, limit = gauge.peak_memory_mib, budget.memory_mib or 0
    text += f" It had {had_mib:,.0f} MiB of memory; its limit is {limit:,} MiB."
    return _at_a_limit(
        FailureKind.MEMORY, exceeded(FailureKind.MEMORY, had_mib, limit, text), details
    )


def _at_a_limit(kind: FailureKind, error: dict[str, Any], details: dict[str, Any]) -> Finding:
    figures = {"reached": error["reached"], "limit": error["limit"]}
    return Finding(evidence=error["detail"], kind=kind, error=error, details={**details, **figures})


def _in_words(status: int | None) -> tuple[str, dict[str, Any]]:
    """What the system told of the end of a process, for people and for programs."""
    if status is None:
        return "The worker lost sight of its process.", {}
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"Its process was killed by signal {number}.", {"signal": number}
    code = os.WEXITSTATUS(status)
    return f"Its process ended with exit status {code} and no result.", {"exit_status": code}
