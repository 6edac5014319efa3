"""Atoms that lie on top of each other."""

from __future__ import annotations

from typing import Any

MIN_DISTANCE_ANGSTROM = 0.4
"""Closer than any two nuclei (H2 has 0.74 Å): a repeated line, or other units."""


def coincident(positions: Any) -> tuple[int, int, float] | None:
    """The first pair of atoms that is too close to be two, and their distance in Å."""
    import numpy as np

    points = np.array(positions)
    for i in range(1, len(points)):
        distances = np.linalg.norm(points[:i] - points[i], axis=1)
        nearest = int(distances.argmin())
        if distances[nearest] < MIN_DISTANCE_ANGSTROM:
            return nearest, i, float(distances[nearest])
    return None
