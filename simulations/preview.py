"""A structure as a form shows it before anything is sent: drawn in 2D, and with the atoms where the
run will put them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from .errors import ScienceError
from .pockets.ligand import embed as embed_ligand
from .pockets.ligand import understand_ligand
from .pockets.params import ReceptorParams
from .pockets.shown import ShownSite, shown_site
from .quantum.geometry import Geometry, embed, geometry_of_rdkit
from .quantum.lattice import to_ase
from .registry import get
from .structures import Structure, StructureInput, resolve
from .structures.drawing import draw

MAX_HEAVY_ATOMS = 100
"""More take long to make in 3D, and somebody waits."""
MAX_CHARS = 2_000_000
GIVEN = "Your coordinates"
Kind = Literal["molecule", "crystal", "dynamics"]
"""Words of the page's viewer; with `dynamics` a chain is drawn by its fold, and water left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """:param svg: the formula in 2D; empty where no bonds are known.
    :param text: the atoms as a file of `format`; empty where there is no 3D to show.
    :param told: whose geometry that is and what the run does with it, or why there is none.
    :param site: of a receptor, the box on it.
    """

    kind: Kind
    formula: str
    n_atoms: int
    told: str
    svg: str = ""
    format: str = ""
    text: str = ""
    site: ShownSite | None = None


def preview(simulation: str, field: str, params: dict[str, Any]) -> Preview:
    """Of the structure in `field`; other params may still be wrong or missing.

    :raises InvalidParams: it cannot be read.
    """
    model = get(simulation).Params
    given = _one(model, field, params.get(field)) or StructureInput(text="")
    structure = resolve(given, prefer="crystal" if simulation == "dft_crystal" else "molecule")
    if structure.crystal:
        return _of_crystal(structure)
    if structure.macromolecule:
        return _of_macromolecule(structure, model, params)
    return _of_molecule(structure, _Start(model, params, field), given)


def _of_crystal(structure: Structure) -> Preview:
    crystal = structure.crystal
    assert crystal
    content = io.BytesIO()
    to_ase(crystal, crystal.constants).write(content, format="cif")
    whose = f"The measured cell ({crystal.source})" if crystal.source else "Your primitive cell"
    return Preview(
        kind="crystal",
        formula=crystal.formula,
        n_atoms=structure.n_atoms,
        told=f"{whose}: what the run starts from.",
        format="cif",
        text=content.getvalue().decode(),
    )


def _of_macromolecule(
    structure: Structure, model: type[BaseModel], params: dict[str, Any]
) -> Preview:
    assert structure.macromolecule
    text = structure.macromolecule.pdb
    whole = len(text) <= MAX_CHARS
    told = (
        f"{GIVEN}; what is missing is added where it runs." if whole else "Too large to show here."
    )
    return Preview(
        kind="dynamics",
        formula=structure.formula,
        n_atoms=structure.n_atoms,
        told=told,
        format="pdb",
        text=text if whole else "",
        site=shown_site(text, params) if issubclass(model, ReceptorParams) else None,
    )


def _of_molecule(structure: Structure, start: _Start, given: StructureInput) -> Preview:
    svg = draw(structure.smiles) if structure.smiles else ""
    text, told = "", ""
    try:
        geometry, told = start.of(structure, given)
        text = geometry.to_xyz(structure.formula)
    except ScienceError as exc:
        told = str(exc)
    return Preview(
        kind="molecule",
        formula=structure.formula,
        n_atoms=structure.n_atoms,
        told=told,
        svg=svg,
        format="xyz",
        text=text,
    )


class _Start:
    """Where a run begins, by those of its params that decide it."""

    def __init__(self, model: type[BaseModel], params: dict[str, Any], field: str) -> None:
        known = {name: _one(model, name, params.get(name)) for name in model.model_fields}
        self._takes = set(model.model_fields)
        self._docks = field == "ligand"
        self._seed = int(known.get("seed") or 0)
        self._n_conformers = int(known.get("n_conformers") or 1)
        self._relaxes = bool(known.get("preoptimize"))

    def of(self, structure: Structure, given: StructureInput) -> tuple[Geometry, str]:
        """:raises ScienceError: there is no 3D to show, for the reason that it says."""
        if structure.positions_angstrom is not None and not self._makes_anew:
            given_as = Geometry(structure.symbols, structure.positions_angstrom)
            return given_as, f"{GIVEN}, as they are."
        if structure.smiles is None:
            raise ScienceError("Its bonds are not known, and coordinates alone are not used here.")
        if sum(symbol != "H" for symbol in structure.symbols) > MAX_HEAVY_ATOMS:
            raise ScienceError("So large a molecule gets its 3D where it runs.")
        if self._docks:
            smiles = understand_ligand(given).smiles
            return geometry_of_rdkit(embed_ligand(smiles, self._seed)), self._told
        return embed(structure, self._seed, io.StringIO()), self._told

    @property
    def _makes_anew(self) -> bool:
        return self._docks or "n_trials" in self._takes

    @property
    def _told(self) -> str:
        made = f"Made by RDKit (ETKDGv3, MMFF94) from seed {self._seed}"
        if self._docks:
            return f"{made}; the search turns its rotatable bonds."
        if "n_trials" in self._takes:
            return f"{made}, as one of many that the search makes."
        if self._n_conformers > 1:
            return f"{made}; the run makes {self._n_conformers} and starts from the lowest."
        if self._relaxes:
            return f"{made}; GFN2-xTB relaxes it before the run starts."
        return f"{made}: what the run starts from."


def _one(model: type[BaseModel], name: str, value: Any) -> Any:
    """A param by itself; its default where it was not given, or cannot be what it is."""
    info = model.model_fields.get(name)
    if info is None:
        return None
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    if value is None:
        return default
    try:
        return TypeAdapter(info.rebuild_annotation()).validate_python(value)
    except ValidationError:
        return default
