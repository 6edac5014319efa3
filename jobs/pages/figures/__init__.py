"""The figures of a finished job, made from its result and its files: what each type of job has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import simulations
from jobs.models import Artifact, Job, JobState

from . import crystals, docking, dynamics, energies, interactions, molecules, screens, vibrations
from .frame import Finished, Maker, ResultFigure, Table

__all__ = ["FIGURES", "Finished", "Maker", "ResultFigure", "Table", "figures_of"]

OF_ELECTRONS = (molecules.orbitals, molecules.charges)
OF_VIBRATIONS = (vibrations.thermochemistry, vibrations.infrared)

FIGURES: Mapping[str, Sequence[Maker]] = {
    "conformer_search": (energies.conformers,),
    "dft_crystal": (crystals.cell, crystals.equation_of_state),
    "dft_frequencies": OF_ELECTRONS + OF_VIBRATIONS,
    "dft_optimization": OF_ELECTRONS,
    "dft_single_point": OF_ELECTRONS,
    "reaction_energy": (energies.reaction,),
    "xtb_frequencies": OF_ELECTRONS + OF_VIBRATIONS,
    "xtb_optimization": OF_ELECTRONS,
    "docking": (docking.fingerprint, interactions.interactions),
    "docking_screen": (
        screens.grid,
        screens.distribution,
        screens.beside_size,
        screens.ranks,
        screens.failures,
    ),
    "md_simulation": (
        dynamics.energies,
        dynamics.fluctuations,
        dynamics.averages,
        dynamics.performance,
    ),
}
"""By simulation, in the order of their numbers. A figure that is not there leaves its number.

Those that take the place of a live plot come last, for they need no number of their own.
"""


def figures_of(
    job: Job,
    simulation: simulations.Simulation | None,
    files: Iterable[Artifact],
    *,
    has_structure: bool = False,
) -> list[ResultFigure]:
    """None of them before there is a result; numbered after the structure and the live plots."""
    if simulation is None or job.state != JobState.SUCCEEDED or not job.result:
        return []
    finished = Finished(job=job, result=job.result, files=_newest(files))
    before = len(simulation.plots) + has_structure
    live = {plot.y: place for place, plot in enumerate(simulation.plots, start=1 + has_structure)}
    made = [make(finished) for make in FIGURES.get(simulation.name, ())]
    return [
        replace(figure, number=live.get(figure.replaces, before + place))
        for place, figure in enumerate(made, start=1)
        if figure
    ]


def _newest(files: Iterable[Artifact]) -> dict[str, Artifact]:
    return {each.name: each for each in sorted(files, key=lambda each: each.attempt)}
