"""The frames of a run in XTC, and the mending of such a file that a crash cut short."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .images import Together
from .prepared import Prepared
from .schedule import Schedule

TRAJECTORY_NAME = "trajectory.xtc"
MAGIC = 1995
HEADER_BYTES = 56
"""Magic number, atoms, step, time, nine numbers of the box, and atoms again."""
RAW_ATOMS = 9
"""Up to here the format does not compress."""
PACKED_BYTES = 36
"""Precision, six bounds, the smallest index and the length of what follows."""


class Frames:
    """Appends to the trajectory; its times are those of the schedule."""

    def __init__(self, path: Path, prepared: Prepared, plan: Schedule) -> None:
        from openmm.app.xtcfile import XTCFile

        self._periodic = prepared.periodic
        self._together = Together(prepared)
        self._file = XTCFile(
            str(path),
            prepared.topology,
            plan.timestep_fs / 1000,
            firstStep=plan.equilibration_steps + plan.interval,
            interval=plan.interval,
            append=path.exists(),
        )

    def append(self, context: Any) -> Any:
        """:returns: the positions that were written, in nm."""
        from openmm import unit

        # Molecules are put back into the box whole, as viewers like them.
        state = context.getState(positions=True, enforcePeriodicBox=self._periodic)
        positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        box = state.getPeriodicBoxVectors()
        positions = self._together(positions, box.value_in_unit(unit.nanometer))
        self._file.writeModel(positions * unit.nanometer, periodicBoxVectors=box)
        return positions


def read_frames(path: Path, atoms: Sequence[int]) -> tuple[Any, list[float]]:
    """Positions of these atoms in nm by frame, atom and axis, and the time of each frame in ps."""
    from openmm.app.internal.xtc_utils import read_xtc

    coordinates, _, times, _ = read_xtc(str(path).encode())
    kept = coordinates[list(atoms)].transpose(2, 0, 1).astype(float)
    return kept, [float(time) for time in times]


def copy_frames(source: Path, target: Path, count: int) -> int:
    """The first `count` whole frames, or as many as there are; how many they were."""
    data = source.read_bytes() if source.exists() else b""
    copied, end = 0, 0
    while copied < count and (size := _frame_bytes(data, end)):
        end += size
        copied += 1
    if copied:
        target.write_bytes(data[:end])
    return copied


def _frame_bytes(data: bytes, start: int) -> int:
    """The length of the frame that begins here; 0 if it is not all there."""
    if len(data) < start + HEADER_BYTES:
        return 0
    magic, n_atoms = struct.unpack_from(">ii", data, start)
    if magic != MAGIC:
        return 0
    size = HEADER_BYTES + 12 * n_atoms
    if n_atoms > RAW_ATOMS:
        if len(data) < start + HEADER_BYTES + PACKED_BYTES:
            return 0
        (packed,) = struct.unpack_from(">i", data, start + HEADER_BYTES + PACKED_BYTES - 4)
        size = HEADER_BYTES + PACKED_BYTES + (packed + 3) // 4 * 4
    return size if len(data) >= start + size else 0
