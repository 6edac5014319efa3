"""Averages of correlated numbers, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MIN_BLOCKS = 6
MOST_CUTS = 40
"""Places where the settled part of a series may begin, all in its first half."""


def block_error(values: Sequence[float]) -> float | None:
    """Standard error of the mean, by blocking (Flyvbjerg and Petersen 1989); None for too few.

    Values that follow each other closely are averaged in ever larger blocks; the largest error
    on the way is the one that forgets least.
    """
    import numpy as np

    data, errors = np.asarray(values, dtype=float), []
    while len(data) >= MIN_BLOCKS:
        errors.append(float(data.std(ddof=1) / np.sqrt(len(data))))
        pairs = len(data) // 2
        data = data[: 2 * pairs].reshape(pairs, 2).mean(axis=1)
    return max(errors, default=None)


def effective_samples(spread: float, error: float | None, count: int) -> float | None:
    """How many independent values would have this error of their mean; None without an error."""
    if not error:
        return None
    return min((spread / error) ** 2, float(count))


def inefficiency(values: Sequence[float]) -> float:
    """How many of them tell as much as one independent value: 1 plus twice the sum of their
    autocorrelation, up to where it first is none (Chodera et al. 2007)."""
    import numpy as np

    data = np.asarray(values, dtype=float)
    data = data - data.mean()
    count = len(data)
    if count < 2 or not data.any():
        return 1.0
    correlation = _correlation(data)[1:]
    ends = np.flatnonzero(correlation <= 0)
    lags = np.arange(1, (ends[0] if len(ends) else len(correlation)) + 1)
    return max(1.0, float(1 + 2 * (correlation[: len(lags)] * (1 - lags / count)).sum()))


def _correlation(data: Any) -> Any:
    """Of each lag, 1 at none, by Fourier transform: the mean of as many products as there are."""
    import numpy as np

    count = len(data)
    power = np.abs(np.fft.rfft(data, 2 * count)) ** 2
    sums = np.fft.irfft(power)[:count]
    return sums / np.arange(count, 0, -1) / (sums[0] / count)


def settled_from(values: Sequence[float]) -> int:
    """Where the part begins that tells most: with the most independent values (Chodera 2016).

    At least the second half is kept: what has not settled by then shows as a drift.
    """
    count = len(values)
    step = max(1, count // (2 * MOST_CUTS))
    starts = range(0, (count - 1) // 2 + 1, step)
    return max(starts, key=lambda start: (count - start) / inefficiency(values[start:]), default=0)


def slope(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Of the straight line through the points; None for fewer than three."""
    import numpy as np

    return float(np.polyfit(x, y, 1)[0]) if len(x) >= 3 else None


def slope_error(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Standard error of that slope, by how many values are independent; None for too few."""
    import numpy as np

    if len(x) < MIN_BLOCKS:
        return None
    places, values = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    rest: Any = values - np.polyval(np.polyfit(places, values, 1), places)
    free = len(rest) / inefficiency(rest) - 2
    return float(rest.std() / places.std() / np.sqrt(free)) if free > 0 else None
