"""geomeTRIC, asked to find a minimum of any energy that comes with its gradient."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from .geometry import Geometry

MAX_FORCE_TARGET = 4.5e-4
"""geomeTRIC's (and Gaussian's) default for the largest force on an atom, hartree/bohr."""

Evaluate = Callable[[Any], tuple[float, Any]]
"""From positions in bohr, (n, 3), to energy and gradient in atomic units."""


def walk_downhill(evaluate: Evaluate, start: Geometry, max_steps: int, log: TextIO) -> bool:
    """Step until geomeTRIC's criteria for energy, forces and displacements are met.

    The last point evaluated is the minimum; False if it was not reached within `max_steps`.
    """
    import numpy as np
    from geometric.errors import GeomOptNotConvergedError
    from geometric.internal import DelocalizedInternalCoordinates
    from geometric.molecule import Molecule
    from geometric.nifty import ang2bohr
    from geometric.optimize import Optimize
    from geometric.params import OptParams

    molecule = Molecule()
    molecule.elem = list(start.symbols)
    molecule.xyzs = [np.array(start.positions)]
    molecule.build_topology()
    coordinates = DelocalizedInternalCoordinates(molecule, build=True, connect=False, addcart=False)
    with tempfile.TemporaryDirectory() as scratch, _geometric_writes_to(log):
        try:
            Optimize(
                np.ravel(molecule.xyzs[0]) * ang2bohr,
                molecule,
                coordinates,
                _engine(molecule, evaluate),
                scratch,
                OptParams(maxiter=max_steps, convergence_gmax=MAX_FORCE_TARGET),
            )
        except GeomOptNotConvergedError:
            return False
    return True


def _engine(molecule: Any, evaluate: Evaluate) -> Any:
    from geometric.engine import Engine

    class EvaluateEngine(Engine):
        """Answers geomeTRIC with our energies."""

        def calc_new(self, coords: Any, dirname: str) -> dict[str, Any]:
            energy, gradient = evaluate(coords.reshape(-1, 3))
            return {"energy": energy, "gradient": gradient.ravel()}

    return EvaluateEngine(molecule)


@contextmanager
def _geometric_writes_to(log: TextIO) -> Iterator[None]:
    """Route geomeTRIC's log, which ends its own lines, and leave the root logger alone."""
    handler = logging.StreamHandler(log)
    handler.terminator = ""
    logger = logging.getLogger("geometric")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate
