"""An estimate in words, as exact as it is and no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulations.costs.remaining import remaining_s

NOTHING_COMPARABLE = "no estimate: nothing comparable has run here"
STEPS = ((60, 5), (600, 60), (3600, 300), (2 * 86_400, 3600))
"""Up to so many seconds, to the nearest so many; beyond, whole days."""
UNITS = {5: ("s", 1), 60: ("min", 60), 300: ("min", 60), 3600: ("h", 3600), 86_400: ("d", 86_400)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """:param basis: on what it rests."""

    value: str
    range: str
    basis: str = ""


def forecast(estimate: dict[str, Any] | None) -> Forecast | None:
    """None for a simulation that never says what it takes."""
    if estimate is None:
        return None
    seconds, memory = estimate["seconds"], estimate["memory_mib"]
    if seconds is None:
        return Forecast(value="–", range=NOTHING_COMPARABLE)
    found = between(seconds["p10"], seconds["p90"])
    if memory:
        found += f"; memory about {in_mebibytes(memory['p50'])}"
    return Forecast(value=about(seconds["p50"]), range=found, basis=estimate["basis"])


STEPS_LEFT = 40
LONGER = "longer than similar jobs took"
REMAINING = "remaining_s"
"""The metric by which a run tells how long it still takes."""
AT_ITS_SPEED = "at the speed of this run"


def left(
    estimate: dict[str, Any] | None, ran_for_s: float | None, told_s: float | None = None
) -> Forecast | None:
    """What is still to come of a job that runs, by those of its kind that ran as long.

    None where nothing comparable has run: then nobody knows.

    :param told_s: by the run itself, which knows better.
    """
    if told_s is not None:
        return Forecast(value=about(told_s), range=AT_ITS_SPEED)
    seconds = (estimate or {}).get("seconds")
    if estimate is None or not seconds or ran_for_s is None:
        return None
    rest, basis = remaining_s(seconds, ran_for_s), estimate["basis"]
    if rest is None:
        return Forecast(value="–", range=LONGER, basis=basis)
    return Forecast(value=about(rest["p50"]), range=between(rest["p10"], rest["p90"]), basis=basis)


def left_by_time(estimate: dict[str, Any] | None) -> list[list[float]]:
    """For `eta.js`, which goes on with `left` from second to second: after so many seconds p10, p50
    and p90 of what is left; in between it is on the line."""
    seconds = (estimate or {}).get("seconds")
    if not seconds:
        return []
    moments = [seconds["p90"] * step / STEPS_LEFT for step in range(STEPS_LEFT + 1)]
    rests = [(at, remaining_s(seconds, at)) for at in moments]
    return [[at, rest["p10"], rest["p50"], rest["p90"]] for at, rest in rests if rest]


def about(seconds: float) -> str:
    amount, unit = _rounded(seconds)
    return f"about {amount} {unit}" if amount else "under 5 s"


def between(low: float, high: float) -> str:
    """`1 to 4 min`, or `30 s to 2 min` where the units differ."""
    (least, small), (most, large) = _rounded(low), _rounded(high)
    if not most:
        return "at most 5 s"
    if not least:
        return f"up to {most} {large}"
    if (least, small) == (most, large):
        return f"{most} {large}"
    return f"{least}{'' if small == large else f' {small}'} to {most} {large}"


def in_mebibytes(mib: float) -> str:
    return f"{mib / 1024:.1f} GiB" if mib >= 1000 else f"{max(round(mib / 50), 1) * 50} MiB"


def _rounded(seconds: float) -> tuple[int, str]:
    step = next((step for limit, step in STEPS if seconds < limit), 86_400)
    # What is rounded up to a minute is one: 58 s are not 60 s.
    whole = round(seconds / step) * step
    step = next((step for limit, step in STEPS if whole < limit), 86_400)
    unit, size = UNITS[step]
    return round(whole / size), unit
