"""The box that is searched: from a bound ligand, from residues or from numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from math import ceil
from typing import Any

from simulations.errors import FieldError, InvalidParams

from .params import MAX_EDGE_ANGSTROM, MAX_PADDING_ANGSTROM, ReceptorParams
from .pdb import PdbFile, Residue, Vector

WAYS = ("box_ligand_residue", "box_residues", "box_center_angstrom")
MIN_ATOMS_IN_BOX = 10
LARGE_VOLUME_ANGSTROM3 = 27_000.0
"""Beyond this Vina itself warns that the search may be too thin."""

EDGE_PER_GYRATION = 2.857
"""Box edge by radius of gyration that ranks best (Feinstein and Brylinski 2015)."""

TIGHTEST_EDGE_PER_GYRATION = 2.0
MORE_ROOM_ANGSTROM = 6.0
"""Longer edges to try where nothing binds."""
_PLACE = re.compile(r"^(?:([A-Za-z0-9]?):)?(-?\d+)([A-Za-z]?)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box along the axes, who defined it, and the residue taken out to make room."""

    center: Vector
    size: Vector
    defined_by: str
    field: str
    marker: Residue | None = None
    n_like_marker: int = 0

    @property
    def volume(self) -> float:
        x, y, z = self.size
        return x * y * z

    def holds(self, position: Vector, margin: float = 0.0) -> bool:
        axes = zip(position, self.center, self.size, strict=True)
        return all(abs(x - c) <= s / 2 + margin for x, c, s in axes)

    def touches(self, residue: Residue, margin: float = 0.0) -> bool:
        return any(self.holds(position, margin) for position in residue.positions)


def understand_box(params: ReceptorParams, pdb: PdbFile) -> Box:
    """The box that the params mean.

    :raises InvalidParams: naming the field that is wrong.
    """
    given = [name for name in WAYS if getattr(params, name) is not None]
    if len(given) != 1:
        raise _not_one_way(given, params, pdb)
    if params.box_size_angstrom and given[0] != "box_center_angstrom":
        detail = f"box_size_angstrom goes with box_center_angstrom; with {given[0]} give padding."
        raise refusal("box_size_angstrom", "box_given_twice", detail)
    box = _READERS[given[0]](params, pdb)
    _refuse_outside(box, pdb)
    return box


def _not_one_way(given: list[str], params: ReceptorParams, pdb: PdbFile) -> InvalidParams:
    if given:
        detail = f"The box is given in {len(given)} ways ({', '.join(given)}): give one of them."
        return refusal(given[1], "box_given_twice", detail)
    if params.box_size_angstrom:
        return refusal("box_center_angstrom", "no_box", "A box size needs a box centre.")
    names = _hetero_names(pdb)
    hint = f" Hetero groups in the receptor: {', '.join(names)}." if names else ""
    return refusal(
        WAYS[0],
        "no_box",
        "Say where to dock: box_ligand_residue, box_residues, or box_center_angstrom with "
        f"box_size_angstrom.{hint}",
        fix={WAYS[0]: names[0]} if names else None,
    )


def _by_ligand(params: ReceptorParams, pdb: PdbFile) -> Box:
    wanted = (params.box_ligand_residue or "").strip()
    found = [residue for residue in pdb.residues if _is(residue, wanted)]
    # Under the number of a residue of the chain a ligand may have been added.
    found = [residue for residue in found if residue.kind != "polymer"] or found
    if not found:
        raise _no_marker(wanted, pdb)
    marker = found[0]
    if marker.kind == "water":
        raise refusal(WAYS[0], "marker_is_water", f"{marker.label} is water, no bound ligand.")
    return _around(
        marker.positions,
        params.padding_angstrom,
        f"bound ligand {marker.label}",
        WAYS[0],
        marker=marker,
        n_like_marker=len(found) - 1,
    )


def _is(residue: Residue, wanted: str) -> bool:
    """By name, by place, or by both as a label has them."""
    return wanted.upper() in (residue.name.upper(), residue.key.upper(), residue.label.upper())


def _no_marker(wanted: str, pdb: PdbFile) -> InvalidParams:
    names = _hetero_names(pdb)
    listed = ", ".join(residue.label for residue in pdb.of_kind("hetero")[:12])
    has = f"Its hetero groups: {listed}." if names else "It has no hetero group."
    close = get_close_matches(wanted.upper(), names, n=1) or names[:1]
    detail = f"There is no residue {wanted!r} in the receptor. {has}"
    return refusal(WAYS[0], "no_such_residue", detail, {WAYS[0]: close[0]} if close else None)


def _hetero_names(pdb: PdbFile) -> list[str]:
    """Those that may mark a site, the largest first."""
    groups = sorted(pdb.of_kind("hetero"), key=lambda residue: -len(residue.positions))
    return list(dict.fromkeys(residue.name for residue in groups))


