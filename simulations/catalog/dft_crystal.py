"""Lattice constants and energy of a crystal."""

from __future__ import annotations

import time

from simulations import presets
from simulations.base import Context, Plot, Readout, simulation
from simulations.quantum.crystal_paragraph import crystal
from simulations.quantum.crystal_params import (
    DftCrystalParams,
    DftCrystalResult,
    inspect_crystal,
    notes_on,
    understand,
)
from simulations.quantum.crystal_run import CELLS, CrystalRun
from simulations.quantum.crystal_size import CRYSTAL
from simulations.quantum.figures import SCF_CONVERGENCE


@simulation(
    "dft_crystal",
    version="3",
    title="DFT of a crystal",
    aliases=("crystal", "periodic_dft", "lattice"),
    methods=crystal,
    requires=("pyscf", "ase", "pyscf.dispersion"),
    cost=CRYSTAL,
    inspect=inspect_crystal,
    stages=("lattice", "properties"),
    presets=presets.DFT_CRYSTAL,
    motion=CELLS,
    readouts=(
        Readout(key="energy_hartree", title="Energy", unit="hartree", digits=7),
        Readout(key="a_angstrom", title="a", unit="Å", digits=4),
        Readout(key="c_angstrom", title="c", unit="Å", digits=4),
        Readout(key="step", title="Lattice point", form="int"),
        Readout(key="scf_cycle", title="SCF cycle", form="int"),
    ),
    plots=(
        Plot(
            x="step",
            y="energy_hartree",
            title="Energy of each cell tried",
            x_label="Lattice point",
            y_label="E (hartree)",
            caption="Energy of the cell with each set of lattice constants that was tried: first "
            "around the measured ones, then at the minimum of the surface through them.",
        ),
        Plot(
            x="volume_angstrom3",
            y="energy_of_volume_hartree",
            title="Equation of state",
            x_label="Volume of the cell (Å³)",
            y_label="E (hartree)",
            caption="Least energy at each volume; the bulk modulus is the curvature of the curve "
            "through these points.",
        ),
        SCF_CONVERGENCE,
    ),
)
def run(params: DftCrystalParams, context: Context) -> DftCrystalResult:
    """Lattice constants or equation of state of a crystal: PBE, GTH pseudopotentials, PySCF."""
    started = time.monotonic()
    crystal, structure = understand(params)
    crystal_run = CrystalRun(crystal, params, context)
    crystal_run.search()
    return crystal_run.result(notes_on(params, structure), started)
