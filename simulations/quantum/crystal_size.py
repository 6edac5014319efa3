"""How large a crystal calculation is, and how its cost grows with that."""

from __future__ import annotations

import math
from typing import Any

from simulations.costs import Cost, Size
from simulations.costs.law import Term, law

from .crystal_params import DftCrystalParams, cutoff_of, mesh_of, understand
from .gth import n_electrons, n_functions
from .lattice import fft_mesh
from .vacuum import varied


def crystal_size(params: DftCrystalParams, structure: dict[str, Any] | None) -> Size | None:
    crystal, _ = understand(params)
    symbols = [symbol for symbol, _ in crystal.sites]
    return {
        "kind": params.task,
        "n_atoms": len(symbols),
        "n_electrons": n_electrons(symbols),
        "n_basis_functions": n_functions(symbols, params.basis),
        "n_k_points": math.prod(mesh_of(params, crystal)),
        "n_grid_points": math.prod(fft_mesh(crystal, cutoff_of(params, crystal))),
        "n_lattice_constants": len(varied(crystal)),
    }


CRYSTAL = Cost(
    size=crystal_size,
    seconds=law(
        0.4,
        Term("n_grid_points", 0.8, 0.3),
        Term("n_basis_functions", 1.0, 0.4),
        Term("n_k_points", 0.8, 0.3),
        Term("n_lattice_constants", 1.0, 0.5),
    ),
    memory=law(
        0.4,
        Term("n_grid_points", 0.8, 0.3),
        Term("n_basis_functions", 0.6, 0.4),
        Term("n_k_points", 0.5, 0.3),
    ),
)
