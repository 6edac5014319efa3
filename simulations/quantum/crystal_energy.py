"""The energy of a crystal as a function of its lattice constants."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulations.base import Context, Note
from simulations.errors import ScienceError
from simulations.structures import Crystal

from .calculation import CHECKPOINT_NAME
from .crystal_params import DftCrystalParams, cutoff_of, mesh_of
from .crystal_rescue import OTHER_GUESS, converge_crystal, note_on_crystal
from .gth import NO_MINIMAL_BASIS
from .lattice import BOHR_PER_ANGSTROM, vectors
from .memory import plan_within
from .progress import CycleReport
from .rescue import DIIS, Rung

PSEUDOPOTENTIAL = "gth-pbe"
PRECISION = 1e-6
"""Of lattice sums: LiC6 differs by 2e-9 hartree from PySCF's own 1e-8, in 3/4 of the time."""
MAX_ORBITAL_BYTES = 4e9
"""What the basis functions on the grid may take; refused beforehand beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrystalEnergy:
    """:param total: free energy at the smearing, dispersion included, hartree per cell."""

    total: float
    zero_smearing: float
    dispersion: float
    cycles: int


class CrystalCalculation:
    """Single points of one crystal: one grid for all cells, each density a guess for the next.

    With the grid fixed, the energy is a smooth function of the lattice constants.
    """

    def __init__(
        self,
        crystal: Crystal,
        params: DftCrystalParams,
        context: Context,
        on_cycle: CycleReport,
        on_rescue: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        """:param on_rescue: told in a sentence of each rung of the ladder that is tried."""
        from pyscf import lib

        lib.num_threads(context.threads)
        lib.param.TMPDIR = tempfile.gettempdir()
        self._crystal = crystal
        self._params = params
        self._context = context
        self._on_cycle = on_cycle
        self._on_rescue = on_rescue
        self.notes: list[Note] = []
        self._density: Any = None
        self.k_mesh = mesh_of(params, crystal)
        self.ke_cutoff_hartree = cutoff_of(params, crystal)
        self.fft_mesh = self._fft_mesh()
        self._refuse_what_does_not_fit()

    def energy(self, constants: dict[str, float]) -> CrystalEnergy:
        """:raises ScienceError: the SCF does not converge, whatever is tried."""
        mf = self._mean_field(constants)
        guess = self._first_guess(mf) if self._density is None else self._density
        tried = converge_crystal(mf, guess, self._announce, self._params)
        if len(tried) > 1 and all(note.code != tried[-1].code for note in self.notes):
            self.notes.append(note_on_crystal(tried))
        if self._density is None:
            title = "PySCF checkpoint of the last cell"
            self._context.artifact(CHECKPOINT_NAME, title, "application/x-hdf5")
        self._density = mf.make_rdm1()
        dispersion = self._dispersion(mf.cell)
        return CrystalEnergy(
            total=float(mf.e_free) + dispersion,
            zero_smearing=float(mf.e_zero) + dispersion,
            dispersion=dispersion,
            cycles=int(mf.cycles),
        )

    def _first_guess(self, mf: Any) -> Any:
        """None leaves it to PySCF."""
        if NO_MINIMAL_BASIS.isdisjoint(symbol for symbol, _ in self._crystal.sites):
            return None
        return mf.get_init_guess(key=OTHER_GUESS)

    def _announce(self, rung: Rung) -> None:
        if rung is not DIIS:
            sentence = f"the SCF has not converged: trying {rung.title}"
            self._context.log.write(f"\n{sentence[0].upper()}{sentence[1:]}.\n")
            self._on_rescue(sentence)

    def _mean_field(self, constants: dict[str, float]) -> Any:
        from pyscf.pbc import dft
        from pyscf.pbc.scf.addons import smearing_

        from .uniform_grid import UniformGrid

        cell = self._cell(constants)
        kpts = cell.make_kpts(self.k_mesh)
        mf = dft.KRKS(cell, kpts, xc="pbe")
        mf._numint = UniformGrid(cell, kpts)
        mf = smearing_(mf, sigma=self._params.smearing_hartree, method="fermi")
        mf.conv_tol = self._params.scf_convergence_hartree
        mf.max_cycle = self._params.scf_max_cycles
        # PySCF opened a temporary file for it, which nobody would close.
        mf._chkfile.close()
        mf.chkfile = str(self._context.workdir / CHECKPOINT_NAME)
        mf.callback = _cycle_teller(self._on_cycle)
        return mf

    def _cell(self, constants: dict[str, float], mesh: Any = None) -> Any:
        import numpy as np
        from pyscf.pbc import gto

        edges = np.array(vectors(self._crystal, constants)) * BOHR_PER_ANGSTROM
        cell = gto.Cell()
        cell.stdout = self._context.log
        cell.verbose = 4
        cell.unit = "Bohr"
        cell.a = edges
        cell.atom = [(symbol, np.array(site) @ edges) for symbol, site in self._crystal.sites]
        cell.basis = self._params.basis
        cell.pseudo = PSEUDOPOTENTIAL
        cell.mesh = mesh or self.fft_mesh
        cell.spin = None
        cell.precision = PRECISION
        plan_within(cell, self._context)
        return cell.build(dump_input=False, parse_arg=False)

    def _fft_mesh(self) -> tuple[int, int, int]:
        """The grid that resolves the cutoff in the literature's cell."""
        import numpy as np
        from pyscf.pbc import tools

        edges = np.array(vectors(self._crystal, self._crystal.constants)) * BOHR_PER_ANGSTROM
        first, second, third = tools.cutoff_to_mesh(edges, self.ke_cutoff_hartree)
        return int(first), int(second), int(third)

    def _refuse_what_does_not_fit(self) -> None:
        import numpy as np

        functions = self._cell(self._crystal.constants).nao
        numbers = functions * float(np.prod(self.fft_mesh)) * float(np.prod(self.k_mesh))
        if numbers * np.dtype(complex).itemsize > MAX_ORBITAL_BYTES:
            raise ScienceError(
                f"{functions} basis functions on a grid of {self.fft_mesh} points and "
                f"{self.k_mesh} k-points do not fit into memory.",
                hints=["Take fewer k-points (k_mesh), a smaller basis or a lower grid cutoff."],
            )

    def _dispersion(self, cell: Any) -> float:
        if self._params.dispersion == "none":
            return 0.0
        from pyscf.dispersion.dftd3 import DFTD3Dispersion

        return float(DFTD3Dispersion(cell, "pbe", "d3bj").get_dispersion()["energy"])


def _cycle_teller(on_cycle: CycleReport) -> Callable[[dict[str, Any]], None]:
    def tell(env: dict[str, Any]) -> None:
        energy = float(env["e_tot"])
        on_cycle(env["cycle"] + 1, energy, abs(energy - float(env["last_hf_e"])))

    return tell
