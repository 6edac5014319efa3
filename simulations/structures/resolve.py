"""Read a structure from whatever the user wrote, or say what was tried and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Any

from simulations.errors import FieldError, InvalidParams

from . import (
    cells,
    cif,
    crystals,
    formula,
    in_bohr,
    inchikeys,
    macromolecules,
    molecules,
    names,
    poscar,
    xyz,
    xyz_extended,
)
from .bonds import inchikey_of_coordinates
from .elements import ATOMIC_NUMBERS
from .formats import is_json, sniff
from .model import Crystal, Kind, Structure, StructureInput
from .molecules import MAX_ATOMS, MoleculeError
from .smiles import LineError, located, refuse_foreign, refuse_slips
from .spins import multiplicity_of_atoms

MAX_BLOCK_CHARS = 500_000
"""A mol block of the most atoms read here has a tenth of it."""
MAX_NAME_CHARS = 200


class Unreadable(ValueError):
    """The text is not of this format; the message says why, in a clause.

    :param instead: a text that would be understood.
    """

    def __init__(self, message: str, instead: str | None = None) -> None:
        self.instead = instead
        super().__init__(message)


def resolve(given: StructureInput, *, prefer: Kind = "molecule") -> Structure:
    """The structure that the text stands for, and in `reading` how it was understood.

    :param prefer: what a name or formula means that both a molecule and a crystal go by.
    :raises InvalidParams: on the field `structure`, with what was tried and a mend.
    """
    text = given.text.strip()
    if not text:
        raise _refusal("empty_structure", "The structure is empty: give at least one atom.")
    if "\0" in given.text:
        position = given.text.index("\0") + 1
        detail = f"The structure has a null character at position {position}: take it out."
        raise _refusal("null_character", detail)
    if given.format != "auto":
        return _read_as(given.format, given.text, prefer)
    if (format := sniff(given.text)) != "auto":
        return _read_as(format, given.text, prefer)
    if is_json(text):
        detail = (
            f"{_quote(text)} looks like JSON, which no structure is read from: "
            "give its atoms as XYZ, SDF, CIF, PDB or SMILES."
        )
        raise _refusal("unreadable_structure", detail)
    # Of several lines XYZ is the likeliest, and its reader names the line that is none.
    return _read_as("xyz", given.text, prefer) if "\n" in text else _read_line(text, prefer)


def _read_as(format: str, text: str, prefer: Kind) -> Structure:
    try:
        return _name(text.strip(), prefer) if format == "name" else READERS[format](text)
    except READING_ERRORS as exc:
        label = LABELS[format]
        close = getattr(exc, "instead", None)
        detail = f"{_quote(text)} could not be read as {label}: {exc}.{_did_you_mean(close)}"
        raise _refusal(f"unreadable_{format}", detail, close, _position_of(exc)) from exc


def _read_line(text: str, prefer: Kind) -> Structure:
    """A line without a format: a crystal if those are wanted, else SMILES, then a name."""
    if prefer == "crystal" and (known := _known_crystals(text)):
        return _crystal(text, known)
    try:
        structure = _smiles(text)
    except (LineError, MoleculeError) as exc:
        return _name_after_all(text, exc, prefer)
    return _warn_of_other_meaning(structure, text)


def _name_after_all(text: str, no_smiles: ValueError, prefer: Kind) -> Structure:
    try:
        return _name(text, prefer, lead=f"{_quote(text)} is not SMILES; ")
    except Unreadable as exc:
        close = exc.instead
        detail = (
            f"{_quote(text)} could not be read. As SMILES: {no_smiles}. "
            f"As a name or formula: {exc}.{_did_you_mean(close)}"
        )
        raise _refusal("unreadable_structure", detail, close, _position_of(no_smiles)) from None


def _warn_of_other_meaning(structure: Structure, text: str) -> Structure:
    """`CO` is methanol in SMILES: whoever meant the formula should hear of it."""
    counts = formula.parse(text)
    if not counts or counts.total() == 1 or counts == formula.parse(structure.formula):
        return structure  # nobody takes O in a SMILES field for an atom
    if not names.g2_matches(text):
        return structure
    warning = (
        f"As SMILES {text} is {structure.formula}. If you mean the formula {text}, "
        "have it read as a name (format name)."
    )
    return replace(structure, warnings=(*structure.warnings, warning))


def _smiles(text: str) -> Structure:
    return _read_smiles(text, inchikeys.are_left())


@lru_cache(maxsize=32)
def _read_smiles(text: str, leaves_inchikey: bool) -> Structure:
    """Remembered for a moment: in a campaign the same molecule comes once with each basis set."""
    from rdkit import Chem

    line = text.strip()
    refuse_slips(line)
    try:
        return molecules.read(
            lambda: Chem.MolFromSmiles(line, _as_written()),
            "read as SMILES",
            line=line,
            leaves_inchikey=leaves_inchikey,
        )
    except MoleculeError as exc:
        raise located(str(exc), line) from exc


@cache
def _as_written() -> Any:
    """How RDKit is to read a SMILES: nothing of it changed, and nothing beside it."""
    from rdkit import Chem

    settings: Any = Chem.SmilesParserParams()
    settings.sanitize = settings.removeHs = False
    settings.parseName = settings.allowCXSMILES = False
    return settings


def _inchi(text: str) -> Structure:
    from rdkit import Chem

    line = text.strip()
    refuse_foreign(line)
    return molecules.read(
        lambda: Chem.MolFromInchi(line, sanitize=False, removeHs=False), "read as InChI"
    )


def _sdf(text: str) -> Structure:
    from rdkit import Chem

    blocks = [block for block in text.split("$$$$") if block.strip()]
    if not blocks:
        raise Unreadable("it holds no atoms")
    if len(blocks[0]) > MAX_BLOCK_CHARS:
        raise Unreadable(f"it has more than the {MAX_BLOCK_CHARS:,} characters read here")
    structure = molecules.read(
        lambda: Chem.MolFromMolBlock(blocks[0], sanitize=False, removeHs=False),
        "read as a mol block",
    )
    if len(blocks) == 1:
        return structure
    warning = f"The SD file holds {len(blocks)} molecules: the first is taken."
    return replace(structure, warnings=(*structure.warnings, warning))


def _xyz(text: str) -> Structure:
    symbols, positions = xyz.parse(text, MAX_ATOMS)
    structure = _from_atoms("read as XYZ", symbols, positions)
    if not xyz_extended.is_periodic(xyz.comment_of(text)):
        return structure
    return replace(structure, warnings=(*structure.warnings, xyz_extended.PERIODIC))


def _cif(text: str) -> Structure:
    return cells.structure_of(cif.parse(text), "read as CIF")


def _poscar(text: str) -> Structure:
    return cells.structure_of(poscar.parse(text), "read as POSCAR")


def _pdb(text: str) -> Structure:
    return macromolecules.read(text, "pdb")


def _mmcif(text: str) -> Structure:
    return macromolecules.read(text, "mmcif")


def _from_atoms(reading: str, symbols: Any, positions: Any, unpaired: int = 0) -> Structure:
    vectors = tuple((float(x), float(y), float(z)) for x, y, z in positions)
    return Structure(
        kind="molecule",
        reading=reading,
        symbols=tuple(symbols),
        positions_angstrom=vectors,
        inchikey=None if unpaired else inchikey_of_coordinates(symbols, vectors),
        multiplicity=1 + unpaired if unpaired else multiplicity_of_atoms(symbols),
        warnings=in_bohr.warnings(symbols, vectors),
    )


def _name(text: str, prefer: Kind, lead: str = "") -> Structure:
    """A common name, a molecule of ASE's G2 set, or a crystal of ours."""
    if len(text) > MAX_NAME_CHARS:
        raise Unreadable("it is too long for one")
    known = crystals.find(text)
    if prefer == "crystal" and known:
        return _crystal(text, known)
    if smiles := names.smiles_of(text):
        return replace(_smiles(smiles), reading=f"{lead}read as a name: {smiles} in SMILES")
    if found := names.g2_matches(text):
        return _g2(found, lead)
    if known:
        return _crystal(text, known, lead)
    atom = f"[{text}]" if text in ATOMIC_NUMBERS else None
    raise Unreadable("none that is known here", atom or _close_name(text))


