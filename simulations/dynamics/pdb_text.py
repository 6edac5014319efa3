"""A first look at a PDB text, without an engine: what is in it, and what cannot be simulated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import dist, floor, isfinite

from simulations.structures.model import Vector

AMINO_ACIDS = frozenset(
    {"ALA", "ARG", "ASN", "ASP", "CYS", "GLN", "GLU", "GLY", "HIS", "ILE", "LEU", "LYS", "MET"}
    | {"PHE", "PRO", "SER", "THR", "TRP", "TYR", "VAL"}
    | {"ASH", "CYM", "CYX", "GLH", "HID", "HIE", "HIP", "LYN"}
    | {"HSD", "HSP"}
    | {"ACE", "NME"}
)
"""The twenty, their other protonation states by Amber's and CHARMM's names, and two caps."""
REPLACED = {"MSE": "MET"}
"""Selenomethionine, which crystallographers put in for methionine."""
WATERS = frozenset({"HOH", "WAT", "H2O", "DOD", "TIP", "TIP3", "TP3", "SOL"})
Cell = tuple[int, int, int]
COORDINATES = ("ATOM", "HETATM")
LONGEST_PEPTIDE_BOND_ANGSTROM = 2.2
OVERLAP_ANGSTROM = 0.5
"""No two nuclei come as near as this: a bond to hydrogen is twice as long."""


class PdbError(ValueError):
    """What is wrong with the text, in a sentence."""


@dataclass(frozen=True, slots=True)
class Residue:
    name: str
    chain: str
    number: str
    segment: int
    """Counts the TER lines before it."""
    atoms: dict[str, Vector]

    def __str__(self) -> str:
        return " ".join(part for part in (self.name, self.chain, self.number) if part)


@dataclass(frozen=True, slots=True)
class PdbText:
    """The first model of a PDB file."""

    residues: tuple[Residue, ...]
    several_models: bool
    alternates: bool

    @property
    def protein(self) -> list[Residue]:
        return [r for r in self.residues if r.name in AMINO_ACIDS or r.name in REPLACED]

    @property
    def waters(self) -> list[Residue]:
        return [r for r in self.residues if r.name in WATERS]

    @property
    def others(self) -> list[Residue]:
        known = AMINO_ACIDS | REPLACED.keys() | WATERS
        return [residue for residue in self.residues if residue.name not in known]

    @property
    def n_atoms(self) -> int:
        """Of the protein, as given."""
        return sum(len(residue.atoms) for residue in self.protein)

    @property
    def radius_angstrom(self) -> float:
        """Of a sphere around the protein."""
        points = [point for residue in self.protein for point in residue.atoms.values()]
        middle = [(min(axis) + max(axis)) / 2 for axis in zip(*points, strict=True)]
        return max(dist(point, middle) for point in points)

    def breaks(self) -> list[tuple[Residue, Residue]]:
        """Neighbours in a chain whose peptide bond is missing: a loop was not resolved."""
        pairs = zip(self.protein, self.protein[1:], strict=False)
        return [(one, two) for one, two in pairs if _is_break(one, two)]

    def overlaps(self) -> list[tuple[str, str]]:
        """Atoms of the protein that lie on one another, by their names."""
        found: list[tuple[str, str]] = []
        seen: dict[Cell, list[tuple[str, Vector]]] = {}
        for residue in self.protein:
            for name, point in residue.atoms.items():
                label, cell = f"{name} of {residue}", _cell(point)
                near = (other for each in _around(cell) for other in seen.get(each, ()))
                found += [(o, label) for o, at in near if dist(at, point) < OVERLAP_ANGSTROM]
                seen.setdefault(cell, []).append((label, point))
        return found


def _cell(point: Vector) -> Cell:
    x, y, z = (floor(value / OVERLAP_ANGSTROM) for value in point)
    return x, y, z


def _around(cell: Cell) -> Iterator[Cell]:
    for dx, dy, dz in product((-1, 0, 1), repeat=3):
        yield cell[0] + dx, cell[1] + dy, cell[2] + dz


def _is_break(one: Residue, two: Residue) -> bool:
    if (one.chain, one.segment) != (two.chain, two.segment):
        return False
    carbon, nitrogen = one.atoms.get("C"), two.atoms.get("N")
    if carbon is None or nitrogen is None:
        return False  # pdbfixer will place the missing atom
    return dist(carbon, nitrogen) > LONGEST_PEPTIDE_BOND_ANGSTROM


def read(text: str) -> PdbText:
    """:raises PdbError: naming the line."""
    residues: dict[tuple[str, str, str, int], Residue] = {}
    segment, several, alternates = 0, False, False
    for number, line in enumerate(text.splitlines(), 1):
        record = line[:6].strip()
        if record == "ENDMDL":
            several = "\nMODEL" in text.split("ENDMDL", 1)[1]
            break
        segment += record == "TER"
        if record in COORDINATES:
            name, atom, position = _atom(number, line)
            key = (line[21].strip(), line[22:27].strip(), name, segment)
            residue = residues.setdefault(key, Residue(name, key[0], key[1], segment, {}))
            alternates |= atom in residue.atoms
            residue.atoms.setdefault(atom, position)
    if not residues:
        raise PdbError("It holds no ATOM lines: is it the text of a PDB file?")
    return PdbText(tuple(residues.values()), several, alternates)


def without_waters(text: str) -> str:
    """The text less the lines of its water molecules."""
    return "\n".join(line for line in text.splitlines() if not _is_water(line))


def _is_water(line: str) -> bool:
    return line[:6].strip() in COORDINATES and _residue_name(line) in WATERS


def _residue_name(line: str) -> str:
    return line[17:21].strip()


def _atom(number: int, line: str) -> tuple[str, str, Vector]:
    """Residue name, atom name and position; the columns are those of the format."""
    try:
        x, y, z = (float(line[start : start + 8]) for start in (30, 38, 46))
    except ValueError:
        raise PdbError(f"Line {number} has no coordinates in columns 31-54.") from None
    if not all(isfinite(value) and abs(value) < 1e4 for value in (x, y, z)):
        raise PdbError(f"Line {number} has a coordinate outside ±10,000 Å.")
    return _residue_name(line), line[12:16].strip(), (x, y, z)
