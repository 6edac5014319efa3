"""Energy and electronic structure of a molecule, its atoms where they are."""

from __future__ import annotations

import time

from simulations import presets
from simulations.base import Context, Readout, simulation
from simulations.quantum import paragraph
from simulations.quantum.calculation import Calculation
from simulations.quantum.cubes import write_cubes
from simulations.quantum.figures import SCF_CONVERGENCE
from simulations.quantum.inspect import inspect_molecule, notes_on, understand
from simulations.quantum.params import MoleculeDftParams, MoleculeDftResult
from simulations.quantum.progress import Progress, ScfTeller
from simulations.quantum.properties import result_fields
from simulations.quantum.qcschema import write_atomic
from simulations.quantum.size import SINGLE_POINT
from simulations.tightbinding.start import starting_geometry, wanted_start


class DftSinglePointParams(MoleculeDftParams):
    """What to compute, and by which method."""


class DftSinglePointResult(MoleculeDftResult):
    """Energy, orbitals and charges."""


@simulation(
    "dft_single_point",
    version="4",
    title="DFT single point",
    uses_gpu=True,
    aliases=("dft", "single_point", "energy", "scf"),
    methods=paragraph.single_point,
    requires=("pyscf", "geometric", "rdkit", "tblite", "ase", "pyscf.dispersion", "qcelemental"),
    cost=SINGLE_POINT,
    inspect=inspect_molecule,
    stages=("prepare", "scf", "properties"),
    presets=presets.DFT,
    readouts=(
        Readout(key="scf_energy_hartree", title="Energy", unit="hartree", digits=8),
        Readout(key="scf_delta_energy_hartree", title="Change", unit="hartree", form="exp"),
        Readout(key="scf_cycle", title="SCF cycle", form="int"),
    ),
    plots=(SCF_CONVERGENCE,),
)
def run(params: DftSinglePointParams, context: Context) -> DftSinglePointResult:
    """Kohn-Sham DFT energy, orbital levels, dipole moment and charges of a molecule, with PySCF."""
    started = time.monotonic()
    molecule = understand(params)
    progress = Progress(context)
    geometry, start_notes = starting_geometry(molecule, wanted_start(params), context, progress)
    teller = ScfTeller(progress, "scf", span=(0.05, 0.95), target=params.scf_convergence_hartree)
    calculation = Calculation(molecule, params, geometry, context, teller)
    energy = calculation.energy()
    on_stability = calculation.notes_on_stability()
    progress.report(0.97, "properties", stage="properties")
    write_atomic(context, energy, molecule, params, geometry)
    notes = [*notes_on(molecule, params), *start_notes, *calculation.notes, *on_stability]
    notes += write_cubes(context, calculation.mean_field, params, progress, "properties")
    seconds = time.monotonic() - started
    fields = result_fields(calculation.mean_field, molecule, params, notes, seconds)
    progress.report(1.0, "done", stage="properties", energy_hartree=fields["energy_hartree"])
    return DftSinglePointResult(**fields)