def _g2(found: list[str], lead: str) -> Structure:
    if len(found) > 1:
        listed = ", ".join(found)
        raise Unreadable(f"it fits several molecules, so name one of {listed}", found[0])
    atoms = names.g2_atoms(found[0])
    unpaired = round(abs(atoms.get_initial_magnetic_moments().sum()))
    reading = f"{lead}read as the molecule {found[0]} of ASE's G2 set, with its geometry"
    return _from_atoms(reading, atoms.get_chemical_symbols(), atoms.get_positions(), unpaired)


def _crystal(text: str, known: list[Crystal], lead: str = "") -> Structure:
    if len(known) > 1:
        listed = ", ".join(crystal.key for crystal in known)
        detail = f"{_quote(text)} goes for several crystals: name one of {listed}."
        raise _refusal("ambiguous_crystal", detail, known[0].key)
    crystal = known[0]
    how = f"{lead or _quote(text) + ' '}read as {_kind_of_name(text)} {crystal.key}"
    return Structure(
        kind="crystal",
        reading=f"{how}, a known crystal: {crystal.title}, {crystal.space_group}",
        symbols=tuple(symbol for symbol, _ in crystal.sites),
        crystal=crystal,
    )


def _known_crystals(text: str) -> list[Crystal]:
    return crystals.find(text) if len(text) <= MAX_NAME_CHARS else []


