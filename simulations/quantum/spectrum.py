"""Normal modes as files and as the curve of an infrared spectrum."""

from __future__ import annotations

from typing import Any

from simulations.base import Context

from .geometry import Geometry
from .progress import Progress
from .vibrations import Vibrations

SPECTRUM_NAME = "spectrum.csv"
MODES_NAME = "modes.molden"
WIDTH_CM1 = 20.0
EVEN_POINTS = 100


def write_modes(context: Context, vibrations: Vibrations, geometry: Geometry) -> None:
    """The lines of the spectrum as CSV, the normal modes for a viewer as Molden."""
    lines = ["mode,frequency_cm1,ir_intensity_km_mol,reduced_mass_dalton"]
    columns = (vibrations.frequencies_cm1, vibrations.intensities, vibrations.reduced_masses)
    for number, (f, i, m) in enumerate(zip(*columns, strict=True), start=1):
        lines.append(f"{number},{f:.2f},{i:.4f},{m:.4f}")
    (context.workdir / SPECTRUM_NAME).write_text("\n".join([*lines, ""]))
    context.artifact(SPECTRUM_NAME, "Frequencies and intensities", "text/csv")
    (context.workdir / MODES_NAME).write_text(_molden(vibrations, geometry))
    context.artifact(MODES_NAME, "Normal modes", "chemical/x-molden")


def _molden(vibrations: Vibrations, geometry: Geometry) -> str:
    def rows(vectors: Any) -> list[str]:
        return [f"{x:14.8f} {y:14.8f} {z:14.8f}" for x, y, z in vectors]

    atoms = zip(geometry.symbols, rows(geometry.positions_bohr), strict=True)
    lines = ["[Molden Format]", "[FREQ]", *(f"{f:.4f}" for f in vibrations.frequencies_cm1)]
    lines += ["[INT]", *(f"{i:.4f}" for i in vibrations.intensities)]
    lines += ["[FR-COORD]", *(f"{symbol:2} {row}" for symbol, row in atoms), "[FR-NORM-COORD]"]
    for number, mode in enumerate(vibrations.displacements, start=1):
        lines += [f"vibration {number}", *rows(mode)]
    return "\n".join([*lines, ""])


def tell_spectrum(progress: Progress, vibrations: Vibrations, fraction: float) -> None:
    """The broadened spectrum as a series, and the lowest mode."""
    for wavenumber, absorption in broadened(vibrations):
        progress.report(
            fraction,
            "infrared spectrum",
            stage="properties",
            wavenumber_cm1=wavenumber,
            absorption_km_mol_cm=absorption,
        )
    progress.report(
        fraction,
        "thermochemistry",
        stage="properties",
        lowest_cm1=float(vibrations.frequencies_cm1[0]),
        n_imaginary=vibrations.n_imaginary,
    )


def broadened(vibrations: Vibrations) -> list[tuple[float, float]]:
    """Points of the curve of Lorentzians: an even grid, and where each band is and is half."""
    import numpy as np

    real = vibrations.frequencies_cm1 > 0
    centres, areas = vibrations.frequencies_cm1[real], vibrations.intensities[real]
    half = WIDTH_CM1 / 2
    even = np.linspace(0.0, float(centres.max(initial=0.0)) + 10 * WIDTH_CM1, EVEN_POINTS)
    grid = np.unique(np.concatenate([even, centres - half, centres, centres + half]))
    bands = areas * half / np.pi / ((grid[:, None] - centres) ** 2 + half**2)
    return list(zip(grid.tolist(), bands.sum(axis=1).tolist(), strict=True))
