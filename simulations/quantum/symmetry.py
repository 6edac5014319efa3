"""In how many ways a molecule can be turned onto itself."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from .geometry import Geometry
from .vibrations import is_on_a_line, moments_of_inertia

TOLERANCE_ANGSTROM = 0.05
"""An optimised geometry is symmetric to about a tenth of it."""


def rotational_symmetry_number(geometry: Geometry) -> int:
    """The proper rotations, the identity among them, that exchange only equal atoms."""
    import numpy as np

    moments, _, positions = moments_of_inertia(geometry)
    symbols = np.array(geometry.symbols)
    if len(symbols) == 1:
        return 1
    if is_on_a_line(moments):
        return 2 if _maps_onto_itself(symbols, positions, -np.eye(3)) else 1
    found: list[Any] = []
    for rotation in _candidates(symbols, positions):
        is_new = all(abs(rotation - other).max() > 0.1 for other in found)
        if is_new and _maps_onto_itself(symbols, positions, rotation):
            found.append(rotation)
    return len(found)


def _candidates(symbols: Any, positions: Any) -> Any:
    """Rotations that take two atoms, not on one line with the centre, onto two like them."""
    import numpy as np

    first, second = _anchors(symbols, positions)
    distances = np.linalg.norm(positions, axis=1)
    frame = _frame(positions[first], positions[second])
    apart = np.linalg.norm(positions[first] - positions[second])
    for one, two in permutations(range(len(symbols)), 2):
        fits = (
            symbols[one] == symbols[first]
            and symbols[two] == symbols[second]
            and abs(distances[one] - distances[first]) < TOLERANCE_ANGSTROM
            and abs(distances[two] - distances[second]) < TOLERANCE_ANGSTROM
            and abs(np.linalg.norm(positions[one] - positions[two]) - apart)
            < 2 * TOLERANCE_ANGSTROM
        )
        if fits:
            yield _frame(positions[one], positions[two]) @ frame.T


def _anchors(symbols: Any, positions: Any) -> tuple[int, int]:
    """The pair that spans the largest triangle with the centre, of the rarest elements."""
    import numpy as np

    names, counts = np.unique(symbols, return_counts=True)
    rarity = dict(zip(names, counts, strict=True))
    areas = np.linalg.norm(np.cross(positions[:, None], positions[None, :]), axis=2)
    large = np.argwhere(areas > 0.3 * areas.max())
    first, second = min(large, key=lambda pair: rarity[symbols[pair[0]]] * rarity[symbols[pair[1]]])
    return int(first), int(second)


def _frame(first: Any, second: Any) -> Any:
    """Right-handed axes, as columns, given by two vectors."""
    import numpy as np

    one = first / np.linalg.norm(first)
    three = np.cross(first, second)
    three /= np.linalg.norm(three)
    return np.array([one, np.cross(three, one), three]).T


def _maps_onto_itself(symbols: Any, positions: Any, rotation: Any) -> bool:
    import numpy as np

    turned = positions @ rotation.T
    apart = np.linalg.norm(turned[:, None] - positions[None, :], axis=2)
    apart[symbols[:, None] != symbols[None, :]] = np.inf
    return bool((apart.min(axis=1) < 2 * TOLERANCE_ANGSTROM).all())