def _kind_of_name(text: str) -> str:
    return "the formula" if formula.parse(text) or any(c.isdigit() for c in text) else "the name"


READING_ERRORS = (
    Unreadable, LineError, MoleculeError, xyz.XyzError, cif.CifError, poscar.PoscarError,
    cells.CellError, macromolecules.MacromoleculeError,
)  # fmt: skip
READERS: dict[str, Callable[[str], Structure]] = {
    "smiles": _smiles,
    "inchi": _inchi,
    "xyz": _xyz,
    "sdf": _sdf,
    "cif": _cif,
    "poscar": _poscar,
    "pdb": _pdb,
    "mmcif": _mmcif,
}
LABELS = {
    "smiles": "SMILES",
    "inchi": "InChI",
    "xyz": "XYZ",
    "sdf": "a mol block",
    "cif": "CIF",
    "poscar": "POSCAR",
    "pdb": "PDB",
    "mmcif": "mmCIF",
    "name": "a name or formula",
}


def _close_name(text: str) -> str | None:
    """A name with one letter more or less. One letter changed is another: ethanal, ethanol."""
    known = [*names.known_names(), *crystals.known_names()]
    typed = text.strip().lower()
    close = get_close_matches(typed, known, n=1, cutoff=0.9)
    return close[0] if close and len(close[0]) != len(typed) else None


def _did_you_mean(close: str | None) -> str:
    return f" Did you mean {close}?" if close else ""


def _quote(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line if len(line) <= 60 else line[:60] + '…'}”"


def _position_of(exc: ValueError) -> int | None:
    return exc.position if isinstance(exc, LineError) else None


def _refusal(
    code: str, detail: str, close: str | None = None, position: int | None = None
) -> InvalidParams:
    fix = {"structure": close} if close else None
    path = ("structure",)
    return InvalidParams(
        [FieldError(path=path, code=code, detail=detail, fix=fix, position=position)]
    )
