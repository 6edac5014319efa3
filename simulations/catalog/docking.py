"""The poses of a small molecule in a box on a protein."""

from __future__ import annotations

from simulations import presets
from simulations.base import Context, Plot, Readout, simulation
from simulations.pockets import paragraph
from simulations.pockets.inspect import inspect_docking
from simulations.pockets.params import DockingParams, DockingResult
from simulations.pockets.run import dock
from simulations.pockets.size import DOCKING


@simulation(
    "docking",
    version="3",
    title="Docking",
    aliases=("dock", "vina", "molecular_docking"),
    methods=paragraph.docking,
    digest=paragraph.docking_digest,
    requires=("vina", "meeko", "prolif", "rdkit"),
    cost=DOCKING,
    inspect=inspect_docking,
    stages=("prepare", "search", "contacts"),
    presets=presets.DOCKING,
    readouts=(
        Readout(
            key="best_score_kcal_per_mol",
            title="Best score",
            unit="kcal/mol",
            digits=2,
            note="ranks poses, is no measured energy",
        ),
        Readout(key="search_score_kcal_per_mol", title="Last search", unit="kcal/mol", digits=2),
        Readout(key="search", title="Searches done", form="int"),
        Readout(key="n_poses", title="Poses found", form="int", note="before merging"),
    ),
    plots=(
        Plot(
            x="search",
            y="best_score_kcal_per_mol",
            title="Best score so far",
            x_label="Search",
            y_label="Score (kcal/mol)",
            caption="A line that has been flat for many searches says that more will hardly help.",
        ),
        Plot(
            x="search",
            y="search_score_kcal_per_mol",
            title="Best score of each search",
            x_label="Search",
            y_label="Score (kcal/mol)",
            caption="Searches start at random: the more of them reach the lowest score, the surer "
            "the pose.",
        ),
    ),
)
def run(params: DockingParams, context: Context) -> DockingResult:
    """Finds poses of a ligand in a rigid protein's site, with AutoDock Vina and Meeko."""
    return dock(params, context)
