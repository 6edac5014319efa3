"""Which format a text is in: as its file's name says, or as it looks."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Literal

Format = Literal[
    "auto", "smiles", "inchi", "xyz", "sdf", "cif", "poscar", "pdb", "mmcif", "name",
]  # fmt: skip

MACROMOLECULAR = ("pdb", "mmcif")
BY_SUFFIX: dict[str, Format] = {
    ".smi": "smiles",
    ".smiles": "smiles",
    ".inchi": "inchi",
    ".xyz": "xyz",
    ".sdf": "sdf",
    ".sd": "sdf",
    ".mol": "sdf",
    ".poscar": "poscar",
    ".contcar": "poscar",
    ".vasp": "poscar",
    ".pdb": "pdb",
    ".ent": "pdb",
    ".mmcif": "mmcif",
}
"""`.cif` is none of them: both kinds of CIF go by it, so the text decides."""

_MOL_BLOCK = re.compile(r"V[23]000\s*$|^M  END", re.MULTILINE)
# Within the line: over thousands of empty ones `\s*` would look to their end from each of them.
_CIF = re.compile(r"^[^\S\n]*data_", re.MULTILINE | re.IGNORECASE)
_MMCIF = re.compile(r"^[^\S\n]*_atom_site\.", re.MULTILINE)
_PDB = re.compile(r"^(ATOM  |HETATM|HEADER    |CRYST1|SEQRES)", re.MULTILINE)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?$")
_JSON = re.compile(r"\s*(\{\s*[\"}]|\[\s*[\[{\"])")


def sniff(text: str) -> Format:
    """What several lines look like; auto for what looks like none of these, and for a single line,
    which may be SMILES or a name."""
    stripped = text.strip()
    if stripped.startswith("InChI="):
        return "inchi"
    if "\n" not in stripped:
        return "pdb" if _PDB.match(text) else "auto"
    if _MOL_BLOCK.search(text):
        return "sdf"
    if _CIF.search(text):
        # First: the atoms of an mmCIF file begin like those of a PDB file.
        return "mmcif" if _MMCIF.search(text) else "cif"
    if _PDB.search(text):
        return "pdb"
    if _is_poscar(text.splitlines()):
        return "poscar"
    return "xyz" if _is_xyz(stripped.splitlines()) else "auto"


def is_json(text: str) -> bool:
    """An object, or a list of what is more than a number: no SMILES begins like that."""
    return bool(_JSON.match(text))


def of_file(name: str, text: str) -> Format:
    """As the name of its file says, or else as it looks."""
    path = PurePath(name)
    if path.name.upper().startswith(("POSCAR", "CONTCAR")):
        return "poscar"
    return BY_SUFFIX.get(path.suffix.lower()) or sniff(text)


def _is_xyz(lines: list[str]) -> bool:
    """A count on a line of its own, or an element and three numbers."""
    first = lines[0].split()
    if len(first) == 1:
        return first[0].isdecimal()
    is_element = first[0].isalnum()
    return is_element and len(first) >= 4 and all(map(_NUMBER.match, first[1:4]))


def _is_poscar(lines: list[str]) -> bool:
    """A comment, a scale, and three edges of three numbers each; XYZ has an element or a count."""
    if len(lines) < 7:
        return False
    counts = [len(line.split()) for line in lines[1:5]]
    words = [word for line in lines[1:5] for word in line.split()]
    return counts in ([1, 3, 3, 3], [3, 3, 3, 3]) and all(map(_NUMBER.match, words))
