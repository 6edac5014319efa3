"""Molecules in motion."""

from __future__ import annotations

import time

from simulations import presets
from simulations.base import Context, Motion, Plot, Readout, simulation
from simulations.dynamics.inspect import inspect
from simulations.dynamics.outcome import MdOutcome, outcome_fields
from simulations.dynamics.paragraph import molecular_dynamics
from simulations.dynamics.params import MdParams
from simulations.dynamics.preview import PREVIEW_NAME, SHOWN_PS
from simulations.dynamics.run import Run
from simulations.dynamics.size import DYNAMICS


class MdSimulationParams(MdParams):
    """What is to move, where, and for how long."""


class MdSimulationResult(MdOutcome):
    """What the motion amounts to."""


@simulation(
    "md_simulation",
    version="2",
    title="Molecular dynamics",
    uses_gpu=True,
    aliases=("md", "molecular_dynamics", "dynamics"),
    methods=molecular_dynamics,
    requires=("openmm", "pdbfixer", "rdkit"),
    cost=DYNAMICS,
    inspect=inspect,
    stages=("minimise", "equilibrate", "produce"),
    presets=presets.DYNAMICS,
    motion=Motion(file=PREVIEW_NAME, told_by=SHOWN_PS),
    readouts=(
        Readout(key="time_ps", title="Simulated", unit="ps", digits=3),
        Readout(key="temperature_k", title="Temperature", unit="K", digits=1),
        Readout(
            key="potential_energy_kj_per_mol", title="Potential energy", unit="kJ/mol", digits=2
        ),
        Readout(key="total_energy_kj_per_mol", title="Total energy", unit="kJ/mol", digits=2),
        Readout(
            key="density_g_per_cm3", title="Density", unit="g/cm³", digits=4, note="explicit water"
        ),
        Readout(key="rmsd_angstrom", title="RMSD from the start", unit="Å", digits=2),
        Readout(key="speed_ns_per_day", title="Speed", unit="ns/day", digits=1),
    ),
    plots=(
        Plot(
            x="time_ps",
            y="temperature_k",
            title="Temperature",
            x_label="Time (ps)",
            y_label="T (K)",
            caption="Each report (thin) and the running mean over a twentieth of the run (bold); "
            "shaded: the target ± 3 sd. Of few atoms it swings widely, as it should: relative "
            "spread is √(2/f) with f degrees of freedom.",
            mean_over=0.05,
            band=("target_temperature_k", "temperature_spread_k"),
        ),
        Plot(
            x="time_ps",
            y="total_energy_kj_per_mol",
            title="Total energy",
            x_label="Time (ps)",
            y_label="E (kJ/mol)",
            caption="A thermostat lets it fluctuate; in NVE production it should be flat.",
        ),
        Plot(
            x="time_ps",
            y="potential_energy_kj_per_mol",
            title="Potential energy",
            x_label="Time (ps)",
            y_label="V (kJ/mol)",
            caption="Rises from the minimum while heat flows in, then levels off.",
        ),
        Plot(
            x="time_ps",
            y="rmsd_angstrom",
            title="RMSD",
            x_label="Time (ps)",
            y_label="RMSD (Å)",
            caption="Of heavy atoms from the minimised start, superposed, water left out. Averages "
            "are taken from the upright line on.",
            cut="averages_from_ps",
        ),
        Plot(
            x="time_ps",
            y="density_g_per_cm3",
            title="Density",
            x_label="Time (ps)",
            y_label="Density (g/cm³)",
            caption="Explicit water only: settles during equilibration.",
            mean_over=0.05,
        ),
        Plot(
            x="time_ps",
            y="radius_of_gyration_angstrom",
            title="Radius of gyration",
            x_label="Time (ps)",
            y_label="Rg (Å)",
            caption="Of all atoms that are not water or ions, weighted by mass: how compact they "
            "are.",
            cut="averages_from_ps",
        ),
    ),
)
def run(params: MdSimulationParams, context: Context) -> MdSimulationResult:
    """Moves a molecule in the gas phase, or a protein in water, through time, with OpenMM."""
    started = time.monotonic()
    inspect(params)
    attempt = Run(params, context)
    attempt.go()
    fields = outcome_fields(attempt, params, time.monotonic() - started)
    context.report(1.0, "done", stage="produce")
    return MdSimulationResult(**fields)
