"""Figures that more than one simulation draws live."""

from simulations.base import Criterion, Plot, Readout

from .walk import (
    ENERGY_TARGET,
    MAX_FORCE_TARGET,
    MAX_SHIFT_TARGET,
    RMS_FORCE_TARGET,
    RMS_SHIFT_TARGET,
)

CRITERIA = (
    Criterion(
        key="max_force_hartree_per_bohr",
        title="Largest force",
        group="Forces",
        unit="hartree/bohr",
        threshold=MAX_FORCE_TARGET,
    ),
    Criterion(
        key="rms_force_hartree_per_bohr",
        title="RMS force",
        group="Forces",
        unit="hartree/bohr",
        threshold=RMS_FORCE_TARGET,
    ),
    Criterion(
        key="max_displacement_angstrom",
        title="Largest displacement",
        group="Displacements",
        unit="Å",
        threshold=MAX_SHIFT_TARGET,
    ),
    Criterion(
        key="rms_displacement_angstrom",
        title="RMS displacement",
        group="Displacements",
        unit="Å",
        threshold=RMS_SHIFT_TARGET,
    ),
    Criterion(
        key="delta_energy_hartree",
        title="Change of energy",
        group="Energy",
        unit="hartree",
        threshold=ENERGY_TARGET,
    ),
)
"""geomeTRIC's own, all of which must hold at once."""

SCF_CONVERGENCE = Plot(
    x="scf_cycle",
    y="scf_delta_energy_hartree",
    title="SCF convergence",
    x_label="SCF cycle",
    y_label="Change (hartree)",
    caption="Change of the energy from one cycle of the newest SCF to the next, log scale. "
    "A straight fall is what one wants; a saw-tooth means that it oscillates. The SCF before it "
    "is thin.",
    log=True,
    shows_previous=True,
)

ENERGY_OF_STEPS = Plot(
    x="step",
    y="energy_hartree",
    title="Energy",
    x_label="Geometry step",
    y_label="E (hartree)",
    caption="Total energy at each step of the optimisation; it should fall and level off.",
)
FORCE_OF_STEPS = Plot(
    x="step",
    y="max_force_hartree_per_bohr",
    title="Convergence",
    x_label="Geometry step",
    y_label="hartree/bohr",
    caption="What must fall below its dashed line before the geometry is a minimum, log scale: "
    "forces, displacements from the step before, and the change of the energy. A lamp for each "
    "says how the newest step stands.",
    log=True,
    threshold=MAX_FORCE_TARGET,
    criteria=CRITERIA,
)
IR_SPECTRUM = Plot(
    x="wavenumber_cm1",
    y="absorption_km_mol_cm",
    title="Infrared spectrum",
    x_label="Wavenumber (cm⁻¹)",
    y_label="km mol⁻¹ cm",
    caption="Harmonic infrared bands, each a Lorentzian 20 cm⁻¹ wide whose area is its "
    "intensity; measured bands lie some per cent lower.",
)

STEP = Readout(key="step", title="Geometry step", form="int")
STEP_READOUTS = (
    Readout(key="energy_hartree", title="Energy", unit="hartree", digits=8),
    Readout(key="delta_energy_hartree", title="Change", unit="hartree", form="exp"),
    Readout(
        key="max_force_hartree_per_bohr",
        title="Largest force",
        unit="hartree/bohr",
        form="exp",
        note="must fall below 4.5e−4",
    ),
    STEP,
)
SCF_CYCLE = Readout(key="scf_cycle", title="SCF cycle", form="int")
