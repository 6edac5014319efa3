"""The box on a receptor as a form shows it before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from simulations.errors import InvalidParams
from simulations.structures import StructureInput

from .box import WAYS, understand_box
from .params import ReceptorParams
from .pdb import PdbError, PdbFile, Vector, parse

MOST_MARKERS = 6
FEWEST_MARKER_ATOMS = 6
"""A smaller group is an ion, or something of the buffer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBox:
    """:param told: who defined it, and how much of the receptor it holds."""

    center_angstrom: Vector
    size_angstrom: Vector
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSite:
    """:param box: None where none is said, or what is said is wrong.
    :param wrong: what is wrong with it, in a sentence.
    :param markers: bound molecules that could mark the site, the largest first.
    """

    box: ShownBox | None = None
    wrong: str = ""
    markers: tuple[str, ...] = ()


def shown_site(pdb_text: str, given: Mapping[str, Any]) -> ShownSite:
    """:param given: the params, of which some may be wrong or missing."""
    try:
        pdb = parse(pdb_text)
    except PdbError:
        return ShownSite()  # the check says what is wrong with the file
    params = _right(given)
    if not any(getattr(params, name) for name in WAYS):
        return ShownSite(markers=_markers(pdb))
    try:
        return ShownSite(box=_shown_box(params, pdb), markers=_markers(pdb))
    except InvalidParams as exc:
        return ShownSite(wrong=str(exc), markers=_markers(pdb))


def _right(given: Mapping[str, Any]) -> ReceptorParams:
    """Those that are right by themselves; the check says what is wrong with the others."""
    params = ReceptorParams.model_construct(receptor_pdb=StructureInput(text=""))
    for name in ReceptorParams.model_fields.keys() & given.keys() - {"receptor_pdb"}:
        try:
            ReceptorParams.__pydantic_validator__.validate_assignment(params, name, given[name])
        except ValidationError:
            continue
    return params


def _shown_box(params: ReceptorParams, pdb: PdbFile) -> ShownBox:
    box = understand_box(params, pdb)
    polymer = [residue for residue in pdb.of_kind("polymer") if box.touches(residue)]
    told = f"{len(polymer)} residues reach into it; defined by {box.defined_by}."
    return ShownBox(center_angstrom=box.center, size_angstrom=box.size, told=told)


def _markers(pdb: PdbFile) -> tuple[str, ...]:
    groups = sorted(pdb.of_kind("hetero"), key=lambda residue: -len(residue.positions))
    large = [each.label for each in groups if len(each.positions) >= FEWEST_MARKER_ATOMS]
    return tuple(large[:MOST_MARKERS])
