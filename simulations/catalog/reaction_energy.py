"""Energy of a reaction, from simulations of each of its species."""

from __future__ import annotations

import time

from simulations.base import Context, Readout, simulation
from simulations.quantum.figures import (
    ENERGY_OF_STEPS,
    FORCE_OF_STEPS,
    SCF_CONVERGENCE,
    SCF_CYCLE,
    STEP_READOUTS,
)
from simulations.recipes.paragraph import reaction as methods
from simulations.recipes.reaction import inspect_reaction, understand_reaction
from simulations.recipes.reaction_params import ReactionEnergyParams, ReactionEnergyResult
from simulations.recipes.reaction_run import ReactionRun
from simulations.recipes.size import REACTION


@simulation(
    "reaction_energy",
    title="Reaction energy",
    aliases=("reaction",),
    methods=methods,
    cost=REACTION,
    requires=("pyscf", "geometric", "rdkit", "tblite", "ase", "pyscf.dispersion", "qcelemental"),
    inspect=inspect_reaction,
    stages=("species", "difference"),
    readouts=(Readout(key="species", title="Species", form="int"), *STEP_READOUTS, SCF_CYCLE),
    plots=(ENERGY_OF_STEPS, FORCE_OF_STEPS, SCF_CONVERGENCE),
)
def run(params: ReactionEnergyParams, context: Context) -> ReactionEnergyResult:
    """Energy, and if asked free energy, of a reaction: each species optimised by DFT or GFN-xTB."""
    started = time.monotonic()
    species, notes = understand_reaction(params)
    reaction = ReactionRun(species, params, context)
    reaction.compute()
    result = reaction.result(notes, time.monotonic() - started)
    energy = result.reaction_energy_kj_mol
    context.report(1.0, "done", stage="difference", reaction_energy_kj_mol=energy)
    return result
