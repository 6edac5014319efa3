"""Crystals from VASP's POSCAR and CONTCAR, read line by line so that a complaint names the line."""

from __future__ import annotations

from .cif import MAX_SITES, RawCell
from .elements import ATOMIC_NUMBERS
from .model import Edges, Vector

VELOCITIES = "What follows the coordinates (velocities?) is not read."


class PoscarError(ValueError):
    """What is wrong, in a clause that names the line."""


def parse(text: str) -> RawCell:
    """:raises PoscarError: naming the line."""
    lines = text.splitlines()
    if len(lines) < 8:
        raise PoscarError(f"it has {len(lines)} lines; the first eight are its header")
    raw_edges = (_vector(lines, 2), _vector(lines, 3), _vector(lines, 4))
    stretch = _stretch(lines[1], raw_edges)
    edges = tuple(tuple(stretch[i] * v for i, v in enumerate(edge)) for edge in raw_edges)
    symbols = _symbols(lines)
    mode = 7
    if lines[mode][:1] in "Ss" and lines[mode].strip():
        mode += 1  # selective dynamics: which atoms may move is for a relaxation to ask
    if len(lines) <= mode or not lines[mode].strip():
        raise PoscarError(f"line {mode + 1} does not say Direct or Cartesian")
    cartesian = lines[mode].strip()[:1] in "CcKk"
    rows = [_vector(lines, mode + 1 + n) for n in range(len(symbols))]
    rest = any(line.strip() for line in lines[mode + 1 + len(symbols) :])
    return RawCell(
        edges=edges,  # type: ignore[arg-type]
        symbols=symbols,
        fractions=_fractions(rows, edges, stretch) if cartesian else tuple(rows),
        title="",
        warnings=(VELOCITIES,) if rest else (),
    )


def _vector(lines: list[str], index: int) -> Vector:
    """The line's first three numbers; flags and labels may follow."""
    if index >= len(lines):
        raise PoscarError(f"line {index + 1} is missing: fewer coordinates than atoms")
    words = lines[index].split()
    try:
        x, y, z = (float(word) for word in words[:3])
    except ValueError:
        raise PoscarError(f"line {index + 1} is not three numbers: {lines[index][:60]}") from None
    if not all(abs(value) < 1e4 for value in (x, y, z)):  # NaN fails this too
        raise PoscarError(f"line {index + 1} has a number beyond ±10,000")
    return x, y, z


def _stretch(line: str, edges: Edges) -> Vector:
    """By how much each Cartesian axis is scaled; one negative number is the cell's volume."""
    import numpy as np

    try:
        scales = [float(word) for word in line.split()[:3]]
    except ValueError:
        raise PoscarError(f"line 2 is no scale: {line[:60]}") from None
    volume = abs(float(np.linalg.det(np.array(edges))))
    if volume < 1e-3:
        raise PoscarError("the edges in lines 3 to 5 enclose no volume")
    if len(scales) == 3 and all(scale > 0 for scale in scales):
        return scales[0], scales[1], scales[2]
    if len(scales) != 1 or not 0 < abs(scales[0]) < 1e6:
        raise PoscarError("line 2 is no scale: one number, or three that are positive")
    scale = scales[0] if scales[0] > 0 else float((-scales[0] / volume) ** (1 / 3))
    return scale, scale, scale


def _symbols(lines: list[str]) -> tuple[str, ...]:
    names = lines[5].split()
    if all(name.isdecimal() for name in names):
        raise PoscarError(
            "line 6 has numbers where the elements are named: this is the format of VASP 4; put a "
            "line with the elements before it"
        )
    bare = [name.split("_")[0].split("/")[0] for name in names]
    for name in bare:
        if name not in ATOMIC_NUMBERS:
            raise PoscarError(f"line 6 names no element: {name[:20]}")
    counts = [word for word in lines[6].split() if word.isascii() and word.isdecimal()]
    if len(counts) != len(bare):
        raise PoscarError(f"line 7 must count the atoms of each of the {len(bare)} names in line 6")
    if any(len(count) > 4 for count in counts) or sum(map(int, counts)) > MAX_SITES:
        raise PoscarError(f"line 7 counts more than the {MAX_SITES} atoms read here")
    pairs = zip(bare, counts, strict=True)
    found = tuple(name for name, count in pairs for _ in range(int(count)))
    if not found:
        raise PoscarError("line 7 counts no atoms")
    return found


def _fractions(rows: list[Vector], edges: object, stretch: Vector) -> tuple[Vector, ...]:
    import numpy as np

    places = np.array(rows) * np.array(stretch) @ np.linalg.inv(np.array(edges))
    return tuple((float(x), float(y), float(z)) for x, y, z in places)
