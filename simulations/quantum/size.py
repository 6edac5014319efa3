"""How large a molecular DFT calculation is, and how its cost grows with that."""

from __future__ import annotations

from typing import Any

from simulations.costs import Cost, Law, Size
from simulations.costs.law import Term, law, switch
from simulations.structures.formula import parse

from .basis_size import n_basis_functions
from .methods import FUNCTIONALS, reference_of
from .params import MoleculeDftParams


def dft_size(params: MoleculeDftParams, structure: dict[str, Any] | None) -> Size | None:
    if structure is None:
        return None
    family = FUNCTIONALS[params.functional].family
    counts = parse(structure["formula"])
    return {
        "n_atoms": structure["n_atoms"],
        "n_electrons": structure["n_electrons"],
        "n_basis_functions": n_basis_functions(counts, params.basis) if counts else None,
        "grid_level": params.grid_level,
        "unrestricted": reference_of(params.reference, structure["multiplicity"]) != "RKS",
        "exact_exchange": "hybrid" in family,
        "meta_gga": "meta" in family,
        "density_fit": params.density_fit,
        "in_solvent": params.solvent != "none",
        "n_conformers": params.n_conformers,
    }


def frequencies_size(params: Any, structure: dict[str, Any] | None) -> Size | None:
    size = dft_size(params, structure)
    return size and {**size, "optimize_first": params.optimize_first}


METHOD = (
    switch("grid_level", 0.25, 0.1),
    switch("unrestricted", 0.6, 0.2),
    switch("exact_exchange", 0.3, 0.3),
    switch("meta_gga", 0.3, 0.2),
    switch("density_fit", -0.3, 0.7),
    switch("in_solvent", 0.3, 0.3),
)
MEMORY = law(
    0.3,
    Term("n_basis_functions", 1.5, 0.5),
    switch("density_fit", 0.2, 0.3),
    switch("unrestricted", 0.2, 0.2),
)


def _law(noise: float, functions: float, *more: Term) -> Law:
    return law(noise, Term("n_basis_functions", functions, 0.35), *METHOD, more=more)


SINGLE_POINT = Cost(size=dft_size, seconds=_law(0.25, 2.0), memory=MEMORY)
# How many steps it takes grows with the atoms, and nobody knows it before.
OPTIMIZATION = Cost(
    size=dft_size, seconds=_law(0.45, 2.0, Term("n_atoms", 0.5, 0.35)), memory=MEMORY
)
FREQUENCIES = Cost(
    size=frequencies_size,
    seconds=_law(0.35, 2.2, Term("n_atoms", 0.8, 0.3), switch("optimize_first", 0.4, 0.3)),
    memory=MEMORY,
)
