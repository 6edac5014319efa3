"""From params to PySCF's objects: molecule and basis, Kohn-Sham method, solvent."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, TextIO

from .geometry import Geometry
from .inspect import Molecule
from .methods import FUNCTIONALS, core_potential, disp_of, reference_of
from .params import MoleculeDftParams
from .solvents import SOLVENTS


def pyscf_molecule(
    molecule: Molecule, params: MoleculeDftParams, geometry: Geometry, log: TextIO
) -> Any:
    from pyscf import gto, lib

    bohr = [[x / lib.param.BOHR for x in position] for position in geometry.positions]
    mol = gto.Mole()
    mol.stdout = log
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


def mean_field(mol: Any, params: MoleculeDftParams, checkpoint: Path) -> Any:
    from pyscf import dft

    method = getattr(dft, reference_of(params.reference, mol.spin + 1))
    mf = method(mol, xc=FUNCTIONALS[params.functional].xc)
    if params.density_fit:
        mf = density_fitted(mf)
    mf.disp = disp_of(params.functional, params.dispersion)
    mf.grids.level = params.grid_level
    mf.max_cycle = params.scf_max_cycles
    mf.conv_tol = params.scf_convergence_hartree
    # PySCF opened a temporary file for it, which nobody would close.
    mf._chkfile.close()
    mf.chkfile = str(checkpoint)
    return _in_solvent(mf, params)


def density_fitted(mf: Any) -> Any:
    """By the fitting basis that goes with the orbitals', or where that lacks an element by one that
    PySCF makes for it: cc-pVTZ has helium, and its fitting basis has not."""
    from pyscf import df
    from pyscf.lib.exceptions import BasisNotFoundError

    fitted = mf.density_fit()
    with warnings.catch_warnings():
        # PySCF says at length what is done here.
        warnings.simplefilter("ignore", UserWarning)
        try:
            df.make_auxmol(mf.mol, fitted.with_df.auxbasis)
        except BasisNotFoundError:
            fitted.with_df.auxbasis = df.make_auxbasis(mf.mol)
    return fitted


def _in_solvent(mf: Any, params: MoleculeDftParams) -> Any:
    if params.solvent == "none":
        return mf
    solvent = SOLVENTS[params.solvent]
    if params.solvent_model == "SMD":
        mf = mf.SMD()
        mf.with_solvent.solvent = solvent.smd
        return mf
    mf = mf.PCM()
    mf.with_solvent.method = params.solvent_model
    mf.with_solvent.eps = solvent.epsilon
    return mf
