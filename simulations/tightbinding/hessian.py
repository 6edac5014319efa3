"""Second derivatives of a GFN-xTB energy, by moving each atom to and fro."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulations.quantum.xtb import XtbSurface

STEP_BOHR = 0.005


def numerical_hessian(surface: XtbSurface, tell: Callable[[int, int], None]) -> tuple[Any, Any]:
    """d²E/dR² (hartree/bohr²) as (3n, 3n), and dμ/dR (e) as (3n, 3), by central differences.

    :param tell: called after each displacement with its number and how many there are.
    """
    import numpy as np

    origin = surface.geometry.positions_bohr
    size = origin.size
    hessian, dipole_derivatives = np.zeros((size, size)), np.zeros((size, 3))
    for coordinate in range(size):
        for side, sign in enumerate((1, -1), start=1):
            positions = origin.copy()
            positions.flat[coordinate] += sign * STEP_BOHR
            surface.energy(positions)
            hessian[coordinate] += sign * surface.gradient().ravel() / (2 * STEP_BOHR)
            dipole = np.asarray(surface.property("dipole"))
            dipole_derivatives[coordinate] += sign * dipole / (2 * STEP_BOHR)
            tell(2 * coordinate + side, 2 * size)
    surface.energy(origin)
    return hessian, dipole_derivatives
