"""The basis functions of a crystal on its grid: smooth ones by waves, sharp ones cell by cell.

PySCF adds up each function from hundreds of cells at each point. A Gaussian whose transform
decays before the grid's last wave is the sum of those waves, to the eleventh digit, however far
it reaches. Import it where a crystal is computed: this module needs PySCF.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from pyscf.gto.mole import NCTR_OF, NPRIM_OF, PTR_COEFF
from pyscf.pbc import tools
from pyscf.pbc.df import ft_ao

DECAYED = 25.0
"""A Gaussian is nothing where its exponent is this: e⁻²⁵ is 1e-11."""
REAL_BELOW = 1e-9
"""How far twice a k-point may lie from a whole reciprocal vector, in parts of one."""


class BlochFunctions:
    """Of one cell, at each k-point: a row a grid point, real where the phases are."""

    def __init__(self, cell: Any, kpts: Any, mesh: Any) -> None:
        self._cell = cell
        self._kpts = kpts
        self._mesh = mesh
        self._points = cell.get_uniform_grids(mesh, wrap_around=False)
        self._waves = cell.get_Gv(mesh)
        limit = _smooth_up_to(cell, kpts, mesh)
        self._smooth = _only(cell, lambda exponents: exponents <= limit)
        self._sharp = _only(cell, lambda exponents: exponents > limit)
        self._reach = [_reach(cell.bas_exp(i), limit) for i in range(cell.nbas)]

    def values(self) -> list[Any]:
        twice = 2 * self._cell.get_scaled_kpts(self._kpts)
        are_real = (abs(twice - twice.round()) < REAL_BELOW).all(axis=1)
        sharp = self._sharp.pbc_eval_gto(
            "GTOval_sph", self._points, kpts=self._kpts, rcut=np.array(self._reach)
        )
        return [
            self._sum(k, values, is_real)
            for k, values, is_real in zip(self._kpts, sharp, are_real, strict=True)
        ]

    def _sum(self, k: Any, sharp: Any, is_real: bool) -> Any:
        phases = np.exp(1j * (self._points @ k)) * (len(self._points) / self._cell.vol)
        transforms = self._transforms(k)
        # Already as PySCF has them: a row a function.
        rows = np.array(sharp.T.real if is_real else sharp.T, order="C")
        if is_real:
            # Two that are real are the two parts of one that is complex.
            first, second = transforms[::2], transforms[1::2]
            first[: len(second)] += 1j * second
            both = tools.ifft(first, self._mesh) * phases
            rows[::2] += both.real
            rows[1::2] += both.imag[: len(second)]
        else:
            rows += tools.ifft(transforms, self._mesh) * phases
        return np.ascontiguousarray(rows.T)

    def _transforms(self, k: Any) -> Any:
        """A row for each smooth function; of the same element, they differ by where an atom is."""
        cell = self._smooth
        rows = np.empty((cell.nao, len(self._waves)), dtype=complex)
        positions = cell.atom_coords()
        for atoms in _alike(cell):
            first, last = cell.aoslice_by_atom()[atoms[0]][:2]
            there = ft_ao.ft_ao(cell, self._waves, shls_slice=(first, last), kpt=k).T
            for atom in atoms:
                move = positions[atom] - positions[atoms[0]]
                begin, end = cell.aoslice_by_atom()[atom][2:]
                rows[begin:end] = there * np.exp(-1j * ((self._waves + k) @ move))
        return rows


def _smooth_up_to(cell: Any, kpts: Any, mesh: Any) -> float:
    """The largest exponent whose transform has decayed where the grid's waves end."""
    planes = 2 * np.pi / np.linalg.norm(cell.lattice_vectors(), axis=1)
    last = min(plane * (n // 2) for plane, n in zip(planes, mesh, strict=True))
    last -= max(np.linalg.norm(k) for k in kpts)
    return float(max(last, 0.0) ** 2 / (4 * DECAYED))


def _only(cell: Any, chosen: Any) -> Any:
    """The cell with the same functions, made of some of their Gaussians."""
    part = cell.copy()
    part._env = cell._env.copy()
    for i in range(cell.nbas):
        n, contracted, at = cell._bas[i, [NPRIM_OF, NCTR_OF, PTR_COEFF]]
        # Atoms of one element share their coefficients.
        kept = cell._env[at : at + n * contracted].reshape(contracted, n) * chosen(cell.bas_exp(i))
        part._env[at : at + n * contracted] = kept.ravel()
    return part


def _reach(exponents: Any, limit: float) -> float:
    """How far the widest of the sharp Gaussians goes, bohr."""
    sharp = exponents[exponents > limit]
    return float(np.sqrt((DECAYED + 5) / sharp.min())) if len(sharp) else 0.0


def _alike(cell: Any) -> Iterator[list[int]]:
    """Atoms of the same element."""
    symbols = [cell.atom_symbol(i) for i in range(cell.natm)]
    for symbol in dict.fromkeys(symbols):
        yield [i for i, other in enumerate(symbols) if other == symbol]
