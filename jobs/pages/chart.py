"""Figures drawn by the server as SVG: lines that are told apart without their colours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import simulations

from .axes import Axis, decades, linear
from .formats import MINUS

WIDTH, HEIGHT = 640, 320
TOP, RIGHT, BOTTOM = 14, 18, 44
TEXT_PX = 6.6
KEY_PX = 17
"""How high a line of the legend is."""
MARKS_UP_TO = 60
"""More would run into one another; then as many are spread over the line."""
DASHES = ("", "6 3", "2 3", "8 3 2 3", "12 4", "1 4", "10 2", "4 2 1 2")
MARKS = (
    "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z",
    "M-3 -3h6v6h-6z",
    "M0 -3.6L3.4 2.6H-3.4z",
    "M0 -4L3.6 0L0 4L-3.6 0z",
    "M-3 -3L3 3M3 -3L-3 3",
    "M-3.6 0H3.6M0 -3.6V3.6",
    "M0 3.6L3.4 -2.6H-3.4z",
    "M0 -4L1.2 -1.2L4 0L1.2 1.2L0 4L-1.2 1.2L-4 0L-1.2 -1.2z",
)
Pairs = list[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    x: str
    y: str
    text: str
    raised: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """:param number: of its colour, dash and marker, from 1 on.
    :param named_at: how far down the legend says its name; None: there is none.
    """

    number: int
    name: str
    line: str
    marks: list[tuple[str, str]]
    named_at: int | None = None

    @property
    def dash(self) -> str:
        return DASHES[self.number - 1]

    @property
    def mark(self) -> str:
        return MARKS[self.number - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """:param sentence: the same in words, for who cannot see it."""

    title: str
    x_label: str
    y_label: str
    caption: str
    sentence: str
    left: int
    traces: list[Trace]
    x_ticks: list[Label]
    y_ticks: list[Label]
    threshold: str = ""
    width: int = WIDTH
    height: int = HEIGHT
    top: int = TOP
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM

    @property
    def inner_width(self) -> int:
        return self.right - self.left

    @property
    def inner_height(self) -> int:
        return self.bottom - self.top

    @property
    def axis_named_at(self) -> int:
        return self.bottom + BOTTOM - 6

    @property
    def middle(self) -> tuple[str, str]:
        return _px((self.left + self.right) / 2), _px((self.top + self.bottom) / 2)


def series_of(points: Iterable[Mapping[str, Any]], plot: simulations.Plot) -> Pairs:
    """Where x goes back a newer run begins: what it computes again replaces what was there."""
    series: Pairs = []
    for point in points:
        x, y = _number(point.get(plot.x)), _number(point.get(plot.y))
        if plot.log and y is not None:
            y = abs(y) or None
        if x is None or y is None:
            continue
        while series and series[-1][0] >= x:
            series.pop()
        series.append((x, y))
    return series


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What is drawn on: where a value lies, in pixels."""

    left: int
    x: Axis
    y: Axis

    def across(self, value: float) -> str:
        return _px(self.left + self.x.place(value) * (WIDTH - RIGHT - self.left))

    def up(self, value: float) -> str:
        return _px(HEIGHT - BOTTOM - self.y.place(value) * (HEIGHT - BOTTOM - TOP))

    def below(self) -> list[Label]:
        at = _px(HEIGHT - BOTTOM + 18)
        return [Label(x=self.across(tick.value), y=at, text=tick.text) for tick in self.x.ticks]

    def beside(self) -> list[Label]:
        at = _px(self.left - 8)
        return [
            Label(x=at, y=self.up(tick.value), text=tick.text, raised=tick.raised)
            for tick in self.y.ticks
        ]


def drawn(plot: simulations.Plot, named: Sequence[tuple[int, str, Pairs]]) -> Chart | None:
    """All of them over one another; None if none has a point.

    :param named: of each line its number, its name and its points.
    """
    shown = [each for each in named if each[2]]
    if not shown:
        return None
    x, y = _axes(plot, [point for *_, pairs in shown for point in pairs])
    paper = Paper(left=_room_for(y, plot), x=x, y=y)
    return Chart(
        title=plot.title,
        x_label=plot.x_label,
        y_label=plot.y_label,
        caption=_caption(plot),
        sentence=" ".join(_in_words(plot, name, pairs) for _, name, pairs in shown),
        left=paper.left,
        traces=_traces(shown, paper),
        x_ticks=paper.below(),
        y_ticks=paper.beside(),
        threshold="" if plot.threshold is None else paper.up(plot.threshold),
        height=HEIGHT + KEY_PX * sum(bool(name) for _, name, _ in shown),
    )


def _caption(plot: simulations.Plot) -> str:
    """Of several criteria a live figure shows each, and this one alone the first."""
    if alone := next((each for each in plot.criteria if each.key == plot.y), None):
        return (
            f"{alone.title} at each {plot.x_label.lower()}, log scale; it must fall below the "
            "dashed line, and the other criteria below theirs, before the geometry is a minimum."
        )
    return plot.caption or f"{plot.y_label} against {plot.x_label.lower()}."


def _room_for(y: Axis, plot: simulations.Plot) -> int:
    """What is written beside the vertical axis, and its name."""
    longest = 5 if plot.log else max((len(tick.text) for tick in y.ticks), default=1)
    return round(40 + longest * TEXT_PX)


def _axes(plot: simulations.Plot, points: Pairs) -> tuple[Axis, Axis]:
    xs = [x for x, _ in points]
    ys = [y for _, y in points]
    if plot.threshold is not None:
        ys.append(plot.threshold)
    x = linear(min(xs), max(xs), 8, whole=all(float(each).is_integer() for each in xs))
    if plot.log:
        return x, decades(min(ys), max(ys), 7)
    room = (max(ys) - min(ys)) * 0.06
    return x, linear(min(ys) - room, max(ys) + room, 6)


def _traces(shown: Sequence[tuple[int, str, Pairs]], paper: Paper) -> list[Trace]:
    """Those with a name are told below the drawing, so that one saved alone says whose they are."""
    traces = [_trace(number, name, pairs, paper) for number, name, pairs in shown]
    return [
        replace(each, named_at=HEIGHT + KEY_PX // 2 + KEY_PX * place if each.name else None)
        for place, each in enumerate(traces)
    ]


def _trace(number: int, name: str, pairs: Pairs, paper: Paper) -> Trace:
    placed = [(paper.across(x), paper.up(y)) for x, y in pairs]
    every = max(1, math.ceil(len(placed) / MARKS_UP_TO))
    return Trace(
        number=number,
        name=name,
        line=" ".join(f"{x},{y}" for x, y in placed),
        marks=placed[::every],
    )


def _in_words(plot: simulations.Plot, name: str, pairs: Pairs) -> str:
    (first_x, first), (last_x, last) = pairs[0], pairs[-1]
    of = f" of {name}" if name else ""
    return (
        f"{plot.title}{of}: from {_told(first)} at {plot.x_label.lower()} {_told(first_x)} "
        f"to {_told(last)} at {_told(last_x)}, {len(pairs)} points."
    )


def _told(value: float) -> str:
    return f"{value:.8g}".replace("-", MINUS)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _px(value: float) -> str:
    return f"{value:.1f}"
