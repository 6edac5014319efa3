"""What each quantity was on average from where it had settled, and how well that is known."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from .observables import Row
from .statistics import block_error, effective_samples, settled_from, slope, slope_error

SETTLES_BY = "potential_energy_kj_per_mol"
PS_PER_NS = 1000
QUANTITIES = {
    "temperature_k": ("Temperature", "K"),
    "potential_energy_kj_per_mol": ("Potential energy", "kJ/mol"),
    "kinetic_energy_kj_per_mol": ("Kinetic energy", "kJ/mol"),
    "total_energy_kj_per_mol": ("Total energy", "kJ/mol"),
    "density_g_per_cm3": ("Density", "g/cm³"),
    "rmsd_angstrom": ("RMSD from the start", "Å"),
    "radius_of_gyration_angstrom": ("Radius of gyration", "Å"),
}


class MdAverage(BaseModel):
    """Of one quantity, over the settled part of the production run."""

    key: str = Field(title="Key", description="As in the observables and the job's series.")
    title: str = Field(title="Quantity")
    unit: str = Field(title="Unit")
    mean: float = Field(title="Mean")
    error: float | None = Field(
        title="Standard error",
        description="By blocking (Flyvbjerg and Petersen 1989); empty for too few reports.",
    )
    spread: float = Field(title="Standard deviation", description="Of the single reports.")
    drift_per_ns: float | None = Field(title="Drift", description="Slope, for each nanosecond.")
    drift_error_per_ns: float | None = Field(title="Error of the drift")
    n_effective: float | None = Field(
        title="Effective samples",
        description="So many independent reports would have this standard error.",
    )


def settled(rows: Sequence[Row]) -> list[Row]:
    """The rows from where the potential energy has settled: at least the second half."""
    return list(rows[settled_from([row[SETTLES_BY] for row in rows]) :])


def averages(rows: Sequence[Row]) -> list[MdAverage]:
    """Of everything that these rows hold."""
    # A run that an earlier version began lacks what is measured since.
    having = {key: [row for row in rows if key in row] for key in QUANTITIES}
    return [_average(key, found) for key, found in having.items() if found]


def _average(key: str, rows: Sequence[Row]) -> MdAverage:
    import numpy as np

    title, unit = QUANTITIES[key]
    values = [row[key] for row in rows]
    times_ns = [row["time_ps"] / PS_PER_NS for row in rows]
    error, spread = block_error(values), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return MdAverage(
        key=key,
        title=title,
        unit=unit,
        mean=float(np.mean(values)),
        error=error,
        spread=spread,
        drift_per_ns=slope(times_ns, values),
        drift_error_per_ns=slope_error(times_ns, values),
        n_effective=effective_samples(spread, error, len(values)),
    )
