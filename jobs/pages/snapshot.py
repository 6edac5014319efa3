"""What a job's page knows when it is drawn; the script goes on from its `seq`."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from django.urls import reverse

import simulations
from jobs import events, log_epoch
from jobs.models import Attempt, Job
from jobs.states import JobState

from .forecast import REMAINING, left_by_time

MAX_POINTS = 500
"""A figure is about as many pixels wide; every one of them is in the files of the job."""
NEWEST_KEPT = 150
DIGITS = 8
"""Significant ones: more than any figure shows, and all are in the files."""
DIGITS_OF_HARTREE = 12
"""An energy of a thousand hartree to a billionth of one: steps differ by no more in the end."""
LOG_LINES = 200
COLOUR_CODES = re.compile(r"\x1b\[[0-9;]*m")
"""What engines that take us for a terminal write between the words."""


def snapshot(job: Job, simulation: simulations.Simulation | None) -> dict[str, Any]:
    """:param job: read before this is called: nothing newer than its `last_seq` is told."""
    plots = simulation.plots if simulation else ()
    readouts = simulation.readouts if simulation else ()
    return {
        "seq": job.last_seq,
        "epoch": log_epoch.current(),
        "job": {
            "id": str(job.pk),
            "name": job.name or job.title,
            "final": job.is_final,
            "started_at": job.started_at,
            "left": left_by_time(job.estimate) if job.state == JobState.RUNNING else [],
            REMAINING: job.metrics.get(REMAINING),
            **events.snapshot(job),
        },
        "columns": columns(_points(job, plots, _untold(simulation))),
        "plots": [{**asdict(plot), "cut_at": (job.result or {}).get(plot.cut)} for plot in plots],
        "readouts": [asdict(each) for each in readouts],
        "ws": f"/ws/v1/jobs/{job.pk}/",
        "poll": f"/api/v1/jobs/{job.pk}/events",
        "page": reverse("jobs:detail", args=[job.pk]),
    }


def _points(
    job: Job, plots: Sequence[simulations.Plot], read_out: Iterable[str]
) -> list[dict[str, Any]]:
    """Numbers alone, and none that is only read out."""
    drawn = {*_drawn(plots), *(plot.x for plot in plots)}
    left_out = {"fraction", *read_out} - drawn
    cut = (
        {
            key: _short(key, value)
            for key, value in point.items()
            if key not in left_out and isinstance(value, int | float)
        }
        for point in events.points(job)
    )
    return thinned([point for point in cut if point], _drawn(plots))


def _untold(simulation: simulations.Simulation | None) -> list[str]:
    """What is only read out, or tells of a file."""
    if simulation is None:
        return [REMAINING]
    motion = [simulation.motion.told_by] if simulation.motion else []
    return [REMAINING, *(each.key for each in simulation.readouts), *motion]


def _short(key: str, value: Any) -> Any:
    digits = DIGITS_OF_HARTREE if "hartree" in key else DIGITS
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def columns(points: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """By key, with None where a point says nothing of it: half as many bytes on the wire."""
    keys = dict.fromkeys(key for point in points for key in point)
    return {key: [point.get(key) for point in points] for key in keys}


def _drawn(plots: Iterable[simulations.Plot]) -> list[str]:
    return [
        key
        for plot in plots
        for key in (plot.y, *(each.key for each in plot.criteria), *(plot.band or ()))
    ]


def thinned(
    points: Sequence[dict[str, Any]], keys: Iterable[str], limit: int = MAX_POINTS
) -> list[dict[str, Any]]:
    """At most about `limit` points, in order: the newest whole, of the others every extreme.

    Of each stretch the least and the largest value of each key are kept, so no peak is lost.
    """
    names = list(dict.fromkeys(keys))
    if len(points) <= limit or not names:
        return list(points[-limit:])
    older = len(points) - NEWEST_KEPT
    stretches = max(1, (limit - NEWEST_KEPT) // (2 * len(names)))
    kept = {0}
    for number in range(stretches):
        stretch = range(number * older // stretches, (number + 1) * older // stretches)
        for name in names:
            having = [i for i in stretch if name in points[i]]
            if having:
                kept.add(min(having, key=lambda i: points[i][name]))
                kept.add(max(having, key=lambda i: points[i][name]))
    return [points[i] for i in sorted(kept)] + list(points[older:])


def log_tail(job: Job, attempt: Attempt | None) -> str:
    """The end of what the engine has said, up to `last_seq` and not further."""
    if attempt is None:
        return ""
    said = job.events.filter(
        kind__in=["progress", "log"], at__gte=attempt.started_at, seq__lte=job.last_seq
    )
    texts: deque[str] = deque()
    n_lines = 0
    newest_first = said.order_by("-seq").values_list("data__log", flat=True)
    for text in newest_first.iterator(chunk_size=100):
        if text:
            texts.appendleft(text)
            n_lines += text.count("\n")
        if n_lines > LOG_LINES:
            break
    lines = "".join(texts).split("\n")[-LOG_LINES - 1 :]
    return COLOUR_CODES.sub("", "\n".join(lines))
