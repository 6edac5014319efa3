"""Normal modes, infrared intensities and thermochemistry of a molecule, in seconds."""

from __future__ import annotations

import time

from simulations.base import Checked, Context, Readout, simulation
from simulations.quantum.figures import FORCE_OF_STEPS, IR_SPECTRUM, STEP_READOUTS
from simulations.quantum.frequencies import (
    FREQUENCY_READOUTS,
    FrequencyParams,
    FrequencyResult,
    frequency_fields,
    notes_on_frequencies,
)
from simulations.quantum.geometry import Geometry
from simulations.quantum.inspect import Molecule, checked, refuse_single_atom
from simulations.quantum.optimize import Descent, minimise, resume_trajectory, write_final
from simulations.quantum.progress import Progress
from simulations.quantum.spectrum import tell_spectrum, write_modes
from simulations.quantum.start import starting_geometry
from simulations.quantum.vibrations import analyse
from simulations.quantum.xtb import XtbSurface
from simulations.tightbinding.hessian import numerical_hessian
from simulations.tightbinding.params import XtbParams, XtbResult, notes_on_xtb, understand_xtb
from simulations.tightbinding.properties import xtb_result_fields


class XtbFrequenciesParams(FrequencyParams, XtbParams):
    """Of which molecule, and by which method."""


class XtbFrequenciesResult(FrequencyResult, XtbResult):
    """The stationary point, its normal modes and the gas of such molecules."""


def inspect(params: XtbFrequenciesParams) -> Checked:
    """A molecule that xTB knows, of more than one atom."""
    molecule = _molecule(params)
    return checked(molecule, notes_on_xtb(molecule, params))


def _molecule(params: XtbFrequenciesParams) -> Molecule:
    molecule = understand_xtb(params)
    refuse_single_atom(molecule, "vibrations", "dft_single_point")
    return molecule


@simulation(
    "xtb_frequencies",
    title="xTB frequencies and thermochemistry",
    requires=("tblite", "geometric", "rdkit", "ase"),
    inspect=inspect,
    stages=("prepare", "optimise", "hessian", "properties"),
    readouts=(
        *STEP_READOUTS,
        Readout(key="displacement", title="Displacement", form="int"),
        *FREQUENCY_READOUTS,
    ),
    plots=(IR_SPECTRUM, FORCE_OF_STEPS),
)
def run(params: XtbFrequenciesParams, context: Context) -> XtbFrequenciesResult:
    """Harmonic frequencies, infrared intensities and free energy by GFN-xTB, with tblite."""
    started = time.monotonic()
    molecule = _molecule(params)
    progress = Progress(context)
    start = starting_geometry(
        molecule, seed=params.seed, preoptimize=False, context=context, progress=progress
    )
    surface, energy, max_force = _stationary_point(molecule, params, start, context, progress)
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
    notes = [*notes_on_xtb(molecule, params), *notes_on_frequencies(vibrations, max_force)]
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
) -> tuple[XtbSurface, float, float]:
    """Where the Hessian is to be taken, the energy there and the largest force."""
    import numpy as np

    if not params.optimize_first:
        surface = XtbSurface(molecule, start, params.settings)
        energy = surface.energy()
        return surface, energy, float(np.linalg.norm(surface.gradient(), axis=1).max())
    start, lost = resume_trajectory(context, start)
    surface = XtbSurface(molecule, start, params.settings)
    descent = Descent(surface, context, progress, lost=lost, span=(0.02, 0.3))
    minimise(descent, start, max(params.max_steps - lost.done, 1), context.log)
    final = descent.steps[-1]
    write_final(context, final.geometry, final.energy)
    return surface, final.energy, final.max_force
