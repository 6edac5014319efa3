"""PDB files, read line by line so that a complaint can name the line; no engine is needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from simulations.structures import ATOMIC_NUMBERS

from .residues import METALS, POLYMER, WATERS

Vector = tuple[float, float, float]

MAX_ATOMS = 25_000
MAX_COORDINATE_ANGSTROM = 9999.0
LONGEST_PEPTIDE_BOND_ANGSTROM = 2.0


class PdbError(ValueError):
    """What is wrong with the file, in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """One atom line."""

    name: str
    altloc: str
    element: str
    position: Vector
    occupancy: float

    @property
    def is_heavy(self) -> bool:
        return self.element not in ("H", "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Residue:
    """The atoms of one residue, of its alternate locations only the one that is used."""

    chain: str
    number: int
    insertion: str
    name: str
    atoms: tuple[Atom, ...]
    altloc: str = ""

    @property
    def key(self) -> str:
        return f"{self.chain}:{self.number}{self.insertion}"

    @property
    def label(self) -> str:
        return f"{self.name} {self.key}"

    @property
    def kind(self) -> str:
        """`water`, `metal`, `polymer` or `hetero`."""
        if self.name in WATERS:
            return "water"
        if self.name in METALS and len(self.atoms) == 1:
            return "metal"
        return "polymer" if self.name in POLYMER else "hetero"

    @property
    def positions(self) -> list[Vector]:
        return [atom.position for atom in self.atoms if atom.is_heavy]

    def atom(self, name: str) -> Atom | None:
        return next((atom for atom in self.atoms if atom.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PdbFile:
    """What a file holds: its first model."""

    residues: tuple[Residue, ...]
    n_models: int

    def of_kind(self, *kinds: str) -> list[Residue]:
        return [residue for residue in self.residues if residue.kind in kinds]

    def gaps(self) -> list[str]:
        """Places where a chain is broken: residues are missing between."""
        chain = [residue for residue in self.of_kind("polymer") if residue.atom("CA")]
        return [
            f"{before.key}–{after.key}"
            for before, after in pairwise(chain)
            if before.chain == after.chain and _broken(before, after)
        ]


def parse(text: str) -> PdbFile:
    """:raises PdbError: it is no PDB file, or holds too much."""
    lines = text.splitlines()
    if any(line.startswith(("data_", "_atom_site.")) for line in lines[:200]):
        raise PdbError("This is an mmCIF file; give the entry in PDB format")
    rows = list(_atom_lines(lines))
    if not rows:
        raise PdbError("It holds no ATOM or HETATM line: paste the text of a PDB file")
    if len(rows) > MAX_ATOMS:
        raise PdbError(
            f"It holds {len(rows)} atoms, more than the {MAX_ATOMS} read here: keep the chain "
            "with the binding site"
        )
    grouped: dict[tuple[str, int, str], list[tuple[str, Atom]]] = defaultdict(list)
    for number, line in rows:
        key, name, atom = _atom(number, line)
        grouped[key].append((name, atom))
    residues = tuple(
        _residue(key, part) for key, members in grouped.items() for part in _by_name(members)
    )
    n_models = sum(line.startswith("MODEL ") for line in lines)
    return PdbFile(residues=residues, n_models=max(n_models, 1))


def _atom_lines(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Numbered atom lines up to the end of the first model."""
    for number, line in enumerate(lines, start=1):
        if line.startswith("ENDMDL"):
            return
        if line.startswith(("ATOM  ", "HETATM")):
            yield number, line


def _atom(number: int, line: str) -> tuple[tuple[str, int, str], str, Atom]:
    try:
        residue = (line[21:22].strip(), int(line[22:26]), line[26:27].strip())
        x, y, z = float(line[30:38]), float(line[38:46]), float(line[46:54])
        occupancy = float(line[54:60].strip() or 1)
    except ValueError:
        raise PdbError(f"Line {number} is not in PDB columns: {line[:60]}") from None
    # NaN fails this too.
    if not all(abs(value) <= MAX_COORDINATE_ANGSTROM for value in (x, y, z)):
        raise PdbError(f"Line {number} has a coordinate that is no position in Å")
    atom = Atom(
        name=line[12:16].strip(),
        altloc=line[16:17].strip(),
        element=_element(number, line),
        position=(x, y, z),
        occupancy=occupancy,
    )
    return residue, line[17:20].strip(), atom


def _element(number: int, line: str) -> str:
    """As columns 77-78 say, or else as the atom's name is set: elements end in column 14."""
    given = line[76:78].strip().capitalize() or line[12:14].strip(" 0123456789").capitalize()
    if given in ATOMIC_NUMBERS or given == "D":
        return given
    if given[:1] in ATOMIC_NUMBERS:
        return given[:1]
    raise PdbError(f"Line {number} names no element: {line[:30].rstrip()}")


def _by_name(members: list[tuple[str, Atom]]) -> list[list[tuple[str, Atom]]]:
    """A ligand that was added under a number of the chain is no part of the residue there.

    Two names in alternate locations are one place that two residues share.
    """
    if all(atom.altloc for _, atom in members):
        return [members]
    named: dict[str, list[tuple[str, Atom]]] = {}
    for name, atom in members:
        named.setdefault(name, []).append((name, atom))
    return [*named.values()]


def _residue(key: tuple[str, int, str], members: list[tuple[str, Atom]]) -> Residue:
    """The residue in its most occupied alternate location."""
    chain, number, insertion = key
    occupied: dict[str, float] = defaultdict(float)
    for _, atom in members:
        if atom.altloc:
            occupied[atom.altloc] += atom.occupancy
    taken = min(occupied, key=lambda letter: (-occupied[letter], letter), default="")
    kept = [(name, atom) for name, atom in members if atom.altloc in ("", taken)]
    return Residue(
        chain=chain,
        number=number,
        insertion=insertion,
        name=kept[-1][0],
        atoms=_without_repeats(atom for _, atom in kept),
        altloc=taken,
    )


def _without_repeats(atoms: Iterable[Atom]) -> tuple[Atom, ...]:
    """One atom of each name: some files repeat an atom under two locations."""
    return tuple({atom.name: atom for atom in atoms}.values())


def _broken(before: Residue, after: Residue) -> bool:
    carbon, nitrogen = before.atom("C"), after.atom("N")
    if not carbon or not nitrogen:
        return True
    pairs = zip(carbon.position, nitrogen.position, strict=True)
    return sum((a - b) ** 2 for a, b in pairs) > LONGEST_PEPTIDE_BOND_ANGSTROM**2


def write(residues: Iterable[Residue]) -> str:
    """The residues as a PDB file, each alternate location settled."""
    lines: list[str] = []
    last = None
    for residue in residues:
        if last is not None and last.chain != residue.chain:
            lines.append("TER")
        for atom in residue.atoms:
            lines.append(_line((len(lines) + 1) % 100_000, residue, atom))
        last = residue
    return "\n".join([*lines, "END", ""])


def _line(serial: int, residue: Residue, atom: Atom) -> str:
    # Names of one-letter elements begin in column 14, so that CA is no calcium.
    name = atom.name if len(atom.name) > 3 or len(atom.element) > 1 else f" {atom.name}"
    x, y, z = atom.position
    record = "ATOM  " if residue.kind == "polymer" else "HETATM"
    return (
        f"{record}{serial:5d} {name:<4} {residue.name:>3} {residue.chain:1}{residue.number:4d}"
        f"{residue.insertion:1}   {x:8.3f}{y:8.3f}{z:8.3f}{atom.occupancy:6.2f}{0:6.2f}"
        f"          {atom.element.upper():>2}"
    )
