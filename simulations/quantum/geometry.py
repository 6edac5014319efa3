"""Atoms in space: 3D from bonds, and XYZ files that survive a crash."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TextIO

from simulations.errors import ScienceError
from simulations.structures.distances import coincident
from simulations.structures.model import Structure, Vector
from simulations.structures.rdkit_log import listening

ANGSTROM_PER_BOHR = 0.529177210903  # CODATA 2018
FRAGMENT_GAP_ANGSTROM = 2.5
"""About the sum of two van der Waals radii, less a little for what attracts."""
LARGEST_SEED = 2**31 - 1
CARBON = 6
HELD_ANGSTROM, HELD_KCAL_MOL_PER_A2 = 3.5, 5.0
"""How far the parts of a salt or a complex may go while they turn to each other."""


@dataclass(frozen=True, slots=True)
class Geometry:
    symbols: tuple[str, ...]
    positions: tuple[Vector, ...]

    @property
    def positions_bohr(self) -> Any:
        """As an array of (n, 3)."""
        import numpy as np

        return np.array(self.positions) / ANGSTROM_PER_BOHR

    def to_xyz(self, comment: str = "") -> str:
        rows = zip(self.symbols, self.positions, strict=True)
        lines = [f"{s:2} {x:16.10f} {y:16.10f} {z:16.10f}" for s, (x, y, z) in rows]
        return "\n".join([str(len(self.symbols)), comment, *lines, ""])


def as_vectors(rows: Any) -> tuple[Vector, ...]:
    """From an array of (n, 3)."""
    return tuple((float(x), float(y), float(z)) for x, y, z in rows)


def embed(structure: Structure, seed: int, log: TextIO) -> Geometry:
    """RDKit's ETKDGv3, cleaned up with MMFF94 where that has parameters.

    :raises ScienceError: no 3D was found for the bonds.
    """
    from rdkit import Chem

    mol = Chem.AddHs(Chem.MolFromSmiles(structure.smiles))
    if not place(mol, seed):
        raise no_3d(structure, seed + 1)
    cleaned = clean_up(mol) is not None
    log.write(f"3D from ETKDGv3, seed {seed}{', then MMFF94' if cleaned else ''}.\n")
    made = geometry_of_rdkit(mol)
    if coincident(made.positions):
        raise no_3d(structure, seed + 1)
    return made


def no_3d(structure: Structure, next_seed: int) -> ScienceError:
    """:param next_seed: one that was not tried."""
    return ScienceError(
        f"No 3D structure could be made for {structure.smiles}, nor from random coordinates.",
        hints=["Give coordinates (XYZ or a mol block).", "Try another seed."],
        fix={"seed": next_seed % LARGEST_SEED},
    )


def geometry_of_rdkit(mol: Any) -> Geometry:
    symbols = tuple(atom.GetSymbol() for atom in mol.GetAtoms())
    return Geometry(symbols, as_vectors(mol.GetConformer().GetPositions()))


def place(mol: Any, seed: int) -> bool:
    """Give the molecule 3D coordinates; if that fails, from random ones. False if both do."""
    from rdkit.Chem import rdDistGeom

    settings: Any = rdDistGeom.ETKDGv3()
    settings.randomSeed = seed
    # RDKit mutters about elements that its force field has no types for.
    with listening():
        for settings.useRandomCoords in (False, True):
            if rdDistGeom.EmbedMolecule(mol, settings) == 0:
                _spread_fragments(mol)
                return coincident(mol.GetConformer().GetPositions()) is None
    return False


def _spread_fragments(mol: Any) -> None:
    """RDKit puts each part of a salt or a complex at the origin: set them side by side.

    Each is turned about the line they lie on, lest flat parts share a plane that none can leave.
    """
    import numpy as np
    from rdkit import Chem

    conformer = mol.GetConformer()
    positions = np.array(conformer.GetPositions())
    end = -FRAGMENT_GAP_ANGSTROM
    for number, fragment in enumerate(Chem.GetMolFrags(mol)):
        atoms = list(fragment)
        cos, sin = np.cos(number), np.sin(number)
        positions[atoms, 1:] = positions[atoms, 1:] @ np.array([[cos, sin], [-sin, cos]])
        positions[atoms, 0] += end + FRAGMENT_GAP_ANGSTROM - positions[atoms, 0].min()
        end = positions[atoms, 0].max()
    conformer.SetPositions(positions)


def has_mmff(mol: Any) -> bool:
    """MMFF94 has parameters for it, and those of its own kind.

    It takes the carbon of a carbene, an acyl or a vinyl radical for that of an alkyne, and
    stretches it into a line that an optimisation by symmetry never leaves.
    """
    from rdkit.Chem import rdForceFieldHelpers

    return bool(rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol)) and not any(
        atom.GetNumRadicalElectrons() and atom.GetAtomicNum() == CARBON and atom.GetDegree() == 2
        for atom in mol.GetAtoms()
    )


def clean_up(mol: Any) -> float | None:
    """Relax with MMFF94; its energy in kcal/mol, or None where it has no parameters."""
    from rdkit import Chem

    with listening():
        if not has_mmff(mol):
            return None
        parts = Chem.GetMolFrags(mol)
        if len(parts) > 1:
            held = _force_field(mol)
            for one, two in pairwise(parts):
                # Else two that begin back to back would leave each other for good.
                held.MMFFAddDistanceConstraint(
                    one[0], two[0], False, 0.0, HELD_ANGSTROM, HELD_KCAL_MOL_PER_A2
                )
            held.Minimize(maxIts=1000)
        free = _force_field(mol)
        free.Minimize(maxIts=1000)
    return float(free.CalcEnergy())


def _force_field(mol: Any) -> Any:
    from rdkit.Chem import rdForceFieldHelpers

    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol)
    field = rdForceFieldHelpers.MMFFGetMoleculeForceField(
        mol, properties, ignoreInterfragInteractions=False
    )
    field.Initialize()
    return field


def append_frame(path: Path, geometry: Geometry, comment: str) -> None:
    with path.open("a") as stream:
        stream.write(geometry.to_xyz(comment))
        stream.flush()
        # A machine may die next; the frame is what a new attempt starts from.
        os.fsync(stream.fileno())


def read_frames(path: Path) -> list[Geometry]:
    """The whole frames of an XYZ file; one cut short by a crash is left out."""
    return [geometry for geometry, _ in read_trajectory(path)]


def read_trajectory(path: Path) -> list[tuple[Geometry, str]]:
    """Every whole frame with its comment."""
    lines = path.read_text().splitlines() if path.exists() else []
    frames = []
    while lines and lines[0].strip().isdigit():
        size = int(lines[0])
        frame, lines = lines[: size + 2], lines[size + 2 :]
        rows = [line.split() for line in frame[2:]]
        if len(rows) < size or any(len(row) != 4 or len(row[3]) < 12 for row in rows):
            break
        positions = as_vectors(row[1:] for row in rows)
        frames.append((Geometry(tuple(row[0] for row in rows), positions), frame[1]))
    return frames
