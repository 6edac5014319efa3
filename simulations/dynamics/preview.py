"""Some frames of the trajectory as PDB, without water: a browser reads no XTC."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from .prepared import SOLVENT, Prepared
from .trajectory import TRAJECTORY_NAME, read_frames

PREVIEW_NAME = "preview.pdb"
SHOWN_PS = "shown_ps"
"""The metric that tells up to which time the file has frames."""
MAX_FRAMES = 100
MAX_ATOM_LINES = 60_000
"""About 5 MB, which a browser fetches and reads at once."""
ANGSTROM_PER_NM = 10.0


def write_preview(prepared: Prepared, workdir: Path) -> bool:
    """Evenly chosen frames, the first and the last among them, each laid over the first.

    :returns: whether there was a frame at all.
    """
    trajectory = workdir / TRAJECTORY_NAME
    if not trajectory.exists():
        return False
    shown = solute(prepared)
    positions_nm, times_ps = read_frames(trajectory, shown)
    kept = chosen(len(times_ps), len(shown))
    laid = superposed(positions_nm[kept], heavy_among(prepared, shown))
    _write(prepared, shown, laid, [times_ps[i] for i in kept], workdir / PREVIEW_NAME)
    return True


def solute(prepared: Prepared) -> list[int]:
    """All atoms but water and ions; those too where there is nothing else."""
    atoms = list(prepared.topology.atoms())
    found = [atom.index for atom in atoms if atom.residue.name not in SOLVENT]
    return found or [atom.index for atom in atoms]


def most_frames(n_atoms: int) -> int:
    return max(2, min(MAX_FRAMES, MAX_ATOM_LINES // n_atoms))


def chosen(n_frames: int, n_atoms: int) -> list[int]:
    """Which frames are shown, as evenly as whole numbers allow."""
    most = most_frames(n_atoms)
    if n_frames <= most:
        return list(range(n_frames))
    return [round(i * (n_frames - 1) / (most - 1)) for i in range(most)]


def superposed(frames: Any, on: list[int]) -> Any:
    """Each frame turned and moved so that these atoms of it lie best on those of the first."""
    import numpy as np

    reference = frames[0][on]
    middle = reference.mean(axis=0)
    laid = np.empty((len(frames), *frames[0].shape))
    for number, frame in enumerate(frames):
        centre = frame[on].mean(axis=0)
        left, _, right = np.linalg.svd((frame[on] - centre).T @ (reference - middle))
        # A mirror image is no rotation.
        sign = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
        laid[number] = (frame - centre) @ left @ sign @ right + middle
    return laid


def heavy_among(prepared: Prepared, shown: list[int]) -> list[int]:
    """Where the heavy atoms stand among those shown."""
    atoms = list(prepared.topology.atoms())
    heavy = [place for place, i in enumerate(shown) if atoms[i].element.symbol != "H"]
    return heavy or list(range(len(shown)))


def model_of(prepared: Prepared, shown: list[int]) -> Any:
    """The `openmm.app.Topology` of these atoms alone."""
    from openmm import unit
    from openmm.app import Modeller

    kept = set(shown)
    model = Modeller(prepared.topology, prepared.positions * unit.nanometer)
    model.delete([atom for atom in model.topology.atoms() if atom.index not in kept])
    # The frames were turned: the box is no longer theirs.
    model.topology.setPeriodicBoxVectors(None)
    return model.topology


def frame_text(model: Any, positions_nm: Any) -> str:
    """Its atoms as lines of a PDB."""
    from openmm import unit
    from openmm.app import PDBFile

    stream = io.StringIO()
    at = positions_nm * ANGSTROM_PER_NM * unit.angstrom
    PDBFile.writeModel(model, at, stream, keepIds=True)
    return stream.getvalue()


def models_text(texts: Iterable[tuple[float, str]]) -> Iterator[str]:
    """Each frame, of this time in ps, as a model with its time in front."""
    for number, (time_ps, text) in enumerate(texts, start=1):
        yield f"REMARK time_ps {time_ps:.7g}\nMODEL     {number:4d}\n{text}ENDMDL\n"


def footer(model: Any) -> str:
    """Bonds that are not those of amino acids."""
    from openmm.app import PDBFile

    stream = io.StringIO()
    PDBFile.writeFooter(model, stream)
    return stream.getvalue()


def _write(
    prepared: Prepared, shown: list[int], frames: Any, times_ps: list[float], path: Path
) -> None:
    model = model_of(prepared, shown)
    texts = (frame_text(model, frame) for frame in frames)
    models = models_text(zip(times_ps, texts, strict=True))
    put(path, chain(models, [footer(model)]))


def put(path: Path, parts: Iterable[str]) -> None:
    """Renamed into place, so that whoever opens it has whole frames."""
    scratch = path.with_name(f".{path.name}")
    with scratch.open("w") as stream:
        stream.writelines(parts)
    scratch.replace(path)
