"""What a GPU does of a molecule's SCF: by GPU4PySCF, where that is installed and finds one.

It finds the density. The last cycles are the processor's own, and say what the energy is: so no
result depends on what found the density, and one that is not good enough costs a few cycles more.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from simulations.base import Context, Note
from simulations.errors import Cancelled

logger = logging.getLogger(__name__)

SOLVED = "gpu"
"""The code of the note on a run that it had its share of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """:param name: as its driver tells it.
    :param version: of GPU4PySCF.
    """

    name: str
    version: str


@cache
def device() -> Device | None:
    """What GPU4PySCF computes on. None: it is not installed, or finds nothing that it can use.

    Not to be asked before a fork: a process cannot use the CUDA context of its parent.
    """
    try:
        import cupy
        import gpu4pyscf

        told = cupy.cuda.runtime.getDeviceProperties(0)
    except (ImportError, OSError, RuntimeError) as exc:
        logger.info("no GPU for PySCF: %s", exc)
        return None
    return Device(name=told["name"].decode(), version=gpu4pyscf.__version__)


class GpuShare:
    """Of the SCFs of one calculation.

    :ivar notes: what the user should know of it.
    """

    def __init__(self, context: Context) -> None:
        self.notes: list[Note] = []
        self._device = device() if context.gpu else None
        if context.gpu and self._device is None:
            self.notes.append(NO_GPU)

    @property
    def is_any(self) -> bool:
        return self._device is not None

    def density(self, mf: Any, density: Any) -> Any:
        """The density that the GPU ends with, or the given one where it has no share.

        :param mf: not solved by this, and told each cycle all the same.
        """
        if self._device is None:
            return density
        try:
            found = _solved(mf, density)
        except Cancelled:
            raise
        except Exception as exc:
            # Whatever it has not got or cannot do, the processor has and can.
            mf.stdout.write(f"\nGPU4PySCF gave up:\n{traceback.format_exc()}\n")
            self.notes = [_gave_up(self._device, exc)]
            self._device = None
            return density
        self.notes = [_solved_by(self._device)]
        return found


def to_gpu(mf: Any) -> Any:
    """The same method of GPU4PySCF.

    :raises Exception: it has none, or cannot take this one over.
    """
    return mf.to_gpu()


def _solved(mf: Any, density: Any) -> Any:
    on_gpu = to_gpu(mf)
    on_gpu.kernel(dm0=density)
    found = on_gpu.make_rdm1()
    return found.get() if hasattr(found, "get") else found


NO_GPU = Note(
    code="no_gpu",
    message="It was to run on a GPU. GPU4PySCF is not installed here, or finds none that it can "
    "use: the processor computed all of it.",
)


def _solved_by(device: Device) -> Note:
    message = (
        f"The SCF was solved on {device.name} by GPU4PySCF {device.version}; its last cycles, "
        "which say what the energy is, and all else by the processor."
    )
    return Note(code=SOLVED, message=message)


def _gave_up(device: Device, exc: Exception) -> Note:
    message = (
        f"GPU4PySCF {device.version} gave up on {device.name} ({type(exc).__name__}: {exc}): the "
        "processor went on by itself."
    )
    return Note(code="gpu_gave_up", message=message)


def versions(notes: Sequence[Note]) -> dict[str, str]:
    """Of what computed on a GPU, for a run with these notes."""
    had_share = any(note.code == SOLVED for note in notes)
    used = device() if had_share else None
    return {"gpu4pyscf": used.version} if used else {}
