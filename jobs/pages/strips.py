"""Strip charts: each job's live quantity in the size of a line of text, drawn by the server."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard
from uuid import UUID

from django.db.models import Q
from django.db.models.fields.json import KeyTransform

import simulations
from jobs.models import Job, JobEvent
from simulations import Readout

from .formats import number
from .status import look

WIDTH, HEIGHT, MARGIN = 168, 28, 3
MOST_EVENTS = 40
"""So many of a job's events are read, spread over its whole life."""
COLUMN = 2
"""Of each stretch that is drawn so many pixels wide the least and the largest value are kept."""
FEW = 5
LIVE = (
    "best_score_kcal_per_mol",
    "temperature_k",
    "lowest_energy_hartree",
    "energy_hartree",
    "scf_energy_hartree",
)
"""What is worth a chart, the first that a simulation shows: its score, temperature or energy."""
CYCLE = "scf_cycle"
DONE = Readout(key="fraction", title="Fraction done", digits=2)
Points = list[tuple[float, dict[str, Any]]]
Series = list[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """:param line: the corners of the line, as SVG has them; its last one is `x`, `y`.

    :param label: the same in words.
    """

    line: str
    x: str
    y: str
    status: str
    label: str


def strips(jobs: Sequence[Job]) -> dict[UUID, Strip]:
    """By one query however many jobs there are; one that has not reported twice has none."""
    reported = _reported([job for job in jobs if job.started_at])
    drawn = ((job, _strip(job, reported.get(job.pk, []))) for job in jobs)
    return {job.pk: strip for job, strip in drawn if strip}


def catalogued(name: str) -> simulations.Simulation | None:
    """None: it is no longer installed."""
    try:
        return simulations.get(name)
    except KeyError:
        return None


def title_of(name: str) -> str:
    """What a simulation is called; one that is no longer installed, by its name."""
    simulation = catalogued(name)
    return simulation.title if simulation else name


def live_readouts(simulation: simulations.Simulation | None) -> list[Readout]:
    """The quantities that a line of a list may show, the most telling first."""
    if simulation is None:
        return []
    shown = {readout.key: readout for readout in simulation.readouts}
    if CYCLE in shown:
        # It is reported with every cycle, also where the page has a readout of the steps' alone.
        energy = Readout(key="scf_energy_hartree", title="Energy", unit="hartree", digits=8)
        shown.setdefault(energy.key, energy)
    return [shown[key] for key in LIVE if key in shown]


def _reported(jobs: Sequence[Job]) -> dict[UUID, Points]:
    """What each job reported, without the log beside it."""
    if not jobs:
        return {}
    wanted = Q()
    for job in jobs:
        wanted |= Q(job=job.pk, seq__in=_sampled(job.last_seq))
    events = JobEvent.objects.filter(wanted, kind="progress").order_by("job", "seq")
    found: dict[UUID, Points] = defaultdict(list)
    read = events.annotate(points=KeyTransform("points", "data"))
    for job_id, seq, points in read.values_list("job_id", "seq", "points"):
        n = len(points)
        found[job_id] += [(seq + i / n, point) for i, point in enumerate(points)]
    return found


def _sampled(last_seq: int) -> list[int]:
    """Numbers of events, spread evenly, the newest among them."""
    n = min(last_seq, MOST_EVENTS)
    return [round((i + 1) * last_seq / n) for i in range(n)]


def _strip(job: Job, points: Points) -> Strip | None:
    """Of its first quantity of which enough is at hand, or else of whichever there is."""
    shown = [*live_readouts(catalogued(job.simulation)), DONE]
    found = [(readout, _series(points, readout.key)) for readout in shown]
    drawable = [(each, series) for each, series in found if _can_be_drawn(each, series)]
    # What is reported now and then is missed where only some of the events are read.
    enough = 2 if job.last_seq <= MOST_EVENTS else FEW
    telling = [each for each in drawable if len(each[1]) >= enough] or drawable
    return _drawn(telling[0][1], telling[0][0], look(job).slug) if telling else None


def _can_be_drawn(readout: Readout, series: Series) -> bool:
    # Until anything is done there is nothing to see in how much is done.
    return len(series) > 1 and (readout is not DONE or series[-1][1] > 0)


def _series(points: Points, key: str) -> Series:
    pairs = ((at, point.get(key)) for at, point in points)
    return [(at, y) for at, y in pairs if _is_number(y)]


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _drawn(series: Series, readout: Readout, status: str) -> Strip:
    corners = [f"{x:.1f},{y:.1f}" for x, y in _placed(_thinned(series), readout is DONE)]
    x, _, y = corners[-1].partition(",")
    return Strip(line=" ".join(corners), x=x, y=y, status=status, label=_in_words(series, readout))


def _thinned(series: Series) -> Series:
    """As many points as can be told apart, in order: no peak is lost."""
    n_columns = (WIDTH - 2 * MARGIN) // COLUMN
    if len(series) <= 2 * n_columns:
        return series
    columns: Mapping[int, Series] = defaultdict(list)
    for i, point in enumerate(series):
        columns[i * n_columns // len(series)].append(point)
    kept = {series[0], series[-1]}
    for column in columns.values():
        kept |= {min(column, key=_height), max(column, key=_height)}
    return sorted(kept)


def _height(point: tuple[float, float]) -> float:
    return point[1]


def _placed(series: Series, is_fraction: bool) -> Series:
    """In pixels; a fraction fills its height when it is 1, all else goes from least to largest."""
    first, last = series[0][0], series[-1][0]
    heights = [y for _, y in series]
    low, high = (0.0, 1.0) if is_fraction else (min(heights), max(heights))
    return [
        (
            MARGIN + (WIDTH - 2 * MARGIN) * _share(at, first, last),
            HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * _share(y, low, high),
        )
        for at, y in series
    ]


def _share(value: float, low: float, high: float) -> float:
    """How far between the two; what never changes runs through the middle."""
    return (value - low) / (high - low) if high > low else 0.5


def _in_words(series: Series, readout: Readout) -> str:
    first, last = (number(y, readout.form, readout.digits) for y in (series[0][1], series[-1][1]))
    return f"{readout.title}, from {first} to {last} {readout.unit}".rstrip()
