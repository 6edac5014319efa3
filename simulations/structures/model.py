"""What a structure is once it was read, and the two ways in which a user may give one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, cast

from pydantic import (
    BaseModel,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from .elements import ATOMIC_NUMBERS
from .formats import MACROMOLECULAR, Format, sniff
from .formula import hill

MAX_CHARS = 10_000_000
"""An mmCIF file of the largest receptor that is read takes half of it."""

ISOTOPE = re.compile(r"\[\d")
"""In SMILES: `[2H]`."""

Kind = Literal["molecule", "crystal", "macromolecule"]
System = Literal["cubic", "hexagonal", "tetragonal", "orthorhombic", "monoclinic", "triclinic"]
Vector = tuple[float, float, float]
Edges = tuple[Vector, Vector, Vector]
FREE_CONSTANTS: dict[System, str] = {
    "cubic": "a",
    "hexagonal": "ac",
    "tetragonal": "ac",
    "orthorhombic": "abc",
    "monoclinic": "abc",
    "triclinic": "abc",
}
"""The lengths that each crystal system leaves free; trigonal crystals have hexagonal axes."""


class StructureInput(BaseModel, extra="forbid"):
    """A structure as text: a plain string is read by trying, an object says its format."""

    format: Format = Field(
        "auto",
        title="Format",
        description="How to read the text; auto tells files by what is in them, and tries a line "
        "as SMILES, then as a name or formula. sdf is a mol block or SD file; cif and poscar are "
        "crystals, pdb and mmcif proteins and nucleic acids.",
    )
    text: str = Field(
        title="Text", description="The structure, or the text of its file.", max_length=MAX_CHARS
    )

    @property
    def likely_format(self) -> Format:
        """As was said, or as the text looks; auto for a line that may be SMILES or a name."""
        return sniff(self.text) if self.format == "auto" else self.format

    @property
    def is_macromolecule(self) -> bool:
        return self.likely_format in MACROMOLECULAR

    @model_validator(mode="before")
    @classmethod
    def _a_string_is_read_by_trying(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"text": data}
        if not isinstance(data, dict | StructureInput):
            raise ValueError("The structure must be a string, or an object with format and text.")
        return data

    @model_serializer(mode="wrap")
    def _as_given(self, serialize: SerializerFunctionWrapHandler) -> str | dict[str, str]:
        return self.text if self.format == "auto" else cast(dict[str, str], serialize(self))

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        if handler.mode == "serialization":
            return {"anyOf": [{"type": "string"}, {"type": "object"}], "title": "Structure"}
        text = {"type": "string", "maxLength": MAX_CHARS}
        described = handler.resolve_ref_schema(handler(core_schema))
        return {"anyOf": [text, {**described, "title": "Text with its format"}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenCell:
    """The cell of a user's crystal at its constants, Å: that of `sites`, and that of a, b, c."""

    primitive: Edges
    conventional: Edges
    n_free_coordinates: int
    """Of the atoms, by symmetry: those that no lattice constant changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crystal:
    """A crystal: its cell in symbols of its free constants, and who measured it.

    :param a_angstrom: lattice constant from the literature, or as given.
    :param sites: element and fractional coordinates of every atom in the primitive cell.
    :param source: empty for a crystal that is the user's own.
    :param given: the cell of the user's own; our catalogue's follows from `lattice`.
    """

    key: str
    title: str
    formula: str
    aliases: tuple[str, ...]
    space_group: str
    lattice: Literal["hexagonal", "fcc", "given"]
    a_angstrom: float
    b_angstrom: float | None = None
    c_angstrom: float | None
    sites: tuple[tuple[str, Vector], ...]
    source: str
    system: System | None = None
    given: GivenCell | None = None

    @property
    def constants(self) -> dict[str, float]:
        """The lattice constants that symmetry leaves free."""
        free = {
            "a_angstrom": self.a_angstrom,
            "b_angstrom": self.b_angstrom,
            "c_angstrom": self.c_angstrom,
        }
        return {name: value for name, value in free.items() if value is not None}

    @property
    def has_free_angles(self) -> bool:
        """Then lengths alone do not describe what the cell may become."""
        return self.system in ("monoclinic", "triclinic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Macromolecule:
    """What a PDB or mmCIF file holds, and its text as PDB.

    :param ligands: residues that are neither polymer nor water, `HEM A:142`.
    :param missing: residues that the sequence names and nobody saw, `A: 12 of 154`.
    :param breaks: neighbours in a chain that no bond joins, `A:45–A:47`.
    """

    pdb: str
    chains: tuple[str, ...]
    n_residues: int
    n_waters: int
    ligands: tuple[str, ...]
    alternates: tuple[str, ...]
    missing: tuple[str, ...]
    breaks: tuple[str, ...]
    n_models: int


def protons(symbols: Sequence[str] | Counter[str]) -> int:
    return sum(ATOMIC_NUMBERS[each] * n for each, n in Counter(symbols).items())


@dataclass(frozen=True, kw_only=True)
class Structure:
    """A structure that was understood; whatever was read into it is told in `reading`.

    Its atoms are counted once, however often it is asked what follows from their number.

    :param positions_angstrom: None where the text holds no 3D: the worker makes it.
    :param inchikey: `inchikeys.LEFT` where it is still to come.
    :param multiplicity: the likely one, lowest that fits the radicals.
    """

    kind: Kind
    reading: str
    symbols: tuple[str, ...]
    positions_angstrom: tuple[Vector, ...] | None = None
    smiles: str | None = None
    inchikey: str | None = None
    charge: int = 0
    multiplicity: int = 1
    warnings: tuple[str, ...] = ()
    crystal: Crystal | None = None
    macromolecule: Macromolecule | None = None

    @cached_property
    def counts(self) -> Counter[str]:
        """How many atoms of each element."""
        return Counter(self.symbols)

    @cached_property
    def formula(self) -> str:
        return self.crystal.formula if self.crystal else hill(self.counts)

    @property
    def has_isotopes(self) -> bool:
        """Whether some atom is said to be one of its element's isotopes."""
        return bool(ISOTOPE.search(self.smiles or ""))

    @property
    def n_atoms(self) -> int:
        return len(self.symbols)

    @property
    def sentence(self) -> str:
        """How it was read and what it is."""
        atoms = f"{self.n_atoms} atom{'s' if self.n_atoms > 1 else ''}"
        return f"{self.reading[0].upper()}{self.reading[1:]} ({self.formula}, {atoms})."

    @cached_property
    def n_protons(self) -> int:
        return protons(self.counts)

    @property
    def n_electrons(self) -> int:
        return self.n_protons - self.charge

    def as_dict(self) -> dict[str, Any]:
        """What a page shows of it."""
        known = {
            "kind": self.kind,
            "reading": self.reading,
            "formula": self.formula,
            "n_atoms": self.n_atoms,
            **self._by_kind(),
            "warnings": list(self.warnings) or None,
        }
        return {name: value for name, value in known.items() if value is not None}

    def _by_kind(self) -> dict[str, Any]:
        if self.crystal:
            return {"charge": self.charge, **self._as_crystal(self.crystal)}
        if self.macromolecule:
            return _as_macromolecule(self.macromolecule)
        return {
            "charge": self.charge,
            "n_electrons": self.n_electrons,
            "multiplicity": self.multiplicity,
            "smiles": self.smiles,
            "inchikey": self.inchikey,
        }

    def _as_crystal(self, crystal: Crystal) -> dict[str, Any]:
        """A cell's electrons are those outside the cores, and a metal has no multiplicity."""
        return {
            "title": crystal.title,
            "cell_formula": hill(self.counts),
            "space_group": crystal.space_group,
            "crystal_system": crystal.system,
            **crystal.constants,
            "source": crystal.source or None,
        }


def _as_macromolecule(found: Macromolecule) -> dict[str, Any]:
    """Its charge follows from the pH, and is nobody's to say here."""
    return {
        "chains": list(found.chains),
        "n_residues": found.n_residues,
        "n_waters": found.n_waters,
        "ligands": list(found.ligands) or None,
        "alternate_locations": list(found.alternates) or None,
        "missing_residues": list(found.missing) or None,
        "chain_breaks": list(found.breaks) or None,
    }
