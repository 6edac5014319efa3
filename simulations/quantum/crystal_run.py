"""One crystal job: which cells are computed, what is told and kept of each, and the outcome."""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from simulations.base import Context, Motion, Note
from simulations.errors import ScienceError
from simulations.structures import Crystal

from .crystal_checks import as_given
from .crystal_energy import PSEUDOPOTENTIAL, CrystalCalculation, CrystalEnergy
from .crystal_params import (
    MAX_CUTOFF_HARTREE,
    MAX_POINTS,
    DftCrystalParams,
    DftCrystalResult,
    LatticePoint,
    NoteInResult,
)
from .crystal_volumes import CrystalVolumes, planned_cells
from .lattice import scaled, to_ase
from .lattice_search import Minimum, NoMinimum, Scales, minimise, planned_points
from .progress import Progress
from .properties import as_json
from .vacuum import varied

POINTS_NAME = "lattice_points.csv"
CIF_NAME = "final.cif"
CELLS_NAME = "cells.cif"
CELLS = Motion(file=CELLS_NAME, told_by="step")
"""Each cell is in the file before it is told."""
COLUMNS = (
    "step", "a_angstrom", "b_angstrom", "c_angstrom", "energy_hartree",
    "zero_smearing_hartree", "dispersion_hartree", "scf_cycles",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Point:
    constants: dict[str, float]
    energy: CrystalEnergy


class CrystalRun:
    """Computes cells one after another and remembers them all."""

    def __init__(self, crystal: Crystal, params: DftCrystalParams, context: Context) -> None:
        self._crystal = crystal
        self._varied = varied(crystal)
        self._params = params
        self._context = context
        self._progress = Progress(context)
        self._calculation = CrystalCalculation(
            crystal, params, context, self._on_cycle, self._on_rescue
        )
        self._notes: list[Note] = []
        self._lost = read_points(context, crystal)
        if self._lost:
            self._tell_of_resuming()
        self._points: list[Point] = []
        self._minimum: Minimum | None = None
        self._volumes: CrystalVolumes | None = None

    def search(self) -> None:
        """Compute the literature's cell, and unless that is all, go on to the minimum."""
        n = len(self._crystal.constants)
        if self._params.task == "single_point":
            self._value_at((0.0,) * n)
            return
        if self._params.task == "equation_of_state":
            self._volumes = CrystalVolumes(
                self._crystal, self._params, self._value_at, self._context, self._progress
            )
            self._volumes.scan()
            return
        try:
            self._minimum = minimise(
                self._value_of_varied, len(self._varied), self._params.max_points, self._on_shift
            )
        except NoMinimum as exc:
            raise ScienceError(
                f"The lattice constants did not converge: {exc}.",
                hints=[
                    "A finer grid (ke_cutoff_hartree) or more k-points smooth the energy.",
                    "See lattice_points.csv for what was tried.",
                ],
                fix=_fix(self._params, self._calculation.ke_cutoff_hartree),
            ) from None

    def result(self, notes: Iterable[Note], started: float) -> DftCrystalResult:
        """What the last cell is, which the search has confirmed as its minimum."""
        last, crystal, params = self._points[-1], self._crystal, self._params
        cell = to_ase(crystal, last.constants)
        cell.write(self._context.workdir / CIF_NAME)
        self._context.artifact(CIF_NAME, "Crystal structure", "chemical/x-cif")
        told = [*self._notes, *self._calculation.notes]
        told += self._volumes.notes if self._volumes else []
        self._progress.report(1.0, "done", stage="properties")
        return DftCrystalResult(
            energy_hartree=last.energy.total,
            energy_zero_smearing_hartree=last.energy.zero_smearing,
            dispersion_hartree=last.energy.dispersion,
            converged=True,
            task=params.task,
            a_angstrom=last.constants["a_angstrom"],
            b_angstrom=last.constants.get("b_angstrom"),
            c_angstrom=last.constants.get("c_angstrom"),
            **as_given(crystal),
            volume_angstrom3=float(cell.get_volume()),
            title=crystal.title,
            formula=crystal.formula,
            space_group=crystal.space_group,
            method="PBE-D3(BJ)" if params.dispersion == "d3bj" else "PBE",
            basis=params.basis,
            pseudopotential=PSEUDOPOTENTIAL,
            k_mesh=self._calculation.k_mesh,
            ke_cutoff_hartree=self._calculation.ke_cutoff_hartree,
            fft_mesh=self._calculation.fft_mesh,
            smearing_hartree=params.smearing_hartree,
            stages=[_stage(i, point) for i, point in enumerate(self._points, start=1)],
            predicted_energy_hartree=self._predicted,
            **(self._volumes.result_fields() if self._volumes else {}),
            wall_time_s=round(time.monotonic() - started, 2),
            versions={name: version(name) for name in ("pyscf", "pyscf-dispersion", "ase")},
            notes=[NoteInResult(**note) for note in as_json([*notes, *told], params)],
        )

    @property
    def _predicted(self) -> float | None:
        model = self._minimum or self._volumes
        return model.predicted if model else None

    def _value_of_varied(self, scales: Scales) -> float:
        """Those across a vacuum stay as they are."""
        changes = dict(zip(self._varied, scales, strict=True))
        return self._value_at(tuple(changes.get(name, 0.0) for name in self._crystal.constants))

    def _value_at(self, scales: Scales) -> float:
        constants = scaled(self._crystal, scales)
        energy = self._recall(constants) or self._calculation.energy(constants)
        self._points.append(Point(constants, energy))
        self._record()
        self._tell()
        return energy.total

    def _tell_of_resuming(self) -> None:
        message = f"Resumed: {len(self._lost)} cells are known from an earlier attempt."
        self._notes.append(Note(code="resumed", message=message))
        self._context.log.write(f"{message}\n")
        self._progress.report(message=message, stage="lattice")

    def _recall(self, constants: dict[str, float]) -> CrystalEnergy | None:
        """What a lost attempt has computed already: its points come in the same order."""
        number = len(self._points)
        if number < len(self._lost) and self._lost[number].constants == constants:
            return self._lost[number].energy
        return None

    def _record(self) -> None:
        first = len(self._points) == 1
        with (self._context.workdir / POINTS_NAME).open("w" if first else "a") as stream:
            writer = csv.writer(stream)
            if first:
                writer.writerow(COLUMNS)
            writer.writerow(_row(len(self._points), self._points[-1]))
            stream.flush()
            # A machine may die next; a new attempt takes this point from here.
            os.fsync(stream.fileno())
        self._add_cell(first=first)
        if first:
            self._context.artifact(POINTS_NAME, "Energy of each cell tried", "text/csv")
            self._context.artifact(CELLS_NAME, "Each cell tried", "chemical/x-cif")

    def _add_cell(self, *, first: bool) -> None:
        number, point = len(self._points), self._points[-1]
        cell = to_ase(self._crystal, point.constants)
        with (self._context.workdir / CELLS_NAME).open("w" if first else "a") as stream:
            stream.write(cif_block(cell, number, point.energy.total))

    def _tell(self) -> None:
        number, point = len(self._points), self._points[-1]
        constants = ", ".join(f"{k[0]} = {v:.4f} Å" for k, v in point.constants.items())
        self._progress.report(
            self._fraction(number),
            f"lattice point {number}: {constants}",
            stage="lattice",
            step=number,
            energy_hartree=point.energy.total,
            **point.constants,
        )

    def _fraction(self, number: int) -> float:
        n = len(self._crystal.constants)
        planned = {
            "single_point": 1,
            "lattice_optimization": planned_points(len(self._varied)),
            "equation_of_state": planned_cells(self._params, n),
        }
        return 0.97 * min(number / planned[self._params.task], 1)

    def _on_shift(self, shift: float) -> None:
        message = f"the model's minimum is {100 * shift:.2f} % away"
        self._progress.report(message=message, stage="lattice")

    def _on_rescue(self, sentence: str) -> None:
        message = f"lattice point {len(self._points) + 1}, {sentence}"
        self._progress.report(message=message, stage="lattice")

    def _on_cycle(self, cycle: int, energy: float, delta: float) -> None:
        self._progress.report(
            message=f"lattice point {len(self._points) + 1}, SCF cycle {cycle}",
            stage="lattice",
            scf_cycle=cycle,
            scf_energy_hartree=energy,
            scf_delta_energy_hartree=delta,
        )


def _fix(params: DftCrystalParams, cutoff_hartree: float) -> dict[str, Any]:
    """More points where there may be more, else a grid on which the energy is smoother."""
    if params.max_points < MAX_POINTS:
        return {"max_points": min(2 * params.max_points, MAX_POINTS)}
    return {"ke_cutoff_hartree": min(1.5 * cutoff_hartree, MAX_CUTOFF_HARTREE)}


def read_points(context: Context, crystal: Crystal) -> list[Point]:
    """The cells that a lost attempt had computed; a row cut short by a crash is left out."""
    path = context.previous / POINTS_NAME if context.previous else None
    if path is None or not path.exists():
        return []
    # Its last line counts only once its line feed is there.
    text, _, _ = path.read_text().rpartition("\n")
    rows = csv.DictReader(text.splitlines())
    return [_point(row, crystal) for row in rows]


def _point(row: dict[str, str], crystal: Crystal) -> Point:
    energy = CrystalEnergy(
        total=float(row["energy_hartree"]),
        zero_smearing=float(row["zero_smearing_hartree"]),
        dispersion=float(row["dispersion_hartree"]),
        cycles=int(row["scf_cycles"]),
    )
    return Point({name: float(row[name]) for name in crystal.constants}, energy)


def cif_block(cell: Any, number: int, energy_hartree: float) -> str:
    """One of several cells in a file, ended by a line that says that it is all there."""
    stream = io.BytesIO()
    cell.write(stream, format="cif")
    # ASE calls each cell the first of its file.
    _, _, body = stream.getvalue().decode("latin-1").partition("\n")
    told = f"# step {number} energy_hartree {energy_hartree:.10f}"
    return f"data_step_{number}\n{told}\n{body.rstrip()}\n#END\n"


def _row(number: int, point: Point) -> list[float | str]:
    energy = point.energy
    names = ("a_angstrom", "b_angstrom", "c_angstrom")
    constants = [point.constants.get(name, "") for name in names]
    return [
        number,
        *constants,
        energy.total,
        energy.zero_smearing,
        energy.dispersion,
        energy.cycles,
    ]


def _stage(number: int, point: Point) -> LatticePoint:
    return LatticePoint(
        step=number,
        a_angstrom=point.constants["a_angstrom"],
        b_angstrom=point.constants.get("b_angstrom"),
        c_angstrom=point.constants.get("c_angstrom"),
        energy_hartree=point.energy.total,
        scf_cycles=point.energy.cycles,
        converged=True,
    )