def _by_residues(params: ReceptorParams, pdb: PdbFile) -> Box:
    words = (params.box_residues or "").replace(";", ",").split(",")
    residues = [_find(word.strip(), pdb) for word in words if word.strip()]
    if not residues:
        raise refusal(WAYS[1], "no_such_residue", "box_residues names no residue: A:42, A:87.")
    positions = [position for residue in residues for position in residue.positions]
    listed = ", ".join(residue.label for residue in residues)
    return _around(positions, params.padding_angstrom, f"residues {listed}", WAYS[1])


def _find(word: str, pdb: PdbFile) -> Residue:
    place = _PLACE.match(word)
    if place is None:
        detail = f"{word!r} is no residue: write chain and number, A:42."
        raise refusal(WAYS[1], "no_such_residue", detail)
    chain, number, insertion = place[1], int(place[2]), place[3].upper()
    found = [
        residue
        for residue in pdb.residues
        if (residue.number, residue.insertion.upper()) == (number, insertion)
        and (chain is None or residue.chain == chain)
        and residue.kind != "water"
    ]
    found = [residue for residue in found if residue.kind == "polymer"] or found
    if len(found) != 1:
        chains = ", ".join(residue.key for residue in found)
        many = f"{word!r} fits several residues: {chains}."
        none = f"There is no residue {word!r} in the receptor."
        raise refusal(WAYS[1], "no_such_residue", many if found else none)
    return found[0]


def _by_numbers(params: ReceptorParams, pdb: PdbFile) -> Box:
    if params.box_center_angstrom is None or params.box_size_angstrom is None:
        raise refusal("box_size_angstrom", "no_box", "A box centre needs a box size.")
    return Box(
        center=params.box_center_angstrom,
        size=params.box_size_angstrom,
        defined_by="the numbers given",
        field=WAYS[2],
    )


_READERS = dict(zip(WAYS, (_by_ligand, _by_residues, _by_numbers), strict=True))


def _around(
    positions: list[Vector], padding: float, defined_by: str, field: str, **marker: Any
) -> Box:
    low = [min(axis) for axis in zip(*positions, strict=True)]
    high = [max(axis) for axis in zip(*positions, strict=True)]
    cx, cy, cz = (round((a + b) / 2, 3) for a, b in zip(low, high, strict=True))
    sx, sy, sz = (round(b - a + 2 * padding, 3) for a, b in zip(low, high, strict=True))
    if max(sx, sy, sz) > MAX_EDGE_ANGSTROM:
        detail = (
            f"The box would be {sx:.0f} × {sy:.0f} × {sz:.0f} Å; at most {MAX_EDGE_ANGSTROM:.0f} Å "
            "on an edge can be searched. Name residues nearer to each other, or less padding."
        )
        raise refusal(field, "box_too_large", detail)
    return Box(center=(cx, cy, cz), size=(sx, sy, sz), defined_by=defined_by, field=field, **marker)


def _refuse_outside(box: Box, pdb: PdbFile) -> None:
    receptor = [r for r in pdb.of_kind("polymer", "metal") if r is not box.marker]
    inside = sum(box.holds(position) for residue in receptor for position in residue.positions)
    if inside < MIN_ATOMS_IN_BOX:
        detail = (
            f"The box around ({', '.join(f'{x:.1f}' for x in box.center)}) Å holds {inside} atoms "
            "of the receptor: it lies outside."
        )
        raise refusal(box.field, "box_outside_receptor", detail)


def refuse_small(box: Box, gyration: float, params: ReceptorParams) -> None:
    """:raises InvalidParams: a ligand of this radius of gyration cannot turn in the box."""
    needed = TIGHTEST_EDGE_PER_GYRATION * gyration
    if min(box.size) >= needed:
        return
    by_numbers = box.field == WAYS[2]
    field = "box_size_angstrom" if by_numbers else "padding_angstrom"
    usual = EDGE_PER_GYRATION * gyration
    detail = (
        f"The box has an edge of {min(box.size):.1f} Å, and the ligand needs {needed:.1f} Å to turn"
        f"; {usual:.0f} Å is usual."
    )
    raise refusal(field, "box_too_small", detail, roomier(params, ceil(usual - min(box.size))))


def roomier(params: ReceptorParams, by_angstrom: float) -> dict[str, Any] | None:
    """Params of a box whose edges are longer by so much; None if that is more than is searched."""
    if params.box_size_angstrom is not None:
        edges = [edge + by_angstrom for edge in params.box_size_angstrom]
        return {"box_size_angstrom": edges} if max(edges) <= MAX_EDGE_ANGSTROM else None
    padding = params.padding_angstrom + ceil(by_angstrom / 2)
    return {"padding_angstrom": padding} if padding <= MAX_PADDING_ANGSTROM else None


def refusal(field: str, code: str, detail: str, fix: dict[str, Any] | None = None) -> InvalidParams:
    return InvalidParams([FieldError(path=(field,), code=code, detail=detail, fix=fix)])
