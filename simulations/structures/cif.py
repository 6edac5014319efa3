"""Crystals from CIF: gemmi reads the syntax, and what is missing or will not do is told here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import Any

from .elements import ATOMIC_NUMBERS
from .model import Edges, Vector

MAX_SITES = 500
"""Of a file, and of the cell once symmetry has filled it."""
WHOLE = 0.999
UNFIT = 0.01
SAME_ATOM_ANGSTROM = 0.1
"""Images of a site that is written with few digits nearly coincide on a symmetry element."""

_CELL = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
_OPERATIONS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
_GROUP_NAMES = ("_space_group_name_H-M_alt", "_symmetry_space_group_name_H-M")
_GROUP_NUMBERS = ("_space_group_IT_number", "_symmetry_Int_Tables_number")
_HALL_SYMBOLS = ("_space_group_name_Hall", "_symmetry_space_group_name_Hall")
_SETTING = "_space_group_IT_coordinate_system_code"
"""1 or 2 for a choice of origin."""
_NAMES = ("_chemical_name_common", "_chemical_name_mineral")
_SYNTAX = re.compile(r"string:(\d+)(?::(\d+)\(\d+\):)?\s*(.*)", re.DOTALL)


class CifError(ValueError):
    """What is wrong, in a clause that names the line or the site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCell:
    """A crystal's cell as a file has it, every atom of it written out.

    :param declared: the space group that the file names, if any.
    """

    edges: Edges
    symbols: tuple[str, ...]
    fractions: tuple[Vector, ...]
    declared: str | None = None
    title: str = ""
    warnings: tuple[str, ...] = ()


def parse(text: str) -> RawCell:
    """:raises CifError: naming the line or the site."""
    block, warnings = _block(text)
    unit_cell = _unit_cell(block)
    symbols, fractions = _sites(block, text)
    operations, declared, doubts = _symmetry(block)
    warnings += doubts
    if declared is None and len(operations) == 1:
        warnings.append(
            "The file declares no symmetry: its atoms are taken for all that the cell holds."
        )
    all_symbols, all_fractions = _filled(unit_cell, operations, symbols, fractions)
    return RawCell(
        edges=edges_of(unit_cell),
        symbols=all_symbols,
        fractions=all_fractions,
        declared=declared,
        title=next((name for tag in _NAMES if (name := _string(block, tag))), ""),
        warnings=tuple(warnings),
    )


def edges_of(unit_cell: Any) -> Edges:
    first, second, third = zip(*unit_cell.orth.mat.tolist(), strict=True)
    return first, second, third


def _block(text: str) -> tuple[Any, list[str]]:
    from gemmi import cif

    try:
        document = cif.read_string(text)
    # gemmi raises ValueError for the syntax and RuntimeError for a tag that comes twice.
    except (ValueError, RuntimeError) as exc:
        raise CifError(where(str(exc))) from exc
    with_atoms = [block for block in document if block.find_values("_atom_site_fract_x")]
    if not with_atoms:
        raise CifError(
            "it lists no atoms by fractional coordinates (_atom_site_fract_x, _y and _z)"
        )
    several = len(with_atoms) > 1
    message = f"The file holds {len(with_atoms)} structures: the first is taken."
    return with_atoms[0], [message] if several else []


def where(message: str) -> str:
    """gemmi's `string:3:0(10): what`, in words."""
    found = _SYNTAX.match(message)
    if not found:
        return message
    line, column, what = found.groups()
    place = f"line {line}, column {int(column) + 1}" if column else f"line {line}"
    return f"{place}: {what.strip().rstrip('.').removeprefix('in ')}"


def _unit_cell(block: Any) -> Any:
    import gemmi

    values = [_positive(block, f"_cell_{name}") for name in _CELL]
    cell = gemmi.UnitCell(*values)
    if not (isfinite(cell.volume) and cell.volume > 1):
        raise CifError(f"the cell ({', '.join(f'{v:g}' for v in values)}) encloses no volume")
    return cell


def _positive(block: Any, tag: str) -> float:
    from gemmi import cif

    item = block.find_pair_item(tag)
    if item is None:
        raise CifError(f"{tag} is missing")
    value = cif.as_number(item.pair[1])
    if not 0 < value < 1e4:
        raise CifError(f"line {item.line_number}: {tag} is {item.pair[1]}, no positive number")
    return float(value)


def _string(block: Any, tag: str) -> str:
    from gemmi import cif

    value = block.find_value(tag)
    return "" if value is None or cif.is_null(value) else str(cif.as_string(value)).strip()


def _symmetry(block: Any) -> tuple[list[Any], str | None, list[str]]:
    """The operations, the identity at least, the group's name where the file has one, and doubts.

    What tells the setting goes first: the operations themselves, then Hall's symbol.
    """
    import gemmi

    name = next((s for tag in _GROUP_NAMES if (s := _string(block, tag))), "")
    number = next((s for tag in _GROUP_NUMBERS if (s := _string(block, tag))), "")
    hall = next((s for tag in _HALL_SYMBOLS if (s := _string(block, tag))), "")
    declared = name or number or None
    if listed := _operations(block) or _of_hall(hall):
        return listed, declared or hall or None, []
    if declared is None:
        return [gemmi.Op("x,y,z")], None, []
    group, doubts = _group(name, number, _string(block, _SETTING))
    return list(group.operations()), declared, doubts


def _of_hall(symbol: str) -> list[Any]:
    import gemmi

    try:
        return list(gemmi.symops_from_hall(symbol)) if symbol else []
    except (ValueError, RuntimeError):
        return []  # the group's name may do


