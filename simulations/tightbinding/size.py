"""How large an xTB calculation is, and how its cost grows with that."""

from __future__ import annotations

from typing import Any

from simulations.costs import Cost, Size
from simulations.costs.law import Term, law, switch

from .conformer_params import ConformerSearchParams
from .params import XtbParams, XtbStartParams


def xtb_size(params: XtbParams, structure: dict[str, Any] | None) -> Size | None:
    if structure is None:
        return None
    return {
        "n_atoms": structure["n_atoms"],
        "n_electrons": structure["n_electrons"],
        "in_solvent": params.solvent != "none",
    }


def started_size(params: XtbStartParams, structure: dict[str, Any] | None) -> Size | None:
    size = xtb_size(params, structure)
    return size and {**size, "n_conformers": params.n_conformers}


def search_size(params: ConformerSearchParams, structure: dict[str, Any] | None) -> Size | None:
    size = xtb_size(params, structure)
    if size is None or structure is None:
        return None
    return {**size, "n_trials": params.n_trials, "n_rotatable_bonds": _rotatable(structure)}


def _rotatable(structure: dict[str, Any]) -> int:
    from rdkit import Chem
    from rdkit.Chem import rdMolDescriptors

    return int(rdMolDescriptors.CalcNumRotatableBonds(Chem.MolFromSmiles(structure["smiles"])))


SOLVENT = switch("in_solvent", 0.2, 0.2)
MEMORY = law(0.15, Term("n_atoms", 1.5, 0.5))
OPTIMIZATION = Cost(
    size=started_size,
    seconds=law(0.5, Term("n_atoms", 2.0, 0.4), Term("n_conformers", 0.9, 0.2), SOLVENT),
    memory=MEMORY,
)
FREQUENCIES = Cost(
    size=started_size,
    seconds=law(0.4, Term("n_atoms", 2.7, 0.4), Term("n_conformers", 0.5, 0.3), SOLVENT),
    memory=MEMORY,
)
# Of a rigid molecule all trials are one conformer, and one is relaxed.
CONFORMERS = Cost(
    size=search_size,
    seconds=law(
        0.5,
        Term("n_atoms", 2.0, 0.4),
        Term("n_trials", 0.9, 0.15),
        switch("n_rotatable_bonds", 0.15, 0.1),
        SOLVENT,
    ),
    memory=MEMORY,
)
