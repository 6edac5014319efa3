"""Whether a converged SCF is a minimum of its energy, or a saddle with a lower solution beside it.

The test costs about as much as the last cycles of the SCF. A sign that costs next to nothing says
which molecules need it: the softest rotation among the orbitals around the gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from .mean_field import density_fitted

SUSPICIOUS_BELOW_HARTREE = 0.035
"""Of the sign: of 40 unstable cases the highest is at 0.01, water is at 0.25, caffeine at 0.08."""
UNSTABLE_BELOW_HARTREE = -0.005
"""Curvatures of noise and of free rotation, as of a hole in a shell, are within this of nought."""
GRID_LEVEL, GRID_LEVEL_OF_META = 0, 1
"""Curvatures on these are within 0.002 hartree of those on finer grids; kinetic energy densities
need the finer one."""
WINDOW = 6
"""Orbitals on each side of the gap that the sign looks at."""
N_STARTS = 6
"""Of different symmetry, which a search that begins at one never leaves."""
EXCHANGE_OF_LOCAL = 0.5
"""In the sign a local functional's exchange counts for so much of the exact."""
LONG_RANGE_COUNTS = 2 / 3
"""In the sign, of what the exact exchange of a range-separated functional gains over distance."""
BLOCK_SHARE = 0.2
"""Of the memory that is left, for fitted integrals at a time."""
MAX_ITERATIONS = 40
TOLERANCE = 1e-4

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spin:
    """Electrons whose orbitals turn together: of one spin, or in a closed shell of both."""

    filled: Any
    empty: Any
    gaps: Any
    """Of each empty orbital over each filled one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """The softest rotation of filled orbitals into empty ones.

    :param curvature: of the energy along it, in hartree; below nought there is a lower solution.
    :param steps: for each spin, (empty, filled).
    """

    curvature: float
    steps: tuple[Any, ...]

    @property
    def is_unstable(self) -> bool:
        return self.curvature < UNSTABLE_BELOW_HARTREE


def softest_rotation(mf: Any, tell: Tell) -> Rotation | None:
    """None where nothing points to an instability, or where there is no test for it.

    A closed shell is tested for orbitals that differ by spin, an unrestricted one for any others
    of its kind. PySCF has the first only as half of a test that costs twice as much, and its
    second begins at rotations alike in both spins, which never leave a closed shell.
    """
    from pyscf import lib, scf

    if isinstance(mf, scf.rohf.ROHF):
        return None
    spins = _spins(mf)
    if not all(spin.gaps.size for spin in spins):
        return None
    sign, starts = _softest_near_gap(mf, spins)
    if sign > SUSPICIOUS_BELOW_HARTREE:
        return None
    with lib.temporary_env(mf, grids=_coarser(mf)), _solvent_following(mf, spins):
        return _softest(mf, spins, starts, tell)


def turned(mf: Any, rotation: Rotation) -> Any:
    """The orbitals of an unrestricted mean field, turned as the rotation says."""
    import numpy as np
    from pyscf.soscf.newton_ah import expmat

    turned = []
    for orbitals, filled, step in zip(mf.mo_coeff, mf.mo_occ > 0, rotation.steps, strict=True):
        generator = np.zeros((filled.size, filled.size))
        generator[np.ix_(~filled, filled)] = step
        turned.append(orbitals @ expmat(generator - generator.T))
    return np.array(turned)


def _spins(mf: Any) -> list[Spin]:
    import numpy as np

    orbitals = mf.mo_coeff if np.ndim(mf.mo_occ) == 2 else [mf.mo_coeff]
    rows = zip(orbitals, np.atleast_2d(mf.mo_energy), np.atleast_2d(mf.mo_occ), strict=True)
    return [
        Spin(
            filled=row[:, filled > 0],
            empty=row[:, filled == 0],
            gaps=energies[filled == 0][:, None] - energies[filled > 0],
        )
        for row, energies, filled in rows
    ]


def _exact_exchange(mf: Any) -> float:
    """How much of it counts between orbitals around the gap."""
    omega, at_long_range, at_short = mf._numint.rsh_and_hybrid_coeff(mf.xc, mf.mol.spin)
    if omega and at_long_range:
        return float(at_short + LONG_RANGE_COUNTS * (at_long_range - at_short))
    return float(at_short)


def _softest_near_gap(mf: Any, spins: list[Spin]) -> tuple[float, list[Any]]:
    """The lowest eigenvalue among rotations of orbitals around the gap, and what to start from.

    The Hessian is that of exact exchange, for which a local functional's is taken in part where
    two orbitals overlap.
    """
    import numpy as np

    exact = _exact_exchange(mf)
    gaps = [spin.gaps[:WINDOW, -WINDOW:] for spin in spins]
    fitted = [_fitted(mf, spin) for spin in spins]
    blocks = [[np.zeros((one.size, two.size)) for two in gaps] for one in gaps]
    for i, (holes, particles, pairs) in enumerate(fitted):
        size = gaps[i].size
        direct = np.einsum("Lij,Lab->aibj", holes, particles).reshape(size, size)
        crossed = np.einsum("Laj,Lbi->aibj", pairs, pairs).reshape(size, size)
        flat = pairs.reshape(-1, size)
        blocks[i][i] += np.diag(gaps[i].ravel()) - exact * (direct + crossed)
        blocks[i][i] -= (1 - exact) * 2 * EXCHANGE_OF_LOCAL * flat.T @ flat
        # The charges of a closed shell do not move, for one spin undoes what the other does.
        for j in range(len(spins) if len(spins) > 1 else 0):
            blocks[i][j] += flat.T @ fitted[j][2].reshape(len(flat), -1) * 2
    values, vectors = np.linalg.eigh(np.block(blocks))
    return float(values[0]), [_spread(vector, spins) for vector in vectors.T[:N_STARTS]]


def _fitted(mf: Any, spin: Spin) -> tuple[Any, Any, Any]:
    """The fitted integrals (L|ij), (L|ab) and (L|ai) of filled i, j and empty a, b near the gap."""
    import numpy as np
    from pyscf import lib

    filled, empty = spin.filled[:, -WINDOW:], spin.empty[:, :WINDOW]
    near = np.hstack([filled, empty])
    fitting = _fitting(mf)
    blocks = fitting.loop(_block_size(fitting, len(near)))
    parts = [near.T @ lib.unpack_tril(block) @ near for block in blocks]
    integrals = np.concatenate(parts)
    n = filled.shape[1]
    return integrals[:, :n, :n], integrals[:, n:, n:], integrals[:, n:, :n]


def _block_size(fitting: Any, n_functions: int) -> int:
    """Of auxiliary functions at a time, so that they fit into the memory that is left."""
    from pyscf import lib

    left_mb = fitting.max_memory - lib.current_memory()[0]
    return max(4, min(int(fitting.blockdim), int(BLOCK_SHARE * left_mb * 1e6 / 8 / n_functions**2)))


def _spread(vector: Any, spins: list[Spin]) -> Any:
    """A rotation near the gap as one of all orbitals."""
    import numpy as np

    spread = []
    for spin in spins:
        full = np.zeros(spin.gaps.shape)
        near = full[:WINDOW, -WINDOW:]
        near[:] = vector[: near.size].reshape(near.shape)
        vector = vector[near.size :]
        spread.append(full.ravel())
    return np.concatenate(spread)


def _softest(mf: Any, spins: list[Spin], starts: list[Any], tell: Tell) -> Rotation:
    """By Davidson's method, which tells each iteration."""
    import numpy as np
    from pyscf import lib

    gaps = np.concatenate([spin.gaps.ravel() for spin in spins])
    curve = _curve(mf, spins)
    iterations = 0

    def told(vectors: Any) -> list[Any]:
        nonlocal iterations
        iterations += 1
        tell(f"is the SCF a minimum: iteration {iterations}")
        return [curve(vector) for vector in vectors]

    def precondition(residual: Any, value: float, _: Any) -> Any:
        distance = gaps - value
        return residual / np.where(np.abs(distance) < 1e-8, 1e-8, distance)

    _, values, vectors = lib.davidson1(
        told, starts, precondition, tol=TOLERANCE, max_cycle=MAX_ITERATIONS, nroots=1
    )
    # Either end of a vector is as good, and the same one is taken each time.
    vector = vectors[0] * np.sign(vectors[0][np.argmax(np.abs(vectors[0]))])
    return Rotation(curvature=float(values[0]), steps=tuple(_parted(vector, spins)))


