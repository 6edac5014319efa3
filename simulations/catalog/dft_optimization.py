"""The equilibrium geometry of a molecule."""

from __future__ import annotations

import time

from pydantic import Field

from simulations.base import Checked, Context, Note, Plot, Readout, simulation
from simulations.errors import FieldError, InvalidParams
from simulations.quantum.calculation import Calculation
from simulations.quantum.figures import SCF_CONVERGENCE
from simulations.quantum.geometry import starting_geometry
from simulations.quantum.inspect import inspect_molecule, notes_on, understand
from simulations.quantum.optimize import (
    MAX_FORCE_TARGET,
    Descent,
    minimise,
    resume_trajectory,
)
from simulations.quantum.params import MoleculeDftParams, MoleculeDftResult
from simulations.quantum.progress import Progress
from simulations.quantum.properties import geometry_of, result_fields
from simulations.quantum.qcschema import write_optimization
from simulations.structures import resolve

FINAL_NAME = "final.xyz"


class DftOptimizationParams(MoleculeDftParams):
    """What to optimise, and by which method."""

    max_steps: int = Field(
        100, ge=1, le=500, title="Geometry steps", description="At most; then it fails."
    )


class DftOptimizationResult(MoleculeDftResult):
    """The minimum that was found, and what holds there."""

    n_steps: int = Field(title="Geometry steps")
    max_force_hartree_per_bohr: float = Field(
        title="Largest force", json_schema_extra={"unit": "hartree/bohr"}
    )
    initial_energy_hartree: float = Field(
        title="Energy at the start", json_schema_extra={"unit": "hartree"}
    )


def inspect(params: DftOptimizationParams) -> Checked:
    """A molecule, of more than one atom."""
    checked = inspect_molecule(params)
    if resolve(params.structure).n_atoms == 1:
        detail = "A single atom has no geometry to optimise; use dft_single_point."
        fix = {"simulation": "dft_single_point"}
        raise InvalidParams(
            [FieldError(path=("structure",), code="one_atom", detail=detail, fix=fix)]
        )
    return checked


@simulation(
    "dft_optimization",
    title="DFT geometry optimisation",
    requires=("pyscf", "geometric", "rdkit", "tblite", "pyscf.dispersion", "qcelemental"),
    inspect=inspect,
    stages=("prepare", "optimise", "properties"),
    readouts=(
        Readout(key="energy_hartree", title="Energy", unit="hartree", digits=8),
        Readout(key="delta_energy_hartree", title="Change", unit="hartree", form="exp"),
        Readout(
            key="max_force_hartree_per_bohr",
            title="Largest force",
            unit="hartree/bohr",
            form="exp",
            note="done below 4.5e−4",
        ),
        Readout(key="step", title="Geometry step", form="int"),
        Readout(key="scf_cycle", title="SCF cycle", form="int"),
    ),
    plots=(
        Plot(
            x="step",
            y="energy_hartree",
            title="Energy",
            x_label="Geometry step",
            y_label="E (hartree)",
            caption="Total energy at each step of the optimisation; it should fall and level off.",
        ),
        Plot(
            x="step",
            y="max_force_hartree_per_bohr",
            title="Largest force",
            x_label="Geometry step",
            y_label="hartree/bohr",
            caption="Largest force on an atom at each step, log scale; the dashed line is what "
            "it must fall below.",
            log=True,
            threshold=MAX_FORCE_TARGET,
        ),
        SCF_CONVERGENCE,
    ),
)
def run(params: DftOptimizationParams, context: Context) -> DftOptimizationResult:
    """Moves a molecule's atoms to a minimum of its DFT energy, with PySCF and geomeTRIC."""
    started = time.monotonic()
    molecule = understand(params)
    progress = Progress(context)
    start = starting_geometry(molecule, params, context, progress)
    start, done = resume_trajectory(context, start)
    if done:
        progress.report(0.05, f"resuming at geometry step {done + 1}", stage="optimise")

    def on_cycle(cycle: int, energy: float, delta: float) -> None:
        progress.report(
            message=f"geometry step {descent.number}, SCF cycle {cycle}",
            stage="optimise",
            scf_cycle=cycle,
            scf_energy_hartree=energy,
            scf_delta_energy_hartree=delta,
        )

    calculation = Calculation(molecule, params, start, context, on_cycle)
    descent = Descent(calculation, context, progress, recorded=done)
    minimise(descent, start, max(params.max_steps - done, 1), context.log)
    progress.report(0.97, "properties", stage="properties")
    _write_final(context, calculation)
    write_optimization(context, descent.steps, molecule, params)
    notes: list[Note] = [*notes_on(molecule, params), *calculation.notes]
    seconds = time.monotonic() - started
    fields = result_fields(calculation.mean_field, molecule, params, notes, seconds)
    progress.report(1.0, "done", stage="properties")
    return DftOptimizationResult(
        **fields,
        n_steps=descent.number - 1,
        max_force_hartree_per_bohr=descent.steps[-1].max_force,
        initial_energy_hartree=descent.steps[0].energy,
    )


def _write_final(context: Context, calculation: Calculation) -> None:
    mean_field = calculation.mean_field
    comment = f"optimised, energy_hartree {mean_field.e_tot:.10f}"
    (context.workdir / FINAL_NAME).write_text(geometry_of(mean_field.mol).to_xyz(comment))
    context.artifact(FINAL_NAME, "Optimised geometry", "chemical/x-xyz")