def _group(name: str, number: str, setting: str) -> tuple[Any, list[str]]:
    """The group in the setting that is meant, and a warning where that was taken for granted.

    :raises CifError: it is unknown, or where its atoms are depends on what is not told.
    """
    import gemmi

    group, doubts = gemmi.find_spacegroup_by_name(name) if name else None, []
    if group is None and number.isdecimal():
        group = gemmi.find_spacegroup_by_number(int(number))
        if name and group:
            doubts = [f"The space group's name {name} is not known: {group.xhm()} is taken."]
    if group is None:
        raise CifError(
            f"the space group {name or number} is not known; list its operations "
            f"({_OPERATIONS[0]}) instead"
        )
    if group.ext in ("1", "2") and not name.endswith(f":{group.ext}"):
        group = _with_origin(group, setting)
    return group, doubts


def _with_origin(group: Any, setting: str) -> Any:
    import gemmi

    if setting not in ("1", "2"):
        raise CifError(
            f"{group.hm} has two choices of origin, and which one the coordinates are for is not "
            f"told: write {group.hm}:1 or {group.hm}:2, or list the operations ({_OPERATIONS[0]})"
        )
    return gemmi.find_spacegroup_by_name(f"{group.hm}:{setting}")


def _operations(block: Any) -> list[Any]:
    import gemmi
    from gemmi import cif

    texts = [cif.as_string(v) for tag in _OPERATIONS for v in block.find_values(tag)]
    operations = []
    for text in texts:
        try:
            operations.append(gemmi.Op(text))
        except (ValueError, RuntimeError) as exc:
            raise CifError(f"“{text[:40]}” is no symmetry operation") from exc
    return operations


def _sites(block: Any, text: str) -> tuple[list[str], list[Vector]]:
    from gemmi import cif

    tags = ["fract_x", "fract_y", "fract_z", "?label", "?type_symbol", "?occupancy"]
    table = block.find("_atom_site_", tags)
    if len(table) == 0:
        raise CifError("its atoms lack one of _atom_site_fract_x, _y and _z")
    if len(table) > MAX_SITES:
        raise CifError(f"it lists {len(table)} sites, more than the {MAX_SITES} read here")
    symbols, fractions, partial = [], [], []
    for number, row in enumerate(table, 1):
        label = row.str(3) if row.has(3) else f"no. {number}"
        place = f"site {label}{_line_of(text, label)}"
        x, y, z = (cif.as_number(row[column]) for column in range(3))
        if not all(abs(value) < 100 for value in (x, y, z)):  # NaN fails this too
            raise CifError(f"{place} has a coordinate that is no number")
        symbols.append(_element(row.str(4) if row.has(4) else "", label, place))
        fractions.append((x, y, z))
        occupancy = cif.as_number(row[5]) if row.has(5) else 1.0
        if occupancy < WHOLE:
            partial.append(f"{label} ({occupancy:g})")
    if partial:
        raise CifError(
            f"sites are partly occupied, {', '.join(partial[:6])}: what is computed has whole "
            "atoms, so give an ordered cell"
        )
    return symbols, fractions


def _line_of(text: str, label: str) -> str:
    """Where the site's row stands, told where it can be found; gemmi does not keep it."""
    row = re.compile(rf"^[^\S\n]*(?:['\"]?){re.escape(label)}(?:['\"]?)\s", re.MULTILINE)
    found = row.search(text)
    return f" in line {text.count(chr(10), 0, found.start(0)) + 1}" if found else ""


def _element(typed: str, label: str, place: str) -> str:
    """By its type (`Ti4+`), or else by its label, whose case then tells `Co1` from `CO1`."""
    word = re.match(r"[A-Za-z]{1,2}", typed if typed not in ("", "?", ".") else label)
    letters = word[0] if word else ""
    both = {letters[:1], letters.capitalize()} <= ATOMIC_NUMBERS.keys()
    if typed in ("", "?", ".") and letters.isupper() and len(letters) == 2 and both:
        raise CifError(
            f"{place} may be {letters[0]} or {letters.capitalize()}: say which "
            "(_atom_site_type_symbol)"
        )
    for symbol in (letters.capitalize(), letters[:1].upper()):
        if symbol in ("D", "T"):
            return "H"
        if symbol in ATOMIC_NUMBERS:
            return symbol
    raise CifError(f"{place} names no element")


def _filled(
    unit_cell: Any, operations: list[Any], symbols: list[str], fractions: list[Vector]
) -> tuple[tuple[str, ...], tuple[Vector, ...]]:
    """Every image of every site, those on a symmetry element once."""
    import numpy as np

    metric = np.array(edges_of(unit_cell))
    _refuse_unfit(operations, metric)
    filled: list[str] = []
    places: list[Any] = []
    for symbol, site in zip(symbols, fractions, strict=True):
        images: list[Any] = []
        for operation in operations:
            image = np.array(operation.apply_to_xyz(list(site))) % 1.0
            if not any(_apart(image - other, metric) < SAME_ATOM_ANGSTROM for other in images):
                images.append(image)
        filled += [symbol] * len(images)
        places += images
        if len(filled) > MAX_SITES:
            raise CifError(f"its cell holds more than the {MAX_SITES} atoms read here")
    return tuple(filled), tuple((float(x), float(y), float(z)) for x, y, z in places)


def _refuse_unfit(operations: list[Any], edges: Any) -> None:
    """A symmetry that changes lengths is none of this cell."""
    import numpy as np

    products = edges @ edges.T
    for operation in operations:
        turn = np.array(operation.rot) / operation.DEN
        if abs(turn.T @ products @ turn - products).max() > UNFIT * products.max():
            raise CifError(
                f"its symmetry operation {operation.triplet()} does not fit the cell's lengths and "
                "angles"
            )


def _apart(difference: Any, edges: Any) -> float:
    import numpy as np

    return float(np.linalg.norm((difference - np.round(difference)) @ edges))
