"""The first geometry of a job's file as a table, for pages that cannot draw it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from jobs.downloads import Unservable, opened
from jobs.models import Artifact

logger = logging.getLogger(__name__)

MAX_ATOMS = 200
"""A longer table is read by nobody; the file has all."""
MAX_BYTES = 1_000_000
COORDINATES = {"ATOM  ", "HETATM"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """In Å."""

    number: int
    element: str
    x: str
    y: str
    z: str


def first_atoms(artifact: Artifact) -> list[Atom]:
    """Of the first frame; none of a file that is large, gone or of another format."""
    readers = {"chemical/x-xyz": _of_xyz, "chemical/x-pdb": _of_pdb}
    reader = readers.get(artifact.media_type)
    if reader is None or artifact.size_bytes > MAX_BYTES:
        return []
    try:
        with opened(artifact) as stream:
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except Unservable as exc:
        logger.warning("no table of atoms: %s", exc)
        return []
    return _table(reader(lines))


def atoms_in(xyz: str) -> list[Atom]:
    """None of an empty text."""
    return _table(_of_xyz(xyz.splitlines())) if xyz else []


def _table(atoms: Iterator[tuple[str, float, float, float]]) -> list[Atom]:
    try:
        found = list(islice(atoms, MAX_ATOMS + 1))
    except ValueError:
        # A run that was stopped in the midst of a line.
        return []
    if len(found) > MAX_ATOMS:
        return []
    return [
        Atom(number=n, element=element, x=_shown(x), y=_shown(y), z=_shown(z))
        for n, (element, x, y, z) in enumerate(found, start=1)
    ]


def _of_xyz(lines: list[str]) -> Iterator[tuple[str, float, float, float]]:
    count = int(lines[0]) if lines and lines[0].strip().isdecimal() else 0
    for line in lines[2 : 2 + count]:
        element, x, y, z = line.split()[:4]
        yield element, float(x), float(y), float(z)


def _of_pdb(lines: list[str]) -> Iterator[tuple[str, float, float, float]]:
    for line in lines:
        if line.startswith("ENDMDL"):
            return
        if line[:6] in COORDINATES:
            yield line[76:78].strip(), float(line[30:38]), float(line[38:46]), float(line[46:54])


def _shown(value: float) -> str:
    return f"{value:.3f}".replace("-", "\N{MINUS SIGN}")
