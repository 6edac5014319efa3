"""The equilibrium geometry of a molecule."""

from __future__ import annotations

import time

from pydantic import Field

from simulations import presets
from simulations.base import Checked, Context, Note, simulation
from simulations.quantum import paragraph
from simulations.quantum.calculation import Calculation
from simulations.quantum.cubes import write_cubes
from simulations.quantum.figures import (
    ENERGY_OF_STEPS,
    FORCE_OF_STEPS,
    SCF_CONVERGENCE,
    SCF_CYCLE,
    STEP_READOUTS,
)
from simulations.quantum.inspect import (
    Molecule,
    inspect_molecule,
    notes_on,
    refuse_single_atom,
    understand,
)
from simulations.quantum.optimize import STEPS, Descent, minimise, resume_trajectory, write_final
from simulations.quantum.params import MaxStepsField, MoleculeDftParams, MoleculeDftResult
from simulations.quantum.progress import Progress, ScfTeller
from simulations.quantum.properties import result_fields
from simulations.quantum.qcschema import write_optimization
from simulations.quantum.size import OPTIMIZATION
from simulations.tightbinding.start import starting_geometry, wanted_start


class DftOptimizationParams(MoleculeDftParams):
    """What to optimise, and by which method."""

    max_steps: MaxStepsField = 100


class DftOptimizationResult(MoleculeDftResult):
    """The minimum that was found, and what holds there."""

    n_steps: int = Field(title="Geometry steps", json_schema_extra={"headline": True})
    max_force_hartree_per_bohr: float = Field(
        title="Largest force", json_schema_extra={"unit": "hartree/bohr"}
    )
    initial_energy_hartree: float = Field(
        title="Energy at the start", json_schema_extra={"unit": "hartree"}
    )


def inspect(params: DftOptimizationParams) -> Checked:
    """A molecule, of more than one atom."""
    _molecule(params)
    return inspect_molecule(params)


def _molecule(params: DftOptimizationParams) -> Molecule:
    molecule = understand(params)
    refuse_single_atom(molecule, "geometry to optimise", "dft_single_point")
    return molecule


@simulation(
    "dft_optimization",
    version="4",
    title="DFT geometry optimisation",
    uses_gpu=True,
    aliases=(
        "dft_opt",
        "dft_optimisation",
        "optimization",
        "optimisation",
        "geometry_optimization",
        "opt",
    ),
    methods=paragraph.optimisation,
    requires=("pyscf", "geometric", "rdkit", "tblite", "ase", "pyscf.dispersion", "qcelemental"),
    cost=OPTIMIZATION,
    inspect=inspect,
    stages=("prepare", "optimise", "properties"),
    presets=presets.DFT,
    readouts=(*STEP_READOUTS, SCF_CYCLE),
    motion=STEPS,
    plots=(ENERGY_OF_STEPS, FORCE_OF_STEPS, SCF_CONVERGENCE),
)
def run(params: DftOptimizationParams, context: Context) -> DftOptimizationResult:
    """Moves a molecule's atoms to a minimum of its DFT energy, with PySCF and geomeTRIC."""
    started = time.monotonic()
    molecule = _molecule(params)
    progress = Progress(context)
    start, start_notes = starting_geometry(molecule, wanted_start(params), context, progress)
    start, lost = resume_trajectory(context, start, progress)
    teller = ScfTeller(progress, "optimise")
    calculation = Calculation(molecule, params, start, context, teller)
    descent = Descent(calculation, context, progress, lost=lost)
    teller.prefix = lambda: f"geometry step {descent.number}, "
    max_steps = max(params.max_steps - lost.done, 1)
    minimise(descent, start, max_steps, context.log, steadier=params.steadier)
    on_stability = calculation.notes_on_stability()
    progress.report(0.97, "properties", stage="properties")
    write_final(context, calculation.geometry, descent.steps[-1].energy)
    write_optimization(context, descent.steps, molecule, params)
    notes: list[Note] = [*notes_on(molecule, params), *start_notes]
    notes += [*calculation.notes, *descent.notes, *on_stability]
    notes += write_cubes(context, calculation.mean_field, params, progress, "properties")
    seconds = time.monotonic() - started
    fields = result_fields(calculation.mean_field, molecule, params, notes, seconds)
    progress.report(1.0, "done", stage="properties")
    return DftOptimizationResult(
        **fields,
        n_steps=descent.number - 1,
        max_force_hartree_per_bohr=descent.steps[-1].max_force,
        initial_energy_hartree=descent.initial_energy,
    )
