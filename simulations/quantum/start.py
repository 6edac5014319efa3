"""Where a run starts: the coordinates as given, or 3D that is made and relaxed."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from simulations.base import Context

from .geometry import Geometry, embed, read_frames
from .inspect import Molecule
from .progress import Progress
from .xtb import XtbSurface, relax

START_NAME = "start.xyz"
XTB_MAX_STEPS = 300


def starting_geometry(
    molecule: Molecule, *, seed: int, preoptimize: bool, context: Context, progress: Progress
) -> Geometry:
    """The coordinates as given, or else 3D made from the bonds; kept as start.xyz.

    :param preoptimize: relax 3D that was made with GFN2-xTB.
    :raises ScienceError: no 3D was found for the bonds.
    """
    geometry = _recorded_start(context.previous, molecule.structure.symbols)
    if geometry is None:
        geometry = _given(molecule)
    if geometry is None:
        progress.report(0.0, "making a 3D structure", stage="prepare")
        geometry = embed(molecule.structure, seed, context.log)
        if preoptimize and molecule.structure.n_atoms > 1:
            geometry = _relaxed(geometry, molecule, context.log, progress)
    (context.workdir / START_NAME).write_text(geometry.to_xyz("the geometry it started from"))
    context.artifact(START_NAME, "Starting geometry", "chemical/x-xyz")
    return geometry


def _recorded_start(previous: Path | None, symbols: tuple[str, ...]) -> Geometry | None:
    """The start that a lost attempt used, so that this one does not differ from it."""
    frames = read_frames(previous / START_NAME) if previous else []
    return frames[0] if frames and frames[0].symbols == symbols else None


def _given(molecule: Molecule) -> Geometry | None:
    positions = molecule.structure.positions_angstrom
    return None if positions is None else Geometry(molecule.structure.symbols, positions)


def _relaxed(geometry: Geometry, molecule: Molecule, log: TextIO, progress: Progress) -> Geometry:
    """A GFN2-xTB minimum nearby; the geometry unchanged if GFN2 cannot do it."""

    def tell(step: int, energy: float) -> None:
        progress.report(0.0, f"GFN2-xTB pre-optimisation, step {step}", stage="prepare")

    log.write("Pre-optimisation with GFN2-xTB.\n")
    try:
        surface = XtbSurface(molecule, geometry)
        relax(surface, XTB_MAX_STEPS, tell, log)
    except Exception as exc:
        # Only a better start was wanted: DFT can do without.
        log.write(f"GFN2-xTB pre-optimisation gave up, going on without it: {exc}\n")
        return geometry
    return surface.geometry
