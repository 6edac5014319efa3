"""What is measured while atoms move, and the table of it that grows on disk."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from .images import Together
from .prepared import Prepared

OBSERVABLES_NAME = "observables.csv"
GAS_CONSTANT_KJ = 8.31446261815324e-3
G_PER_CM3_PER_DA_PER_NM3 = 1.66053906660e-3

Row = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """Reads an `openmm.Context`.

    :param reference: the positions of the heavy solute at the start, nm.
    :param molecule: all that is not water or ions, with the masses of these atoms.
    """

    prepared: Prepared
    solute: Sequence[int]
    reference: Any
    molecule: Sequence[int]
    masses_da: Any
    mass_da: float
    together: Together

    def read(self, context: Any, degrees_of_freedom: int) -> Row:
        """Energies, temperature, RMSD and density of now."""
        from openmm import unit

        state = context.getState(energy=True, positions=True)
        kj = unit.kilojoule_per_mole
        potential = state.getPotentialEnergy().value_in_unit(kj)
        kinetic = state.getKineticEnergy().value_in_unit(kj)
        positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        if self.prepared.periodic:
            box = state.getPeriodicBoxVectors().value_in_unit(unit.nanometer)
            positions = self.together(positions, box)
        row = {
            "temperature_k": 2 * kinetic / (degrees_of_freedom * GAS_CONSTANT_KJ),
            "potential_energy_kj_per_mol": potential,
            "kinetic_energy_kj_per_mol": kinetic,
            "total_energy_kj_per_mol": potential + kinetic,
            "rmsd_angstrom": 10 * superposed_rmsd(positions[self.solute], self.reference),
            "radius_of_gyration_angstrom": 10
            * radius_of_gyration(positions[self.molecule], self.masses_da),
        }
        if self.prepared.periodic:
            volume = state.getPeriodicBoxVolume().value_in_unit(unit.nanometer**3)
            row["density_g_per_cm3"] = self.mass_da / volume * G_PER_CM3_PER_DA_PER_NM3
        return row


def superposed_rmsd(positions: Any, reference: Any) -> float:
    """After the best shift and rotation (Kabsch), in the unit of the positions."""
    import numpy as np

    one = positions - positions.mean(axis=0)
    two = reference - reference.mean(axis=0)
    if not np.isfinite(one).all():
        return float("nan")
    left, _, right = np.linalg.svd(one.T @ two)
    # A mirror image is no rotation.
    sign = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    return float(np.sqrt(((one @ left @ sign @ right - two) ** 2).sum() / len(one)))


def radius_of_gyration(positions: Any, masses: Any) -> float:
    """Weighted by mass, in the unit of the positions."""
    import numpy as np

    weights = masses / masses.sum()
    arms = positions - weights @ positions
    return float(np.sqrt((weights[:, None] * arms**2).sum()))


def is_finite(row: Row) -> bool:
    return all(isfinite(value) for value in row.values())


class Table:
    """The rows so far, each on disk as soon as it is known."""

    def __init__(self, path: Path, rows: Sequence[Row] = ()) -> None:
        self.rows = list(rows)
        self._path = path
        if self.rows:
            with path.open("w", newline="") as stream:
                writer = csv.DictWriter(stream, self.rows[0])
                writer.writeheader()
                writer.writerows(self.rows)

    @property
    def last_step(self) -> int:
        return int(self.rows[-1]["step"]) if self.rows else 0

    def append(self, row: Row) -> None:
        with self._path.open("a", newline="") as stream:
            # What an earlier version began has no column for what is measured since.
            writer = csv.DictWriter(stream, (self.rows or [row])[0], extrasaction="ignore")
            if not self.rows:
                writer.writeheader()
            writer.writerow(row)
        self.rows.append(row)


def read_rows(path: Path, last_step: int) -> list[Row]:
    """The rows up to this step; what a crash left behind them is not read.

    :raises ValueError: they do not reach that step.
    """
    rows = list(_whole_rows(path, last_step)) if path.exists() else []
    if (rows[-1]["step"] if rows else 0) != last_step:
        raise ValueError(f"{path.name} does not reach step {last_step}")
    return rows


def _whole_rows(path: Path, last_step: int) -> Iterator[Row]:
    reached = 0
    with path.open(newline="") as stream:
        for line in csv.DictReader(stream):
            if None in line.values() or int(line["step"]) > last_step or reached == last_step:
                return
            reached = int(line["step"])
            yield {name: float(text) for name, text in line.items()} | {"step": reached}
