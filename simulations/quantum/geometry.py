"""From a structure to atoms in space: embedding, GFN2-xTB, and XYZ files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from simulations.base import Context
from simulations.errors import ScienceError
from simulations.structures.model import Structure, Vector
from simulations.structures.rdkit_log import listening

from .inspect import Molecule
from .params import MoleculeDftParams
from .progress import Progress

START_NAME = "start.xyz"
XTB_FORCE_EV_PER_ANGSTROM = 0.02
XTB_MAX_STEPS = 300


@dataclass(frozen=True, slots=True)
class Geometry:
    symbols: tuple[str, ...]
    positions: tuple[Vector, ...]

    def to_xyz(self, comment: str = "") -> str:
        rows = zip(self.symbols, self.positions, strict=True)
        lines = [f"{s:2} {x:16.10f} {y:16.10f} {z:16.10f}" for s, (x, y, z) in rows]
        return "\n".join([str(len(self.symbols)), comment, *lines, ""])


def as_vectors(rows: Any) -> tuple[Vector, ...]:
    """From an array of (n, 3)."""
    return tuple((float(x), float(y), float(z)) for x, y, z in rows)


def starting_geometry(
    molecule: Molecule, params: MoleculeDftParams, context: Context, progress: Progress
) -> Geometry:
    """The coordinates as given, or else 3D made from the bonds; kept as start.xyz.

    :raises ScienceError: no 3D was found for the bonds.
    """
    geometry = _recorded_start(context.previous, molecule.structure.symbols)
    if geometry is None:
        geometry = _fresh_start(molecule, params, context.log, progress)
    (context.workdir / START_NAME).write_text(geometry.to_xyz("the geometry it started from"))
    context.artifact(START_NAME, "Starting geometry", "chemical/x-xyz")
    return geometry


def _recorded_start(previous: Path | None, symbols: tuple[str, ...]) -> Geometry | None:
    """The start that a lost attempt used, so that this one does not differ from it."""
    frames = read_frames(previous / START_NAME) if previous else []
    return frames[0] if frames and frames[0].symbols == symbols else None


def _fresh_start(
    molecule: Molecule, params: MoleculeDftParams, log: TextIO, progress: Progress
) -> Geometry:
    structure = molecule.structure
    if structure.positions_angstrom is not None:
        return Geometry(structure.symbols, structure.positions_angstrom)
    progress.report(0.0, "making a 3D structure", stage="prepare")
    geometry = embed(structure, params.seed, log)
    if params.preoptimize and structure.n_atoms > 1:
        geometry = relax_with_xtb(geometry, molecule, log, progress)
    return geometry


def embed(structure: Structure, seed: int, log: TextIO) -> Geometry:
    """RDKit's ETKDGv3, cleaned up with MMFF94 where that has parameters."""
    from rdkit import Chem
    from rdkit.Chem import rdForceFieldHelpers

    mol = Chem.AddHs(Chem.MolFromSmiles(structure.smiles))
    if not _place(mol, seed):
        raise ScienceError(
            f"No 3D structure could be made for {structure.smiles}.",
            hints=["Give coordinates (XYZ or a mol block).", "Try another seed."],
        )
    with_mmff = rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol)
    if with_mmff:
        rdForceFieldHelpers.MMFFOptimizeMolecule(mol, maxIters=1000)
    log.write(f"3D from ETKDGv3, seed {seed}{', then MMFF94' if with_mmff else ''}.\n")
    symbols = tuple(atom.GetSymbol() for atom in mol.GetAtoms())
    return Geometry(symbols, as_vectors(mol.GetConformer().GetPositions()))


def _place(mol: Any, seed: int) -> bool:
    """Give the molecule 3D coordinates; if that fails, from random ones."""
    from rdkit.Chem import rdDistGeom

    settings: Any = rdDistGeom.ETKDGv3()
    settings.randomSeed = seed
    # RDKit mutters about elements that its force field has no types for.
    with listening():
        for settings.useRandomCoords in (False, True):
            if rdDistGeom.EmbedMolecule(mol, settings) == 0:
                return True
    return False


def relax_with_xtb(
    geometry: Geometry, molecule: Molecule, log: TextIO, progress: Progress
) -> Geometry:
    """A GFN2-xTB minimum nearby; the geometry unchanged if GFN2 cannot do it."""
    from ase import Atoms
    from ase.optimize import BFGS
    from tblite.ase import TBLite

    atoms = Atoms(geometry.symbols, geometry.positions)
    atoms.calc = TBLite(
        method="GFN2-xTB",
        charge=float(molecule.charge),
        multiplicity=molecule.multiplicity,
        verbosity=0,
    )
    optimizer = BFGS(atoms, logfile=None)

    def tell() -> None:
        message = f"GFN2-xTB pre-optimisation, step {optimizer.nsteps}"
        progress.report(0.0, message, stage="prepare")

    optimizer.attach(tell)
    try:
        done = optimizer.run(fmax=XTB_FORCE_EV_PER_ANGSTROM, steps=XTB_MAX_STEPS)
    except Exception as exc:
        # Only a better start was wanted: DFT can do without.
        log.write(f"GFN2-xTB pre-optimisation gave up, going on without it: {exc}\n")
        return geometry
    log.write(f"GFN2-xTB: {optimizer.nsteps} steps, {'converged' if done else 'not converged'}.\n")
    return Geometry(geometry.symbols, as_vectors(atoms.get_positions()))


def append_frame(path: Path, geometry: Geometry, comment: str) -> None:
    with path.open("a") as stream:
        stream.write(geometry.to_xyz(comment))
        stream.flush()
        # A machine may die next; the frame is what a new attempt starts from.
        os.fsync(stream.fileno())


def read_frames(path: Path) -> list[Geometry]:
    """The whole frames of an XYZ file; one cut short by a crash is left out."""
    lines = path.read_text().splitlines() if path.exists() else []
    frames = []
    while lines and lines[0].strip().isdigit():
        size = int(lines[0])
        frame, lines = lines[: size + 2], lines[size + 2 :]
        rows = [line.split() for line in frame[2:]]
        if len(rows) < size or any(len(row) != 4 or len(row[3]) < 12 for row in rows):
            break
        positions = as_vectors(row[1:] for row in rows)
        frames.append(Geometry(tuple(row[0] for row in rows), positions))
    return frames
