"""The equation of state of one crystal: its volumes told, fitted, judged and written."""

from __future__ import annotations

import csv
from typing import Any

from simulations.base import Context, Note
from simulations.errors import ScienceError
from simulations.structures import Crystal

from .crystal_params import DftCrystalParams, VolumePoint
from .equation_of_state import (
    MAX_ROUNDS,
    POOR_FIT,
    USUAL_DERIVATIVE,
    BirchMurnaghan,
    NotBracketed,
    Shapes,
    ValueAt,
    Volume,
    VolumeScan,
    fit,
    powers_of,
    ratios_around,
)
from .lattice import scaled, to_ase
from .lattice_search import STEP, Scales, cross
from .progress import Progress

EQUATION_NAME = "equation_of_state.csv"


def planned_cells(params: DftCrystalParams, n: int) -> int:
    """How many cells a scan takes where all goes well: each volume's, and that of the minimum."""
    shapes = n - 1 if params.relax_shape else 0
    corners = shapes * (shapes - 1) // 2
    each = len(cross((0.0,) * shapes, STEP)) + corners + min(shapes, MAX_ROUNDS)
    return params.n_volumes * each + 1


class CrystalVolumes:
    """Computes volume after volume, and in the end the cell at the curve's minimum."""

    def __init__(
        self,
        crystal: Crystal,
        params: DftCrystalParams,
        value_at: ValueAt,
        context: Context,
        progress: Progress,
    ) -> None:
        self.notes: list[Note] = []
        self._crystal = crystal
        self._params = params
        self._value_at = value_at
        self._context = context
        self._progress = progress
        n = len(crystal.constants)
        self._start_volume = self._volume_at((0.0,) * n)
        self._shapes = Shapes(powers_of(self._volume_at, n))
        self._scan = VolumeScan(
            value_at, self._shapes, relax_shape=params.relax_shape, on_volume=self._tell
        )
        self._curve: BirchMurnaghan | None = None

    def scan(self) -> None:
        """:raises ScienceError: no minimum lies among the volumes."""
        ratios = ratios_around(self._params.n_volumes, self._params.volume_range_percent)
        try:
            n_extra = self._scan.run(ratios)
            self._curve = fit(self._volumes, self._energies)
        except NotBracketed as exc:
            raise _no_minimum(exc, self._params) from None
        self._judge(self._curve, n_extra)
        ratio = self._curve.volume_angstrom3 / self._start_volume
        self._value_at(self._shapes.scales(ratio, self._scan.shape_at(ratio)))
        for volume in self._scan.volumes:
            self._tell(volume)  # in order, where some were added below the first
        self._write(self._curve)

    @property
    def predicted(self) -> float | None:
        """The curve's least energy, hartree, once there is a curve."""
        return self._curve.energy if self._curve else None

    def result_fields(self) -> dict[str, Any]:
        """Those of `DftCrystalResult` that an equation of state has beyond a cell's."""
        curve = self._curve
        assert curve  # `scan` has returned
        pairs = zip(self._volumes, self._energies, strict=True)
        return {
            "bulk_modulus_gpa": curve.modulus_gpa,
            "bulk_modulus_derivative": curve.derivative,
            "equilibrium_volume_angstrom3": curve.volume_angstrom3,
            "fit_residual_hartree": curve.residual,
            "equation_of_state": [
                VolumePoint(
                    volume_angstrom3=volume,
                    energy_hartree=energy,
                    fitted_energy_hartree=curve.energy_at(volume),
                )
                for volume, energy in pairs
            ],
        }

    @property
    def _volumes(self) -> list[float]:
        return [volume.ratio * self._start_volume for volume in self._scan.volumes]

    @property
    def _energies(self) -> list[float]:
        return [volume.energy for volume in self._scan.volumes]

    def _volume_at(self, scales: Scales) -> float:
        return float(to_ase(self._crystal, scaled(self._crystal, scales)).get_volume())

    def _tell(self, volume: Volume) -> None:
        angstrom3 = volume.ratio * self._start_volume
        self._progress.report(
            message=f"volume {angstrom3:.2f} Å³",
            stage="lattice",
            volume_angstrom3=angstrom3,
            energy_of_volume_hartree=volume.energy,
        )

    def _judge(self, curve: BirchMurnaghan, n_extra: int) -> None:
        volumes, shape = self._volumes, ""
        if self._shapes.n:
            relaxed = "relaxed at each" if self._params.relax_shape else "kept as it was"
            shape = f"; the cell's shape was {relaxed}"
        message = (
            f"Third-order Birch-Murnaghan curve through {len(volumes)} volumes of "
            f"{volumes[0]:.2f} to {volumes[-1]:.2f} Å³{shape}. The atoms kept their places in "
            "parts of the cell, and zero-point motion and heat are not counted."
        )
        self.notes.append(Note(code="equation_of_state", message=message))
        if n_extra:
            message = (
                f"{n_extra} volume{'s were' if n_extra > 1 else ' was'} added, for the first "
                f"{self._params.n_volumes} did not frame the minimum."
            )
            self.notes.append(Note(code="volumes_added", message=message))
        self._judge_fit(curve)

    def _judge_fit(self, curve: BirchMurnaghan) -> None:
        misses = curve.residual / (max(self._energies) - min(self._energies))
        low, high = USUAL_DERIVATIVE
        if misses > POOR_FIT or not low < curve.derivative < high:
            message = (
                f"The curve fits poorly: it misses the energies by {100 * misses:.1f} % of their "
                f"range, and the modulus' derivative is {curve.derivative:.1f} (solids have 3 to "
                "7). Take a finer grid (ke_cutoff_hartree) or a wider volume_range_percent."
            )
            self.notes.append(Note(code="poor_fit", message=message))

    def _write(self, curve: BirchMurnaghan) -> None:
        names = [*self._crystal.constants]
        with (self._context.workdir / EQUATION_NAME).open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["volume_angstrom3", *names, "energy_hartree", "fitted_energy_hartree"])
            for angstrom3, volume in zip(self._volumes, self._scan.volumes, strict=True):
                constants = scaled(self._crystal, volume.scales).values()
                fitted = curve.energy_at(angstrom3)
                writer.writerow([angstrom3, *constants, volume.energy, fitted])
        self._context.artifact(EQUATION_NAME, "Energy against volume", "text/csv")


def _no_minimum(exc: NotBracketed, params: DftCrystalParams) -> ScienceError:
    wider = min(2 * params.volume_range_percent, 20.0)
    return ScienceError(
        f"The equation of state has no minimum: {exc}.",
        hints=[
            "Start nearer to the minimum: optimise the lattice first (task).",
            "A wider range of volumes (volume_range_percent) or more of them (n_volumes).",
            "A minimal basis makes cells too large: take the larger one.",
        ],
        fix={"volume_range_percent": wider} if wider > params.volume_range_percent else None,
    )
