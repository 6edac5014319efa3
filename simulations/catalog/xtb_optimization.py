"""The equilibrium geometry of a molecule, in seconds."""

from __future__ import annotations

import time

from pydantic import Field

from simulations import presets
from simulations.base import Checked, Context, Note, simulation
from simulations.quantum.figures import ENERGY_OF_STEPS, FORCE_OF_STEPS, STEP_READOUTS
from simulations.quantum.inspect import Molecule, checked, refuse_single_atom
from simulations.quantum.optimize import STEPS, Descent, minimise, resume_trajectory, write_final
from simulations.quantum.params import MaxStepsField, TemperatureField
from simulations.quantum.progress import Progress, teller
from simulations.quantum.xtb import XtbSurface
from simulations.tightbinding import paragraph
from simulations.tightbinding.params import XtbResult, XtbStartParams, notes_on_xtb, understand_xtb
from simulations.tightbinding.properties import xtb_result_fields
from simulations.tightbinding.size import OPTIMIZATION
from simulations.tightbinding.start import starting_geometry, wanted_xtb_start


class XtbOptimizationParams(XtbStartParams):
    """What to optimise, and by which method."""

    max_steps: MaxStepsField = 300
    temperature_k: TemperatureField = None


class XtbOptimizationResult(XtbResult):
    """The minimum that was found."""

    n_steps: int = Field(title="Geometry steps", json_schema_extra={"headline": True})
    max_force_hartree_per_bohr: float = Field(
        title="Largest force", json_schema_extra={"unit": "hartree/bohr"}
    )
    initial_energy_hartree: float = Field(
        title="Energy at the start", json_schema_extra={"unit": "hartree"}
    )


def inspect(params: XtbOptimizationParams) -> Checked:
    """A molecule that xTB knows, of more than one atom."""
    molecule = _molecule(params)
    return checked(molecule, notes_on_xtb(molecule, params))


def _molecule(params: XtbOptimizationParams) -> Molecule:
    molecule = understand_xtb(params)
    refuse_single_atom(molecule, "geometry to optimise", "dft_single_point")
    return molecule


@simulation(
    "xtb_optimization",
    version="4",
    title="xTB geometry optimisation",
    aliases=("xtb", "xtb_opt", "xtb_optimisation", "gfn2"),
    methods=paragraph.optimisation,
    requires=("tblite", "geometric", "rdkit", "ase"),
    leaves_nothing=True,
    cost=OPTIMIZATION,
    inspect=inspect,
    stages=("prepare", "optimise", "properties"),
    presets=presets.XTB,
    readouts=STEP_READOUTS,
    motion=STEPS,
    plots=(ENERGY_OF_STEPS, FORCE_OF_STEPS),
)
def run(params: XtbOptimizationParams, context: Context) -> XtbOptimizationResult:
    """Moves a molecule's atoms to a minimum of its GFN-xTB energy, with tblite and geomeTRIC."""
    started = time.monotonic()
    molecule = _molecule(params)
    progress = Progress(context)
    start, start_notes = starting_geometry(molecule, wanted_xtb_start(params), context, progress)
    start, lost = resume_trajectory(context, start, progress)
    notes: list[Note] = [*notes_on_xtb(molecule, params), *start_notes]
    if lost.done:
        message = f"Resumed at geometry step {lost.done + 1} of an earlier attempt."
        notes.append(Note(code="resumed", message=message))
    surface = XtbSurface(molecule, start, params.settings, teller(progress, "optimise"))
    descent = Descent(surface, context, progress, lost=lost)
    max_steps = max(params.max_steps - lost.done, 1)
    minimise(descent, start, max_steps, context.log, steadier=params.steadier)
    notes += [*surface.notes, *descent.notes]
    final = descent.steps[-1]
    write_final(context, final.geometry, final.energy)
    seconds = time.monotonic() - started
    fields = xtb_result_fields(surface, final.energy, molecule, params, notes, seconds)
    progress.report(1.0, "done", stage="properties")
    return XtbOptimizationResult(
        **fields,
        n_steps=descent.number - 1,
        max_force_hartree_per_bohr=final.max_force,
        initial_energy_hartree=descent.initial_energy,
    )
