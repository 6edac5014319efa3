"""geomeTRIC, asked to find a minimum of any energy that comes with its gradient."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from .geometry import ANGSTROM_PER_BOHR, Geometry, as_vectors
from .oscillation import Oscillates, Watch

MAX_FORCE_TARGET = 4.5e-4
"""geomeTRIC's (and Gaussian's) default for the largest force on an atom, hartree/bohr."""
RMS_FORCE_TARGET, ENERGY_TARGET = 3.0e-4, 1.0e-6
"""Of all forces, hartree/bohr, and of the energy from one step to the next, hartree."""
MAX_SHIFT_TARGET, RMS_SHIFT_TARGET = 1.8e-3, 1.2e-3
"""Of atoms from one step to the next, Å."""
MAX_RESTARTS = 2
TRUST_ANGSTROM, MAX_TRUST_ANGSTROM = 0.1, 0.3
"""geomeTRIC's own length of the first step and of the longest; a restart takes half of it."""

Evaluate = Callable[[Any], tuple[float, Any]]
"""From positions in bohr, (n, 3), to energy and gradient in atomic units."""


class WalkFailed(Exception):
    """geomeTRIC found no way down, nor did it from the best geometry with a fresh Hessian."""


def walk_downhill(
    evaluate: Evaluate,
    start: Geometry,
    max_steps: int,
    log: TextIO,
    on_restart: Callable[[str], None] = lambda sentence: None,
) -> bool:
    """Step until geomeTRIC's criteria for energy, forces and displacements are met.

    The last point evaluated is the minimum; False if it was not reached within `max_steps`. A walk
    that goes to and fro, or that geomeTRIC gives up, begins again from the lowest point with a
    fresh Hessian and shorter steps.

    :param on_restart: told why, in a sentence, before each new beginning.
    :raises WalkFailed: that did not help either.
    """
    watch = Watch(evaluate)
    for restarts in range(MAX_RESTARTS + 1):
        remaining = max_steps - watch.n_evaluated
        if remaining < 1:
            return False
        reason = _walk(watch, _from(watch, start), remaining, TRUST_ANGSTROM / 2**restarts, log)
        if reason is None:
            return watch.converged
        if restarts < MAX_RESTARTS:
            on_restart(
                f"The geometry {reason}: starting again from the lowest of {watch.n_evaluated} "
                "steps, with a fresh Hessian and shorter steps."
            )
        watch.begin_again()
    raise WalkFailed(f"the geometry {reason}, also after {MAX_RESTARTS} new beginnings")


def _from(watch: Watch, start: Geometry) -> Geometry:
    if watch.best_positions_bohr is None:
        return start
    return Geometry(start.symbols, as_vectors(watch.best_positions_bohr * ANGSTROM_PER_BOHR))


def _walk(watch: Watch, start: Geometry, max_steps: int, trust: float, log: TextIO) -> str | None:
    """One call of geomeTRIC; a clause that says what went wrong, or None if nothing did."""
    import numpy as np
    from geometric.errors import Error, GeomOptNotConvergedError

    with tempfile.TemporaryDirectory() as scratch, _geometric_writes_to(log):
        try:
            _optimise(watch, start, max_steps, trust, scratch)
        except GeomOptNotConvergedError:
            watch.converged = False
        except Oscillates as exc:
            return str(exc)
        except (Error, np.linalg.LinAlgError, RuntimeError, AssertionError) as exc:
            if exc is watch.raised:
                raise  # the energy's own failure, which no Hessian mends
            return f"was given up by geomeTRIC ({exc or type(exc).__name__})"
        else:
            watch.converged = True
    return None


def _optimise(watch: Watch, start: Geometry, max_steps: int, trust: float, scratch: str) -> None:
    import numpy as np
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
    settings = OptParams(
        maxiter=max_steps,
        convergence_gmax=MAX_FORCE_TARGET,
        convergence_grms=RMS_FORCE_TARGET,
        convergence_energy=ENERGY_TARGET,
        convergence_dmax=MAX_SHIFT_TARGET,
        convergence_drms=RMS_SHIFT_TARGET,
        trust=trust,
        tmax=trust * MAX_TRUST_ANGSTROM / TRUST_ANGSTROM,
    )
    positions = np.ravel(molecule.xyzs[0]) * ang2bohr
    Optimize(positions, molecule, coordinates, _engine(molecule, watch), scratch, settings)


def _engine(molecule: Any, watch: Watch) -> Any:
    from geometric.engine import Engine

    class EvaluateEngine(Engine):
        """Answers geomeTRIC with our energies."""

        def calc_new(self, coords: Any, dirname: str) -> dict[str, Any]:
            energy, gradient = watch.evaluate(coords.reshape(-1, 3))
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
