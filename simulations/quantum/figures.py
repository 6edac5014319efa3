"""Figures that more than one simulation draws live."""

from simulations.base import Plot

SCF_CONVERGENCE = Plot(
    x="scf_cycle",
    y="scf_delta_energy_hartree",
    title="SCF convergence",
    x_label="SCF cycle",
    y_label="|ΔE| (hartree)",
    caption="Change of the energy from one cycle of the newest SCF to the next, log scale. "
    "A straight fall is what one wants; a saw-tooth means that it oscillates.",
    log=True,
    restarts=True,
)
