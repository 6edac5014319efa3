"""Energy of a reaction, from simulations of each of its species."""

from __future__ import annotations

import time
from dataclasses import replace

from simulations import presets
from simulations.base import Context, Readout, simulation
from simulations.quantum.figures import (
    ENERGY_OF_STEPS,
    FORCE_OF_STEPS,
    SCF_CONVERGENCE,
    SCF_CYCLE,
    STEP,
)
from simulations.recipes.paragraph import reaction as methods
from simulations.recipes.reaction import inspect_reaction, understand_reaction
from simulations.recipes.reaction_params import ReactionEnergyParams, ReactionEnergyResult
from simulations.recipes.reaction_run import ReactionRun
from simulations.recipes.size import REACTION

OF_SPECIES = "of the latest species"


@simulation(
    "reaction_energy",
    version="3",
    title="Reaction energy",
    uses_gpu=True,
    aliases=("reaction",),
    methods=methods,
    cost=REACTION,
    requires=("pyscf", "geometric", "rdkit", "tblite", "ase", "pyscf.dispersion", "qcelemental"),
    inspect=inspect_reaction,
    stages=("species", "difference"),
    presets=presets.REACTION,
    readouts=(
        Readout(key="reaction_energy_kj_mol", title="Reaction energy", unit="kJ/mol", digits=2),
        Readout(key="reaction_energy_kcal_mol", title="Reaction energy", unit="kcal/mol", digits=2),
        Readout(key="species", title="Species computed", form="int", note="with the current one"),
        # Not its energy and force: those of the last species would stand there as if of the whole.
        replace(STEP, note=OF_SPECIES),
        replace(SCF_CYCLE, note=OF_SPECIES),
    ),
    plots=(ENERGY_OF_STEPS, FORCE_OF_STEPS, SCF_CONVERGENCE),
)
def run(params: ReactionEnergyParams, context: Context) -> ReactionEnergyResult:
    """Energy, and if asked free energy, of a reaction: each species optimised by DFT or GFN-xTB."""
    started = time.monotonic()
    species, notes = understand_reaction(params)
    reaction = ReactionRun(species, params, context)
    reaction.compute()
    result = reaction.result(notes, time.monotonic() - started)
    context.report(
        1.0,
        "done",
        stage="difference",
        reaction_energy_kj_mol=result.reaction_energy_kj_mol,
        reaction_energy_kcal_mol=result.reaction_energy_kcal_mol,
    )
    return result
