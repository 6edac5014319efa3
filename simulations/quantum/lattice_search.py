"""Minimise a smooth, costly function of a few scales by a quadratic model, point by point."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Scales = tuple[float, ...]

STEP = 0.015
"""First displacement of each scale, a relative change of a lattice constant."""
FRAME_STEP = 0.01
"""How far beside the minimum its neighbours are computed."""
CONVERGED_SHIFT = 2e-3
"""Done when the model moves no scale by more: 0.2 % of a lattice constant, PBE errs by more."""
LONGEST_SHIFT = 3 * STEP
SHORTEST_REACH = 6e-3
"""Between points closer than this, the noise of an SCF would pass for curvature."""
ENERGY_SLACK = 1e-6
"""How much lower than the minimum another point may lie: the noise of an SCF, hartree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    scales: Scales
    value: float
    predicted: float
    """What the model said before the point was computed."""


class NoMinimum(Exception):
    """The points show no minimum, or it was not reached."""


def planned_points(n: int) -> int:
    """How many values a search takes where all goes well: the start, a look, a frame, the end."""
    pairs = n * (n - 1) // 2
    return len(cross((0.0,) * n, STEP)) + pairs + 1 + 2 * n + 1


def cross(centre: Scales, step: float) -> list[Scales]:
    """The centre and its neighbours on both sides along each scale."""
    moves = [(i, sign * step) for i in range(len(centre)) for sign in (1, -1)]
    return [centre, *(_moved(centre, i, move) for i, move in moves)]


def minimise(
    value_at: Callable[[Scales], float],
    n: int,
    max_points: int,
    on_shift: Callable[[float], None],
) -> Minimum:
    """Find the scales of least value: framed by computed neighbours, confirmed by computing there.

    :param on_shift: told how far the model would move next; it falls as the search ends.
    :raises NoMinimum: after `max_points`.
    """
    values = {point: value_at(point) for point in cross((0.0,) * n, STEP)}
    values |= {point: value_at(point) for point in corners(values, n)}
    while len(values) < max_points:
        best = min(values, key=lambda point: values[point])
        target, predicted = next_point(values, best)
        shift = max(abs(a - b) for a, b in zip(target, best, strict=True))
        on_shift(shift)
        if shift < CONVERGED_SHIFT and not _is_framed(best, values):
            values |= {point: value_at(point) for point in cross(best, FRAME_STEP)[1:]}
            continue
        values[target] = value_at(target)
        if shift < CONVERGED_SHIFT and values[target] <= values[best] + ENERGY_SLACK:
            return Minimum(scales=target, value=values[target], predicted=predicted)
    raise NoMinimum(f"no minimum was confirmed within {max_points} points")


def corners(values: dict[Scales, float], n: int) -> list[Scales]:
    """A point downhill along each pair of scales at once: how they couple, a cross cannot tell."""
    origin = (0.0,) * n
    sides = [[_moved(origin, i, sign * STEP) for sign in (1, -1)] for i in range(n)]
    lower = [min(pair, key=lambda point: values[point]) for pair in sides]
    pairs = itertools.combinations(lower, 2)
    return [tuple(a + b for a, b in zip(first, second, strict=True)) for first, second in pairs]


def _moved(point: Scales, i: int, move: float) -> Scales:
    return (*point[:i], point[i] + move, *point[i + 1 :])


def _is_framed(best: Scales, points: Iterable[Scales]) -> bool:
    """Is there a computed neighbour on either side along each scale?"""
    offsets = [[x - x0 for x, x0 in zip(point, best, strict=True)] for point in points]
    near = [offset for offset in offsets if max(map(abs, offset)) < 2 * FRAME_STEP]
    return all(
        any(sign * offset[i] > FRAME_STEP / 4 for offset in near)
        for i in range(len(best))
        for sign in (1, -1)
    )


def next_point(values: dict[Scales, float], around: Scales) -> tuple[Scales, float]:
    """The model's minimum if it has one within reach, else a step downhill from `around`."""
    import numpy as np

    constant, slope, curvature = fit(values, around)
    if np.linalg.eigvalsh(curvature).min() > 0:
        shift = -np.linalg.solve(curvature, slope)
    else:
        shift = -slope / np.abs(slope).max() * LONGEST_SHIFT
    shift *= min(1.0, LONGEST_SHIFT / max(np.abs(shift).max(), 1e-12))
    predicted = constant + slope @ shift + shift @ curvature @ shift / 2
    target = tuple(float(x) for x in np.array(around) + shift)
    return target, float(predicted)


def fit(values: dict[Scales, float], around: Scales) -> tuple[float, Any, Any]:
    """Constant, slope and curvature there, by least squares; near points count for more."""
    import numpy as np

    n = len(around)
    offsets = np.array(list(values)) - np.array(around)
    energies = np.array(list(values.values()))
    pairs = list(itertools.combinations_with_replacement(range(n), 2))
    distances = np.linalg.norm(offsets, axis=1)
    # So near that just enough points decide: the model sharpens as points gather at the minimum.
    reach = max(np.sort(distances)[: len(pairs) + n + 1][-1], SHORTEST_REACH)
    weights = 1 / (1 + (distances / reach) ** 4)
    products = [offsets[:, i] * offsets[:, j] for i, j in pairs]
    # In steps and from the mean, so that no column dwarfs another.
    columns = np.stack(
        [np.ones(len(offsets)), *(offsets.T / STEP), *(p / STEP**2 for p in products)]
    )
    terms = np.linalg.lstsq((columns * weights).T, (energies - energies.mean()) * weights)[0]
    curvature = np.zeros((n, n))
    for (i, j), term in zip(pairs, terms[1 + n :], strict=True):
        curvature[i, j] += term / STEP**2
        curvature[j, i] += term / STEP**2
    return float(terms[0] + energies.mean()), terms[1 : 1 + n] / STEP, curvature
