"""Density functionals of crystals on one uniform grid, every orbital kept in memory.

PySCF's own `FFTDF` evaluates the basis functions again in each cycle; for the small cells of this
package they fit into memory, and a cycle is then a few matrix products (LiC6: 0.2 s, not 2 s).
Import it where a crystal is computed: this module needs PySCF.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from pyscf import lib
from pyscf.pbc import tools
from pyscf.pbc.dft.multigrid.multigrid import MultiGridNumInt
from pyscf.pbc.gto.pseudo import pp_int

from .bloch import BlochFunctions

BLOCK = 1024
"""Grid points at a time: what is made of them stays in the cache, and asks for no new memory."""
UNOCCUPIED = 1e-12
"""Natural orbitals below are left out of the density, as parts of the fullest."""


class UniformGrid(MultiGridNumInt):
    """Coulomb, GGA and pseudopotential matrices; PySCF asks for them as for its multigrid's."""

    def __init__(self, cell: Any, kpts: Any) -> None:
        super().__init__(cell)
        self._kpts = kpts
        self._weight = cell.vol / int(np.prod(self.mesh))

    @cached_property
    def _orbitals(self) -> list[Any]:
        """The basis functions on the grid, for each k-point."""
        return BlochFunctions(self.cell, self._kpts, self.mesh).values()

    @cached_property
    def _wave_vectors(self) -> Any:
        return self.cell.get_Gv(self.mesh)

    def get_pp(self, kpts: Any = None) -> Any:
        """The pseudopotential's matrix at each k-point."""
        cell, waves = self.cell, self._wave_vectors
        factors = cell.get_SI(waves)
        local = -np.einsum("ig,ig->g", factors, pp_int.get_gth_vlocG_part1(cell, waves))
        # The transform back already holds the weight of a grid point.
        matrix = self._matrix(tools.ifft(local, self.mesh).real)
        short_ranged = np.asarray(pp_int.get_pp_loc_part2(cell, self._kpts))
        return matrix + short_ranged + np.asarray(pp_int.get_pp_nl(cell, self._kpts))

    def nr_rks(self, cell: Any, grids: Any, xc_code: str, dm_kpts: Any, *_: Any, **__: Any) -> Any:
        """Electrons on the grid, XC energy, and the matrix of Coulomb and XC potential."""
        density = self._density(dm_kpts)
        transformed = tools.fft(density, self.mesh)
        coulomb_kernel = tools.get_coulG(cell, mesh=self.mesh)
        coulomb = tools.ifft(transformed * coulomb_kernel, self.mesh).real
        energy, potential = self._exchange_correlation(xc_code, density, transformed)
        matrix = lib.tag_array(
            self._matrix((coulomb + potential) * self._weight),
            ecoul=0.5 * density.dot(coulomb) * self._weight,
            exc=energy,
            vj=None,
            vk=None,
        )
        return density.sum() * self._weight, energy, matrix

    def _density(self, dm_kpts: Any) -> Any:
        density = np.zeros(int(np.prod(self.mesh)))
        for orbitals, dm in zip(self._orbitals, np.asarray(dm_kpts), strict=True):
            # Between real orbitals the antisymmetric, imaginary part of a matrix sums to nothing.
            occupations, natural = np.linalg.eigh(dm.real if np.isrealobj(orbitals) else dm)
            filled = abs(occupations) > UNOCCUPIED * abs(occupations).max()
            occupations, natural = occupations[filled], natural[:, filled]
            for block in _blocks(len(density)):
                amplitudes = orbitals[block] @ natural
                density[block] += (amplitudes.real**2 + amplitudes.imag**2) @ occupations
        return density / len(self._kpts)

    def _exchange_correlation(self, xc_code: str, density: Any, transformed: Any) -> Any:
        """Energy and local potential of a GGA, its gradients taken in Fourier space."""
        waves = 1j * self._wave_vectors.T
        slope = tools.ifft(waves * transformed, self.mesh).real
        values = np.vstack([density[None], slope])
        energies, parts = self.eval_xc_eff(xc_code, values, deriv=1, xctype="GGA")[:2]
        divergence = np.einsum("xg,xg->g", waves, tools.fft(parts[1:4], self.mesh))
        potential = parts[0] - tools.ifft(divergence, self.mesh).real
        return density.dot(energies) * self._weight, potential

    def _matrix(self, potential: Any) -> Any:
        """⟨i|v|j⟩ at each k-point, of a potential that holds the grid's weight."""
        return np.asarray([_weighted(phi, potential) for phi in self._orbitals], dtype=complex)


def _weighted(orbitals: Any, potential: Any) -> Any:
    matrix = np.zeros((orbitals.shape[1],) * 2, dtype=orbitals.dtype)
    for block in _blocks(len(orbitals)):
        phi = orbitals[block]
        matrix += phi.conj().T @ (potential[block, None] * phi)
    return matrix


def _blocks(n: int) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, n, BLOCK)]
