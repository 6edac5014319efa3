"""Conformers of a molecule: embedded, cleaned up by a force field, compared, written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from simulations.base import Context
from simulations.quantum.geometry import Geometry, clean_up, geometry_of_rdkit, no_3d, place
from simulations.structures import Structure

XYZ_NAME = "conformers.xyz"
SDF_NAME = "conformers.sdf"
SAME_ENERGY_KCAL_MOL = 0.1
"""Two conformers farther apart than this are not the same, however alike they look."""
MAX_SYMMETRIES = 2000
"""Ways of matching like atoms that are tried for the smallest RMSD."""
BROKEN_BOND = 1.35
"""In parts of the sum of covalent radii; a bond of a stable molecule is shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformer:
    """:param energy: hartree where it comes from xTB, else of the force field, in kcal/mol."""

    geometry: Geometry
    energy: float


class Ensemble:
    """The conformers of one molecule, whose bonds and atoms' order are RDKit's."""

    def __init__(self, structure: Structure) -> None:
        from rdkit import Chem

        self._structure = structure
        self._mol = Chem.AddHs(Chem.MolFromSmiles(structure.smiles))
        self._compared = _without_plain_hydrogens(self._mol)
        self._frames = [atom.GetIntProp("frame") for atom in self._compared.GetAtoms()]

    def embed(self, count: int, seed: int, tell: Callable[[int], None]) -> list[Conformer]:
        """As many as there are out of `count` trials, each cleaned up by MMFF94 if that can.

        :param tell: called with each trial's number.
        :raises ScienceError: none could be embedded.
        """
        from rdkit import Chem

        found: list[Conformer] = []
        for trial in range(count):
            conformer = self._trial(seed + trial)
            if conformer and not found:
                # Where the bonds leave stereochemistry open, all trials take the first one's.
                Chem.AssignStereochemistryFrom3D(self._mol)
            found += [conformer] if conformer else []
            tell(trial + 1)
        if not found:
            raise no_3d(self._structure, seed + count)
        return found

    def _trial(self, seed: int) -> Conformer | None:
        if not place(self._mol, seed % 2**31):
            return None
        energy = clean_up(self._mol) or 0.0
        return Conformer(geometry=geometry_of_rdkit(self._mol), energy=energy)

    def distinct(
        self, conformers: Sequence[Conformer], rmsd_angstrom: float, same_energy: float
    ) -> list[Conformer]:
        """By rising energy, without those that look like a lower one and weigh as much."""
        kept: list[Conformer] = []
        for conformer in sorted(conformers, key=lambda c: c.energy):
            is_known = any(
                conformer.energy - other.energy < same_energy
                and self.rmsd(conformer.geometry, other.geometry) < rmsd_angstrom
                for other in reversed(kept)
            )
            kept += [] if is_known else [conformer]
        return kept

    def rmsd(self, one: Geometry, other: Geometry) -> float:
        """Smallest over turns, shifts and exchanges of like atoms; of plain C-H, C alone counts."""
        from rdkit.Chem import rdMolAlign

        probe, reference = self._placed(one), self._placed(other)
        return float(rdMolAlign.GetBestRMS(probe, reference, maxMatches=MAX_SYMMETRIES))

    def _placed(self, geometry: Geometry) -> Any:
        from rdkit import Chem

        return _with_positions(
            Chem.Mol(self._compared), [geometry.positions[i] for i in self._frames]
        )

    def is_intact(self, geometry: Geometry) -> bool:
        """No bond has broken on the way down: an ion may pass on a proton."""
        import numpy as np
        from rdkit import Chem

        radii, positions = Chem.GetPeriodicTable(), np.array(geometry.positions)
        for bond in self._mol.GetBonds():
            first, second = bond.GetBeginAtom(), bond.GetEndAtom()
            length = np.linalg.norm(positions[first.GetIdx()] - positions[second.GetIdx()])
            reach = radii.GetRcovalent(first.GetAtomicNum())
            reach += radii.GetRcovalent(second.GetAtomicNum())
            if length > BROKEN_BOND * reach:
                return False
        return True

    def write(self, context: Context, conformers: Sequence[Conformer], titles: list[str]) -> None:
        """All of them, as XYZ frames and as an SD file."""
        from rdkit import Chem

        blocks = []
        for conformer, title in zip(conformers, titles, strict=True):
            mol = _with_positions(Chem.Mol(self._mol), conformer.geometry.positions)
            mol.SetProp("_Name", title)
            properties = f">  <energy_hartree>\n{conformer.energy:.10f}\n\n$$$$\n"
            blocks.append(Chem.MolToMolBlock(mol) + properties)
        frames = zip(conformers, titles, strict=True)
        xyz = "".join(conformer.geometry.to_xyz(title) for conformer, title in frames)
        (context.workdir / XYZ_NAME).write_text(xyz)
        context.artifact(XYZ_NAME, "Conformers, best first", "chemical/x-xyz")
        (context.workdir / SDF_NAME).write_text("".join(blocks))
        context.artifact(SDF_NAME, "Conformers with bonds", "chemical/x-mdl-sdfile")


def _with_positions(mol: Any, positions: Sequence[Any]) -> Any:
    from rdkit import Chem
    from rdkit.Geometry import Point3D

    mol.RemoveAllConformers()
    conformer = Chem.Conformer(mol.GetNumAtoms())
    for index, position in enumerate(positions):
        conformer.SetAtomPosition(index, Point3D(*position))
    mol.AddConformer(conformer)
    return mol


def _without_plain_hydrogens(mol: Any) -> Any:
    """Those on carbon follow it; those on O, N and S make conformers of their own."""
    from rdkit import Chem

    copy = Chem.RWMol(mol)
    for atom in copy.GetAtoms():
        atom.SetIntProp("frame", atom.GetIdx())
    plain = [
        atom.GetIdx()
        for atom in copy.GetAtoms()
        if atom.GetAtomicNum() == 1 and [n.GetAtomicNum() for n in atom.GetNeighbors()] == [6]
    ]
    # A molecule such as methane would have one atom left, and an RMSD of nothing.
    if copy.GetNumAtoms() - len(plain) > 2:
        for index in reversed(plain):
            copy.RemoveAtom(index)
    return copy.GetMol()
