"""How large a reaction is: its species together."""

from __future__ import annotations

from typing import Any

from simulations.costs import Cost, Size
from simulations.costs.law import Term, law

from .reaction import understand_reaction
from .reaction_params import ReactionEnergyParams

GROWTH = 2.5
"""With about this power of the atoms each species' time grows: what adds up is that."""


def reaction_size(params: ReactionEnergyParams, structure: dict[str, Any] | None) -> Size | None:
    """The distinct species, for equal ones are computed once."""
    species, _ = understand_reaction(params)
    distinct = {term.task.key: term for term in species}.values()
    atoms = [term.structure.n_atoms for term in distinct]
    method = params.basis if params.is_dft else params.method
    harder = " with frequencies" if params.thermochemistry else ""
    return {
        "kind": f"{method}{harder}",
        "n_species": len(atoms),
        "n_atoms": sum(atoms),
        "n_atoms_of_largest": max(atoms),
        "n_atoms_as_one": round(sum(n**GROWTH for n in atoms) ** (1 / GROWTH), 2),
        "n_conformers": params.n_conformers,
    }


REACTION = Cost(
    size=reaction_size,
    seconds=law(0.5, Term("n_atoms_as_one", GROWTH, 0.5), Term("n_conformers", 0.5, 0.3)),
    memory=law(0.4, Term("n_atoms_of_largest", 1.5, 0.5)),
)
