"""Axes of figures that the server draws: where the ticks are, and what is written on them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from .formats import MINUS

STEPS = (1, 2, 5, 10)
FLATTER_THAN = 1e-12
"""Of its size: what changes less has no scale of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """:param raised: an exponent, written above the line."""

    value: float
    text: str
    raised: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """:param place: where a value lies, 0 at the low end and 1 at the high one."""

    ticks: list[Tick]
    place: Callable[[float], float]


def linear(low: float, high: float, count: int, *, whole: bool = False) -> Axis:
    """:param count: about how many ticks there is room for."""
    if high - low <= FLATTER_THAN * max(abs(low), abs(high)):
        room = 1.0 if whole else abs(low) * 1e-6 or 1.0
        low, high = low - room, high + room
    step = _step((high - low) / max(count, 1))
    if whole:
        step = max(1, round(step))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    ticks = [
        Tick(value=i * step, text=_written(i * step, decimals)) for i in range(first, last + 1)
    ]
    return Axis(ticks=ticks, place=lambda value: (value - low) / (high - low))


def decades(low: float, high: float, count: int) -> Axis:
    """A logarithmic axis from power to power; what lies on it is positive."""
    first = math.floor(math.log10(low) + 1e-9)
    last = max(math.ceil(math.log10(high) - 1e-9), first + 1)
    step = max(1, math.ceil((last - first) / max(count, 1)))
    ticks = [
        Tick(value=10.0**power, text="10", raised=str(power).replace("-", MINUS))
        for power in range(last, first - 1, -step)
    ]
    return Axis(ticks=ticks, place=lambda value: (math.log10(value) - first) / (last - first))


def _step(rough: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(rough))
    return power * next(each for each in STEPS if each * power >= rough * 0.75)


def _written(value: float, decimals: int) -> str:
    if abs(value) >= 1e6 or decimals > 9:
        return f"{value:.2e}".replace("e+0", "e").replace("e-0", "e-").replace("-", MINUS)
    text = f"{value:.{decimals}f}"
    return (text.lstrip("-") if float(text) == 0 else text).replace("-", MINUS)
