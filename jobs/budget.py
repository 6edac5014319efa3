"""What one attempt at a job may use, and how to tell that it used more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from .states import FailureKind

LEAST = {"wall_time_s": 1, "memory_mib": 64, "disk_mib": 1, "threads": 1}
TOLD = {
    FailureKind.TIMEOUT: ("wall_time_s", "It ran for {reached} s; its limit is {limit} s."),
    FailureKind.MEMORY: (
        "memory_mib",
        "It used {reached} MiB of memory; its limit is {limit} MiB.",
    ),
    FailureKind.DISK: ("disk_mib", "It wrote {reached} MiB to disk; its limit is {limit} MiB."),
    FailureKind.THREADS: ("threads", "It kept {reached} cores busy; its limit is {limit}."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The limits of a job; None stands for what the site gives to one that does not ask."""

    wall_time_s: int | None = None
    memory_mib: int | None = None
    disk_mib: int | None = None
    threads: int | None = None

    def over(self, other: Budget) -> Budget:
        """This one, and `other` where this one does not say."""
        asked = {name: value for name, value in self.told().items() if value is not None}
        return replace(other, **asked)

    def settled(self) -> Budget:
        """With a number for everything, and none above what the site allows."""
        usual, most = settings.JOB_LIMITS, settings.JOB_MOST
        full = {
            name: usual[name] if value is None else value for name, value in self.told().items()
        }
        return Budget(**{name: min(value, most[name]) for name, value in full.items()})

    def told(self) -> dict[str, Any]:
        """As `dataclasses.asdict`, which looks at each value as if it might be anything."""
        return {name: getattr(self, name) for name in LEAST}


def exceeded(
    kind: FailureKind, reached: float, limit: int, detail: str = "", **more: Any
) -> dict[str, Any]:
    """The error of a job that was stopped at a limit: the figures, and the limit that may do.

    :param detail: where the usual sentence would not be true.
    """
    name, sentence = TOLD[kind]
    reached = round(reached, 1) if reached < 100 else round(reached)
    told = {"reached": f"{reached:,}", "limit": f"{limit:,}"}
    error: dict[str, Any] = {
        "detail": detail or sentence.format(**told),
        "reached": {name: reached},
        "limit": {name: limit},
        **more,
    }
    roomier = min(max(2 * limit, round(1.25 * reached)), settings.JOB_MOST[name])
    if roomier > limit:
        error["fix"] = {"limits": {name: roomier}}
    return error


def mended(budget: Budget, error: Mapping[str, Any] | None) -> Budget:
    """The limits that would do, as far as the error says."""
    limits = ((error or {}).get("fix") or {}).get("limits") or {}
    return Budget(**{name: limits[name] for name in limits if name in LEAST}).over(budget)
