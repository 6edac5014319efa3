"""Many small molecules ranked in one box on a protein."""

from __future__ import annotations

from simulations import presets
from simulations.base import Context, Plot, Readout, simulation
from simulations.pockets import paragraph
from simulations.pockets.candidates import inspect_screen
from simulations.pockets.screen import screen
from simulations.pockets.screen_params import DockingScreenParams, DockingScreenResult
from simulations.pockets.size import SCREEN


@simulation(
    "docking_screen",
    version="3",
    title="Docking screen",
    aliases=("screen", "virtual_screening"),
    methods=paragraph.screen,
    digest=paragraph.screen_digest,
    requires=("vina", "meeko", "rdkit"),
    cost=SCREEN,
    inspect=inspect_screen,
    stages=("prepare", "search", "rank"),
    presets=presets.SCREEN,
    readouts=(
        Readout(
            key="best_score_kcal_per_mol",
            title="Best score",
            unit="kcal/mol",
            digits=2,
            note="ranks poses, is no measured energy",
        ),
        Readout(key="ligand", title="Ligands done", form="int"),
        Readout(key="n_failed", title="Not docked", form="int"),
    ),
    plots=(
        Plot(
            x="ligand",
            y="ligand_score_kcal_per_mol",
            title="Score of each ligand",
            x_label="Ligand",
            y_label="Score (kcal/mol)",
            caption="In the order of the list; larger molecules score better by size alone.",
        ),
        Plot(
            x="ligand",
            y="best_score_kcal_per_mol",
            title="Best score so far",
            x_label="Ligand",
            y_label="Score (kcal/mol)",
        ),
    ),
)
def run(params: DockingScreenParams, context: Context) -> DockingScreenResult:
    """Docks each ligand of a list into the same box, with AutoDock Vina and Meeko."""
    return screen(params, context)
