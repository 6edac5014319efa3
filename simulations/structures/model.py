"""What a structure is once it was read, and the two ways in which a user may give one."""

from __future__ import annotations

from dataclasses import dataclass
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
from .formula import hill

MAX_CHARS = 200_000

Format = Literal["auto", "smiles", "inchi", "xyz", "sdf", "name"]
Kind = Literal["molecule", "crystal"]
Vector = tuple[float, float, float]


class StructureInput(BaseModel, extra="forbid"):
    """A structure as text: a plain string is read by trying, an object says its format."""

    format: Format = Field(
        "auto", title="Format", description="How to read the text; auto tries one after another."
    )
    text: str = Field(title="Text", description="The structure.", max_length=MAX_CHARS)

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
class Crystal:
    """A crystal of our catalogue: its cell in symbols of its free constants, and who measured it.

    :param a_angstrom: lattice constant from the literature, the start of an optimisation.
    :param sites: element and fractional coordinates of every atom in the cell.
    """

    key: str
    title: str
    formula: str
    aliases: tuple[str, ...]
    space_group: str
    lattice: Literal["hexagonal", "fcc"]
    a_angstrom: float
    c_angstrom: float | None
    sites: tuple[tuple[str, Vector], ...]
    source: str

    @property
    def constants(self) -> dict[str, float]:
        """The lattice constants that symmetry leaves free."""
        free = {"a_angstrom": self.a_angstrom, "c_angstrom": self.c_angstrom}
        return {name: value for name, value in free.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """A structure that was understood; whatever was read into it is told in `reading`.

    :param positions_angstrom: None where the text holds no 3D: the worker makes it.
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

    @property
    def formula(self) -> str:
        return self.crystal.formula if self.crystal else hill(self.symbols)

    @property
    def n_atoms(self) -> int:
        return len(self.symbols)

    @property
    def sentence(self) -> str:
        """How it was read and what it is."""
        atoms = f"{self.n_atoms} atom{'s' if self.n_atoms > 1 else ''}"
        return f"{self.reading[0].upper()}{self.reading[1:]} ({self.formula}, {atoms})."

    @property
    def n_protons(self) -> int:
        return sum(ATOMIC_NUMBERS[symbol] for symbol in self.symbols)

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
            "charge": self.charge,
        }
        known |= self._as_molecule() if self.crystal is None else self._as_crystal(self.crystal)
        return {name: value for name, value in known.items() if value is not None}

    def _as_molecule(self) -> dict[str, Any]:
        return {
            "n_electrons": self.n_electrons,
            "multiplicity": self.multiplicity,
            "smiles": self.smiles,
            "inchikey": self.inchikey,
        }

    def _as_crystal(self, crystal: Crystal) -> dict[str, Any]:
        """A cell's electrons are those outside the cores, and a metal has no multiplicity."""
        return {
            "title": crystal.title,
            "space_group": crystal.space_group,
            **crystal.constants,
            "source": crystal.source,
        }
