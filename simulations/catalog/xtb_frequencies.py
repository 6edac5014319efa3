"""Normal modes, infrared intensities and thermochemistry of a molecule, in seconds."""

from __future__ import annotations

import time
from dataclasses import replace

from simulations import presets
from simulations.base import Checked, Context, Note, Readout, simulation
from simulations.quantum.figures import FORCE_OF_STEPS, IR_SPECTRUM, STEP_READOUTS
from simulations.quantum.frequencies import (
    FREQUENCY_READOUTS,
    FrequencyParams,
    FrequencyResult,
    frequency_fields,
    notes_on_frequencies,
    notes_on_masses,
    notes_on_standard_state,
)
from simulations.quantum.geometry import Geometry
from simulations.quantum.inspect import Molecule, checked, refuse_single_atom
from simulations.quantum.optimize import STEPS, Descent, minimise, resume_trajectory, write_final
from simulations.quantum.progress import Progress, teller
from simulations.quantum.spectrum import tell_spectrum, write_modes
from simulations.quantum.vibrations import analyse
from simulations.quantum.xtb import XtbSurface
from simulations.tightbinding import paragraph
from simulations.tightbinding.hessian import numerical_hessian
from simulations.tightbinding.params import XtbResult, XtbStartParams, notes_on_xtb, understand_xtb
from simulations.tightbinding.properties import xtb_result_fields
from simulations.tightbinding.size import FREQUENCIES
from simulations.tightbinding.start import starting_geometry, wanted_xtb_start


class XtbFrequenciesParams(FrequencyParams, XtbStartParams):
    """Of which molecule, and by which method."""


class XtbFrequenciesResult(FrequencyResult, XtbResult):
    """The stationary point, its normal modes and the gas of such molecules."""


def inspect(params: XtbFrequenciesParams) -> Checked:
    """A molecule that xTB knows, of more than one atom."""
    molecule = _molecule(params)
    return checked(molecule, _notes_before(molecule, params))


def _notes_before(molecule: Molecule, params: XtbFrequenciesParams) -> list[Note]:
    return [
        *notes_on_xtb(molecule, params),
        *notes_on_masses(molecule.structure),
        *notes_on_standard_state(params, params.solvent),
    ]


def _molecule(params: XtbFrequenciesParams) -> Molecule:
    molecule = understand_xtb(params)
    refuse_single_atom(molecule, "vibrations", "dft_single_point")
    return molecule


@simulation(
    "xtb_frequencies",
    version="4",
    title="xTB frequencies and thermochemistry",
    aliases=("xtb_freq", "xtb_vibrations"),
    methods=paragraph.xtb_frequencies,
    requires=("tblite", "geometric", "rdkit", "ase"),
    leaves_nothing=True,
    cost=FREQUENCIES,
    inspect=inspect,
    stages=("prepare", "optimise", "hessian", "properties"),
    presets=presets.XTB,
    readouts=(
        *STEP_READOUTS,
        Readout(key="displacement", title="Displacement", form="int"),
        *FREQUENCY_READOUTS,
    ),
    motion=replace(STEPS, only_if="optimize_first"),
    plots=(IR_SPECTRUM, FORCE_OF_STEPS),
)
def run(params: XtbFrequenciesParams, context: Context) -> XtbFrequenciesResult:
    """Harmonic frequencies, infrared intensities and free energy by GFN-xTB, with tblite."""
    started = time.monotonic()
    molecule = _molecule(params)
    progress = Progress(context)
    start, start_notes = starting_geometry(molecule, wanted_xtb_start(params), context, progress)
    surface, energy, max_force, walk_notes = _stationary_point(
        molecule, params, start, context, progress
    )
    geometry = surface.geometry

    def tell(number: int, total: int) -> None:
        message = f"displacement {number} of {total}"
        progress.report(0.3 + 0.6 * number / total, message, stage="hessian", displacement=number)

    hessian, dipole_derivatives = numerical_hessian(surface, tell)
    vibrations = analyse(hessian, geometry, dipole_derivatives)
    write_modes(context, vibrations, geometry)
    tell_spectrum(progress, vibrations, 0.95)
    modes = frequency_fields(
        vibrations,
        geometry,
        params,
        energy=energy,
        multiplicity=molecule.multiplicity,
        max_force=max_force,
    )
    notes = [*_notes_before(molecule, params), *start_notes, *surface.notes, *walk_notes]
    notes += notes_on_frequencies(vibrations, modes)
    seconds = time.monotonic() - started
    fields = xtb_result_fields(surface, energy, molecule, params, notes, seconds)
    progress.report(1.0, "done", stage="properties")
    return XtbFrequenciesResult(**fields, **modes)


def _stationary_point(
    molecule: Molecule,
    params: XtbFrequenciesParams,
    start: Geometry,
    context: Context,
    progress: Progress,
) -> tuple[XtbSurface, float, float, list[Note]]:
    """Where the Hessian is to be taken, the energy there, the largest force, and notes."""
    import numpy as np

    if not params.optimize_first:
        surface = XtbSurface(molecule, start, params.settings, teller(progress, "hessian"))
        energy = surface.energy()
        return surface, energy, float(np.linalg.norm(surface.gradient(), axis=1).max()), []
    start, lost = resume_trajectory(context, start, progress)
    surface = XtbSurface(molecule, start, params.settings, teller(progress, "optimise"))
    descent = Descent(surface, context, progress, lost=lost, span=(0.02, 0.3))
    max_steps = max(params.max_steps - lost.done, 1)
    minimise(descent, start, max_steps, context.log, steadier=params.steadier)
    final = descent.steps[-1]
    write_final(context, final.geometry, final.energy)
    return surface, final.energy, final.max_force, descent.notes
