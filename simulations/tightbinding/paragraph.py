"""What a GFN-xTB calculation did, in sentences for a paper."""

from __future__ import annotations

from typing import Any

from simulations.quantum.paragraph import (
    codes,
    embedded,
    optimised,
    program,
    stationary,
    thermochemistry,
)
from simulations.structures import resolve

from .conformer_params import ConformerSearchParams, ConformerSearchResult
from .hessian import STEP_BOHR
from .params import XtbParams, XtbStartParams

METHOD_KEYS = {"GFN2-xTB": "gfn2", "GFN1-xTB": "gfn1"}
NUMERICAL_HESSIAN = (
    "The Hessian was computed from central differences of the gradients with displacements "
    f"of {STEP_BOHR:g} bohr"
)


def optimisation(params: XtbStartParams, result: Any) -> str:
    walked = optimised(result.versions, f" after {result.n_steps} steps")
    return f"{_method(params, result)} {_start(params, result)} {walked}"


def xtb_frequencies(params: Any, result: Any) -> str:
    hessian = f"{NUMERICAL_HESSIAN}; {thermochemistry(params, result)}"
    where = stationary(params, result)
    return f"{_method(params, result)} {_start(params, result)} {where} {hessian}"


def conformers(params: ConformerSearchParams, result: ConformerSearchResult) -> str:
    structure = resolve(params.structure)
    made = embedded(structure, params.seed, result.versions)
    geometric = program("geomeTRIC", result.versions, "geometric")
    return (
        f"{_method(params, result)} {params.n_trials} trial structures of {result.formula} were "
        f"{made}; of the {result.n_embedded} that could be made, {result.n_relaxed} distinct ones "
        f"were optimised with {geometric} [@geometric]. Conformers within "
        f"{params.rmsd_threshold_angstrom:g} Å of each other and equal in energy were taken as "
        f"one, which left {result.n_conformers} within {params.energy_window_kcal_mol:g} kcal/mol "
        f"of the lowest; Boltzmann weights are those of their energies at "
        f"{params.temperature_k:g} K."
    )


def level_of_theory(method: str, solvent: str, model: str) -> str:
    """`GFN2-xTB [@gfn2] with the ALPB model [@alpb] of water`."""
    surroundings = "" if solvent == "none" else f" with the {model} model [@alpb] of {solvent}"
    return f"{method} [@{METHOD_KEYS[method]}]{surroundings}"


def _method(params: XtbParams, result: Any) -> str:
    theory = level_of_theory(params.method, params.solvent, params.solvent_model)
    return (
        f"Calculations of {result.formula} (charge {result.charge}, multiplicity "
        f"{result.multiplicity}) used {theory} in "
        f"{program('tblite', result.versions, 'tblite')}."
    )


def _start(params: XtbStartParams, result: Any) -> str:
    return start(params, "", result.versions, codes(result))


def start(params: XtbStartParams, of: str, versions: dict[str, str], noted: set[str]) -> str:
    """Where the geometry came from, as `simulations.quantum.paragraph.start`."""
    structure = resolve(params.structure)
    if structure.positions_angstrom is not None:
        return f"The coordinates{of} were taken as given."
    made = embedded(structure, params.seed, versions)
    if params.n_conformers > 1 and "conformer" in noted:
        return (
            f"Up to {params.n_conformers} 3D structures{of} were {made} and relaxed with "
            f"{params.method}, and the lowest was taken as the start."
        )
    return f"The starting structure{of} was {made}."
