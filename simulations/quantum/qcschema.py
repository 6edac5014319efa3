"""Results in QCSchema, the field's interchange format, validated by QCElemental's models."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from simulations.base import Context

from .geometry import Geometry
from .inspect import Molecule
from .methods import FUNCTIONALS, disp_of
from .optimize import Step
from .params import MoleculeDftParams

QCSCHEMA_NAME = "qcschema.json"


def write_atomic(
    context: Context, energy: float, molecule: Molecule, params: MoleculeDftParams,
    geometry: Geometry,
) -> None:  # fmt: skip
    """A single energy as an AtomicResult."""
    result = _atomic(molecule, params, geometry, "energy", energy, energy)
    _write(context, result)


def write_hessian(
    context: Context, energy: float, hessian: Any, molecule: Molecule, params: MoleculeDftParams,
    geometry: Geometry,
) -> None:  # fmt: skip
    """A Hessian as an AtomicResult."""
    _write(context, _atomic(molecule, params, geometry, "hessian", energy, hessian))


def write_optimization(
    context: Context, steps: Sequence[Step], molecule: Molecule, params: MoleculeDftParams
) -> None:
    """The steps of this attempt as an OptimizationResult."""
    from qcelemental.models.v1 import OptimizationResult

    trajectory = [
        _atomic(molecule, params, step.geometry, "gradient", step.energy, step.gradient)
        for step in steps
    ]
    result = OptimizationResult(
        initial_molecule=trajectory[0].molecule,
        final_molecule=trajectory[-1].molecule,
        trajectory=trajectory,
        energies=[step.energy for step in steps],
        input_specification={"driver": "gradient", "model": _model(params)},
        success=True,
        provenance={"creator": "geomeTRIC", "version": version("geometric")},
    )
    _write(context, result)


def _atomic(
    molecule: Molecule,
    params: MoleculeDftParams,
    geometry: Geometry,
    driver: str,
    energy: float,
    value: Any,
) -> Any:
    from qcelemental.models.v1 import AtomicResult

    return AtomicResult(
        molecule=_molecule(molecule, geometry),
        driver=driver,
        model=_model(params),
        keywords={
            "dispersion": params.dispersion,
            "density_fit": params.density_fit,
            "grid_level": params.grid_level,
            "scf_convergence_hartree": params.scf_convergence_hartree,
            "reference": params.reference,
            "solvent": params.solvent,
            "solvent_model": params.solvent_model,
        },
        properties={"return_energy": energy, "scf_total_energy": energy},
        return_result=value,
        success=True,
        provenance={"creator": "PySCF", "version": version("pyscf")},
    )


def _molecule(molecule: Molecule, geometry: Geometry) -> Any:
    import numpy as np
    from qcelemental import constants
    from qcelemental.models.v1 import Molecule as QCMolecule

    return QCMolecule(
        symbols=list(geometry.symbols),
        geometry=np.array(geometry.positions) / constants.bohr2angstroms,
        molecular_charge=molecule.charge,
        molecular_multiplicity=molecule.multiplicity,
        fix_com=True,
        fix_orientation=True,
    )


def _model(params: MoleculeDftParams) -> dict[str, str]:
    """Method and basis by which a reader would get this energy again, dispersion named."""
    correction = disp_of(params.functional, params.dispersion)
    method = FUNCTIONALS[params.functional].xc
    return {"method": f"{method}-{correction}" if correction else method, "basis": params.basis}


def _write(context: Context, result: Any) -> None:
    (context.workdir / QCSCHEMA_NAME).write_text(result.json())
    context.artifact(QCSCHEMA_NAME, "QCSchema", "application/json")
