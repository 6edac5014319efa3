"""Averages of correlated numbers, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

MIN_BLOCKS = 6


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


def slope(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Of the straight line through the points; None for fewer than three."""
    import numpy as np

    return float(np.polyfit(x, y, 1)[0]) if len(x) >= 3 else None