def _curve(mf: Any, spins: list[Spin]) -> Callable[[Any], Any]:
    """The Hessian of the energy applied to a rotation, in units of the gaps."""
    import numpy as np

    closed = len(spins) == 1
    respond = _response(mf, closed)

    def applied(vector: Any) -> Any:
        steps = _parted(vector, spins)
        half = [
            (1 + closed) * spin.empty @ step @ spin.filled.T
            for spin, step in zip(spins, steps, strict=True)
        ]
        moved = np.array([part + part.T for part in half])
        potentials = [respond(moved[0])] if closed else respond(moved)
        return np.concatenate(
            [
                (spin.gaps * step + spin.empty.T @ potential @ spin.filled).ravel()
                for spin, step, potential in zip(spins, steps, potentials, strict=True)
            ]
        )

    return applied


def _response(mf: Any, closed: bool) -> Callable[[Any], Any]:
    """The potential that a change of the density makes."""
    if closed:
        return cast("Callable[[Any], Any]", mf.gen_response(singlet=False, hermi=1))
    return cast("Callable[[Any], Any]", mf.gen_response(hermi=1))


@contextmanager
def _solvent_following(mf: Any, spins: list[Spin]) -> Iterator[None]:
    """PySCF holds a solvent still otherwise, as for a quick excitation.

    That of a closed shell must be: it sees charges, and they do not move.
    """
    from pyscf import lib

    if len(spins) == 1 or not hasattr(mf, "with_solvent"):
        yield
        return
    with lib.temporary_env(mf.with_solvent, equilibrium_solvation=True):
        yield


def _parted(vector: Any, spins: list[Spin]) -> list[Any]:
    """One for each spin, (empty, filled)."""
    parts = []
    for spin in spins:
        parts.append(vector[: spin.gaps.size].reshape(spin.gaps.shape))
        vector = vector[spin.gaps.size :]
    return parts


def _coarser(mf: Any) -> Any:
    from pyscf import dft

    is_meta = mf._numint._xc_type(mf.xc) == "MGGA"
    grids = dft.gen_grid.Grids(mf.mol)
    grids.level = min(GRID_LEVEL_OF_META if is_meta else GRID_LEVEL, mf.grids.level)
    return grids


def _fitting(mf: Any) -> Any:
    """The fitted integrals that it uses, or where it uses none, some for the sign alone."""
    return mf.with_df if hasattr(mf, "with_df") else density_fitted(mf).with_df
