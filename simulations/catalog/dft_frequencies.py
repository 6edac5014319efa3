"""Normal modes, infrared intensities and thermochemistry of a molecule."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from simulations import presets
from simulations.base import Checked, Context, Note, simulation
from simulations.errors import FieldError, InvalidParams
from simulations.quantum import paragraph
from simulations.quantum.calculation import Calculation
from simulations.quantum.cubes import write_cubes
from simulations.quantum.figures import (
    FORCE_OF_STEPS,
    IR_SPECTRUM,
    SCF_CONVERGENCE,
    SCF_CYCLE,
    STEP_READOUTS,
)
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
from simulations.quantum.hessian import AnalyticHessian
from simulations.quantum.inspect import (
    Molecule,
    checked,
    notes_on,
    refuse_single_atom,
    too_many_atoms,
    understand,
)
from simulations.quantum.optimize import STEPS, Descent, minimise, resume_trajectory, write_final
from simulations.quantum.params import MoleculeDftParams, MoleculeDftResult
from simulations.quantum.progress import Progress, ScfTeller
from simulations.quantum.properties import result_fields
from simulations.quantum.qcschema import write_hessian
from simulations.quantum.size import FREQUENCIES
from simulations.quantum.spectrum import tell_spectrum, write_modes
from simulations.quantum.vibrations import analyse
from simulations.tightbinding.start import starting_geometry, wanted_start

MAX_HESSIAN_ATOMS = 60
"""A Hessian keeps a matrix for each coordinate of each atom."""


class DftFrequenciesParams(FrequencyParams, MoleculeDftParams):
    """Of which molecule, and by which method."""


class DftFrequenciesResult(FrequencyResult, MoleculeDftResult):
    """The stationary point, its normal modes and the gas of such molecules."""


def inspect(params: DftFrequenciesParams) -> Checked:
    """A molecule of more than one atom, by a method that has a Hessian."""
    molecule = _molecule(params)
    return checked(molecule, _notes_before(molecule, params))


def _notes_before(molecule: Molecule, params: DftFrequenciesParams) -> list[Note]:
    return [
        *notes_on(molecule, params),
        *notes_on_masses(molecule.structure),
        *notes_on_standard_state(params, params.solvent),
    ]


def _molecule(params: DftFrequenciesParams) -> Molecule:
    molecule = understand(params)
    refuse_single_atom(molecule, "vibrations", "dft_single_point")
    errors = [*too_many_atoms(molecule, MAX_HESSIAN_ATOMS, "a DFT Hessian")]
    if params.reference == "roks":
        detail = "PySCF has no Hessian for roks; use uks."
        fix = {"reference": "uks"}
        errors.append(FieldError(path=("reference",), code="no_hessian", detail=detail, fix=fix))
    if errors:
        raise InvalidParams(errors)
    return molecule


@simulation(
    "dft_frequencies",
    version="4",
    title="DFT frequencies and thermochemistry",
    uses_gpu=True,
    aliases=("frequencies", "freq", "vibrations", "thermochemistry", "dft_freq"),
    methods=paragraph.dft_frequencies,
    requires=("pyscf", "geometric", "rdkit", "tblite", "ase", "pyscf.dispersion", "qcelemental"),
    cost=FREQUENCIES,
    inspect=inspect,
    stages=("prepare", "optimise", "hessian", "properties"),
    presets=presets.DFT,
    readouts=(*STEP_READOUTS, SCF_CYCLE, *FREQUENCY_READOUTS),
    motion=replace(STEPS, only_if="optimize_first"),
    plots=(IR_SPECTRUM, FORCE_OF_STEPS, SCF_CONVERGENCE),
)
def run(params: DftFrequenciesParams, context: Context) -> DftFrequenciesResult:
    """Harmonic frequencies, infrared intensities, enthalpy and free energy by DFT, with PySCF."""
    started = time.monotonic()
    molecule = _molecule(params)
    progress = Progress(context)
    calculation, max_force, found_on_the_way = _stationary_point(
        molecule, params, context, progress
    )
    energy, geometry = float(calculation.mean_field.e_tot), calculation.geometry

    def tell(sentence: str) -> None:
        progress.report(0.5, sentence, stage="hessian")

    hessian, dipole_derivatives = AnalyticHessian(calculation.mean_field, tell).compute()
    vibrations = analyse(hessian, geometry, dipole_derivatives)
    write_modes(context, vibrations, geometry)
    write_hessian(context, energy, hessian, molecule, params, geometry)
    tell_spectrum(progress, vibrations, 0.95)
    notes = [*_notes_before(molecule, params), *found_on_the_way]
    modes = frequency_fields(
        vibrations,
        geometry,
        params,
        energy=energy,
        multiplicity=molecule.multiplicity,
        max_force=max_force,
    )
    notes += notes_on_frequencies(vibrations, modes)
    notes += write_cubes(context, calculation.mean_field, params, progress, "properties")
    seconds = time.monotonic() - started
    fields = result_fields(calculation.mean_field, molecule, params, notes, seconds)
    progress.report(1.0, "done", stage="properties")
    return DftFrequenciesResult(**fields, **modes)


def _stationary_point(
    molecule: Molecule, params: DftFrequenciesParams, context: Context, progress: Progress
) -> tuple[Calculation, float, list[Note]]:
    """The molecule solved where its Hessian is to be taken, the largest force there, and notes."""
    import numpy as np

    start, notes = starting_geometry(molecule, wanted_start(params), context, progress)
    if params.optimize_first:
        calculation, descent = _optimised(molecule, params, start, context, progress)
        max_force = descent.steps[-1].max_force
        notes += [*calculation.notes, *descent.notes, *calculation.notes_on_stability()]
        return calculation, max_force, notes
    teller = ScfTeller(progress, "hessian")
    calculation = Calculation(molecule, params, start, context, teller)
    calculation.energy()
    force: Any = np.linalg.norm(calculation.gradient(), axis=1).max()
    notes += [*calculation.notes, *calculation.notes_on_stability()]
    return calculation, float(force), notes


def _optimised(
    molecule: Molecule,
    params: DftFrequenciesParams,
    start: Geometry,
    context: Context,
    progress: Progress,
) -> tuple[Calculation, Descent]:
    start, lost = resume_trajectory(context, start, progress)
    teller = ScfTeller(progress, "optimise")
    calculation = Calculation(molecule, params, start, context, teller)
    descent = Descent(calculation, context, progress, lost=lost, span=(0.05, 0.5))
    teller.prefix = lambda: f"geometry step {descent.number}, "
    max_steps = max(params.max_steps - lost.done, 1)
    minimise(descent, start, max_steps, context.log, steadier=params.steadier)
    write_final(context, calculation.geometry, descent.steps[-1].energy)
    return calculation, descent
