"""One molecule's Kohn-Sham equations: built, solved, and told about cycle by cycle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulations.base import Context, Note
from simulations.errors import ScienceError

from .geometry import Geometry
from .inspect import Molecule
from .methods import FUNCTIONALS, core_potential, disp_of
from .params import MoleculeDftParams

CHECKPOINT_NAME = "checkpoint.chk"

CycleReport = Callable[[int, float, float], None]
"""Called with the SCF cycle from 1, the energy and |dE|, both in hartree."""

SCF_HINTS = (
    "Check charge and multiplicity: the wrong spin state often will not converge.",
    "Check the geometry: atoms too close or too far apart.",
    "Try a functional without exact exchange first (PBE), or a smaller basis.",
    "Allow more cycles (scf_max_cycles).",
)


class Calculation:
    """Energies and forces of one molecule wherever its atoms are put.

    The density of one geometry is the first guess for the next.
    """

    def __init__(
        self,
        molecule: Molecule,
        params: MoleculeDftParams,
        geometry: Geometry,
        context: Context,
        on_cycle: CycleReport,
    ) -> None:
        from pyscf import lib

        lib.num_threads(context.threads)
        self.notes: list[Note] = []
        self._log = context.log
        self._on_cycle = on_cycle
        self._cycle = 0
        mol = _pyscf_molecule(molecule, params, geometry, context)
        self.mean_field = _mean_field(mol, params, context.workdir / CHECKPOINT_NAME)
        self.mean_field.callback = self._after_cycle
        self._density = self._previous_density(context.previous)
        self._checkpoint_declared = False
        self._context = context

    def energy(self, positions_bohr: Any = None) -> float:
        """Solve for these positions, or where the atoms are.

        :raises ScienceError: the SCF does not converge, second-order steps included.
        """
        mf = self.mean_field
        if positions_bohr is not None:
            mf.reset(mf.mol.set_geom_(positions_bohr, unit="Bohr", inplace=False))
        self._cycle = 0
        mf.kernel(dm0=self._density)
        self._declare_checkpoint()
        if not mf.converged:
            self._second_order()
        self._density = mf.make_rdm1()
        return float(mf.e_tot)

    def gradient(self) -> Any:
        """dE/dR of the last energy, hartree/bohr, as an array of (n, 3)."""
        return self.mean_field.nuc_grad_method().kernel()

    def _second_order(self) -> None:
        mf = self.mean_field
        self._log.write("\nThe SCF did not converge: trying second-order steps.\n")
        newton = mf.newton()
        newton.callback = self._after_cycle
        newton.kernel(mf.mo_coeff, mf.mo_occ)
        if not newton.converged:
            raise ScienceError(
                f"The SCF did not converge in {mf.max_cycle} cycles, nor by second-order steps.",
                hints=SCF_HINTS,
            )
        for name in ("converged", "e_tot", "mo_energy", "mo_coeff", "mo_occ"):
            setattr(mf, name, getattr(newton, name))
        message = (
            "The SCF needed second-order steps: make sure that the spin state is the right one."
        )
        if not any(note.code == "second_order_scf" for note in self.notes):
            self.notes.append(Note(code="second_order_scf", message=message))

    def _after_cycle(self, env: dict[str, Any]) -> None:
        # The second-order solver goes by other names than the ordinary one.
        energy = float(env["e_tot"])
        delta = abs(energy - float(env["last_hf_e"])) if "last_hf_e" in env else 0.0
        self._cycle += 1
        self._on_cycle(self._cycle, energy, delta)

    def _previous_density(self, previous: Path | None) -> Any:
        path = previous / CHECKPOINT_NAME if previous else None
        if path is None or not path.exists():
            return None
        try:
            density = self.mean_field.from_chk(str(path))
        except Exception as exc:
            # It was being written when its machine died.
            self._log.write(f"The checkpoint cannot be used, starting afresh: {exc}\n")
            return None
        self._log.write(f"Starting from the density in {path.name} of the lost attempt.\n")
        message = "Resumed from the checkpoint of an attempt that was lost."
        self.notes.append(Note(code="resumed", message=message))
        return density

    def _declare_checkpoint(self) -> None:
        if not self._checkpoint_declared:
            self._checkpoint_declared = True
            title = "PySCF checkpoint (orbitals, density)"
            self._context.artifact(CHECKPOINT_NAME, title, "application/x-hdf5")


def _pyscf_molecule(
    molecule: Molecule, params: MoleculeDftParams, geometry: Geometry, context: Context
) -> Any:
    from pyscf import gto, lib

    bohr = [[x / lib.param.BOHR for x in position] for position in geometry.positions]
    mol = gto.Mole()
    mol.stdout = context.log
    mol.verbose = 4
    return mol.build(
        dump_input=False,
        parse_arg=False,
        atom=list(zip(geometry.symbols, bohr, strict=True)),
        unit="Bohr",
        basis=params.basis,
        ecp=core_potential(params.basis, set(geometry.symbols)),
        charge=molecule.charge,
        spin=molecule.multiplicity - 1,
    )


def _mean_field(mol: Any, params: MoleculeDftParams, checkpoint: Path) -> Any:
    from pyscf import dft

    unrestricted = mol.spin != 0
    mf = (dft.UKS if unrestricted else dft.RKS)(mol, xc=FUNCTIONALS[params.functional].xc)
    if params.density_fit:
        mf = mf.density_fit()
    mf.disp = disp_of(params.functional, params.dispersion)
    mf.grids.level = params.grid_level
    mf.max_cycle = params.scf_max_cycles
    mf.conv_tol = params.scf_convergence_hartree
    # PySCF opened a temporary file for it, which nobody would close.
    mf._chkfile.close()
    mf.chkfile = str(checkpoint)
    return mf
