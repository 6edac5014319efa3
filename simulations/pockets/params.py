"""What a docking asks for, and what it gives back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from simulations.base import Note
from simulations.structures import StructureInput

Coordinate = Annotated[float, Field(ge=-10_000, le=10_000)]
MAX_EDGE_ANGSTROM = 60.0
MAX_PADDING_ANGSTROM = 20.0
Edge = Annotated[float, Field(ge=6, le=MAX_EDGE_ANGSTROM)]
ANGSTROM: dict[str, Any] = {"unit": "Å"}
KCAL: dict[str, Any] = {"unit": "kcal/mol"}


class LigandParams(BaseModel):
    """The molecule to dock."""

    ligand: StructureInput = Field(
        title="Ligand",
        description="SMILES, mol block or name, protonated as it should be docked; its 3D is made "
        "anew.",
        json_schema_extra={
            "widget": "textarea",
            "examples": ["Nc1ncnc2c1ncn2[C@H]1C[C@H](O)[C@@H](CO)O1", "aspirin"],
        },
    )


class ReceptorParams(BaseModel):
    """The receptor and the box on it that is searched, which is given in exactly one way."""

    model_config = ConfigDict(extra="forbid")

    receptor_pdb: StructureInput = Field(
        title="Receptor",
        description="A PDB or mmCIF file. Waters and hetero groups other than metal ions are taken "
        "out, hydrogens are added; a bound ligand may stay in, to mark the site.",
        json_schema_extra={"widget": "textarea", "drawn": False},
    )
    box_ligand_residue: str | None = Field(
        None,
        title="Site by bound ligand",
        description="Name (3D1) or place (A:201) of a residue in the PDB that marks the site; it "
        "is taken out of the receptor. One way of three to give the box.",
        max_length=20,
    )
    box_residues: str | None = Field(
        None,
        title="Site by residues",
        description="Residues around the site, as chain and number: A:42, A:87.",
        max_length=1000,
    )
    box_center_angstrom: tuple[Coordinate, Coordinate, Coordinate] | None = Field(
        None,
        title="Box centre",
        description="x, y, z; together with the box size.",
        json_schema_extra={**ANGSTROM, "level": "main", "examples": ["-0.5, -6.9, -22.8"]},
    )
    box_size_angstrom: tuple[Edge, Edge, Edge] | None = Field(
        None,
        title="Box size",
        description="Edges along x, y, z; together with the box centre.",
        json_schema_extra={**ANGSTROM, "level": "main", "examples": ["20, 20, 20"]},
    )
    padding_angstrom: float = Field(
        6.0,
        ge=1,
        le=MAX_PADDING_ANGSTROM,
        title="Padding",
        description="Room on every side of the bound ligand or the residues that mark the site.",
        json_schema_extra={**ANGSTROM, "level": "more"},
    )

    @field_validator("box_center_angstrom", "box_size_angstrom", mode="before")
    @classmethod
    def _three_numbers_may_be_text(cls, given: Any, info: ValidationInfo) -> Any:
        values = given.replace(",", " ").split() if isinstance(given, str) else given
        if values is None:
            return None
        try:
            x, y, z = map(float, values)
        except (TypeError, ValueError):
            raise ValueError(f"{info.field_name} takes three numbers: x, y, z.") from None
        return x, y, z


class SearchParams(ReceptorParams):
    """How the box is searched."""

    exhaustiveness: int = Field(
        8,
        ge=1,
        le=128,
        title="Exhaustiveness",
        description="Random starts, dealt out to at most 8 independent searches; "
        "Vina's default is 8.",
        json_schema_extra={"level": "main"},
    )
    n_poses: int = Field(
        9, ge=1, le=20, title="Poses", description="At most so many are given back."
    )
    energy_range_kcal_per_mol: float = Field(
        3.0,
        ge=0.1,
        le=10,
        title="Energy range",
        description="Poses that score worse than the best by more than this are left out.",
        json_schema_extra=KCAL,
    )
    min_rmsd_angstrom: float = Field(
        1.0,
        ge=0.1,
        le=5,
        title="Least RMSD",
        description="Poses nearer to each other are one; heavy atoms, symmetry taken into account.",
        json_schema_extra={**ANGSTROM, "level": "expert"},
    )
    scoring: Literal["vina", "vinardo"] = Field(
        "vina", title="Scoring function", description="Vina's own, or Vinardo."
    )
    seed: int = Field(
        42,
        ge=0,
        le=2**31 - 1,
        title="Seed",
        description="Of the ligand's 3D and of all searches; same seed, same poses.",
        json_schema_extra={"level": "expert"},
    )


# The last base's fields come first.
class DockingParams(SearchParams, LigandParams):
    """One ligand, one receptor, one box."""


class DockingBox(BaseModel):
    """The box that was searched."""

    center_angstrom: tuple[float, float, float] = Field(title="Centre", json_schema_extra=ANGSTROM)
    size_angstrom: tuple[float, float, float] = Field(title="Size", json_schema_extra=ANGSTROM)
    defined_by: str = Field(title="Defined by")


class ReceptorReport(BaseModel):
    """What was done to the receptor before docking."""

    n_residues: int = Field(title="Residues docked into")
    n_atoms: int = Field(title="Atoms docked into", description="Hydrogens included.")
    n_hydrogens_added: int = Field(title="Hydrogens added")
    n_waters_removed: int = Field(title="Waters removed")
    hetero_kept: list[str] = Field(title="Metal ions kept")
    hetero_removed: list[str] = Field(title="Hetero groups removed")
    alternate_locations: list[str] = Field(
        title="Alternate locations", description="The location taken, the most occupied one."
    )
    chain_gaps: list[str] = Field(
        title="Gaps", description="Places where a chain is broken and residues are missing."
    )
    side_chains_cut: list[str] = Field(
        title="Side chains cut",
        description="Atoms are missing in the file: docked as alanine or glycine.",
    )
    caps_removed: list[str] = Field(
        title="Caps taken off",
        description="Atoms of a chain's end that the file counts to the residue there.",
    )
    residues_removed: list[str] = Field(
        title="Residues left out", description="They fit no residue template of Meeko's."
    )
    bonds_ignored: list[str] = Field(
        title="Clashes", description="Atoms of two residues so near that they would be bonded."
    )


class DockedPose(BaseModel):
    """One pose of the ligand."""

    rank: int = Field(title="Rank")
    score_kcal_per_mol: float = Field(title="Score", json_schema_extra=KCAL)
    intermolecular_kcal_per_mol: float = Field(
        title="With the receptor",
        description="The part of the score between ligand and receptor, before the penalty for "
        "rotatable bonds.",
        json_schema_extra=KCAL,
    )
    rmsd_to_best_angstrom: float = Field(title="RMSD to best", json_schema_extra=ANGSTROM)
    rmsd_to_bound_ligand_angstrom: float | None = Field(
        title="RMSD to bound ligand",
        description="Where the bound ligand that marks the site is the docked molecule itself.",
        json_schema_extra=ANGSTROM,
    )
    ligand_efficiency_kcal_per_mol: float = Field(
        title="Ligand efficiency",
        description="−score for each heavy atom.",
        json_schema_extra=KCAL,
    )
    n_contacts: int = Field(title="Contacts")
    seed: int = Field(title="Seed of its search")


class Contact(BaseModel):
    """An interaction of a pose with a residue; of several of one kind the shortest."""

    rank: int = Field(title="Pose")
    residue: str = Field(title="Residue")
    kind: str = Field(title="Kind")
    distance_angstrom: float = Field(title="Distance", json_schema_extra=ANGSTROM)


class DockingResult(BaseModel):
    """The poses, best first, and all that is needed to judge and repeat them."""

    best_score_kcal_per_mol: float = Field(
        title="Best score", json_schema_extra={**KCAL, "headline": True}
    )
    poses: list[DockedPose] = Field(title="Poses")
    contacts: list[Contact] = Field(title="Contacts", description="Found by ProLIF.")
    n_searches: int = Field(title="Searches", json_schema_extra={"headline": True})
    n_searches_agreeing: int = Field(
        title="Searches that found the best pose",
        description="Within the least RMSD; if it is only one, search more exhaustively.",
        json_schema_extra={"headline": True},
    )
    search_scores_kcal_per_mol: list[float] = Field(
        title="Best score of each search", json_schema_extra=KCAL
    )
    seeds: list[int] = Field(title="Seeds of the searches")
    ligand_smiles: str = Field(title="Ligand", json_schema_extra={"headline": True})
    ligand_formula: str = Field(title="Ligand formula", json_schema_extra={"headline": True})
    n_heavy_atoms: int = Field(title="Heavy atoms of the ligand")
    n_torsions: int = Field(
        title="Rotatable bonds of the ligand", json_schema_extra={"headline": True}
    )
    box: DockingBox = Field(title="Box")
    receptor: ReceptorReport = Field(title="Receptor")
    method: str = Field(title="Method")
    wall_time_s: float = Field(title="Wall time", json_schema_extra={"unit": "s"})
    versions: dict[str, str] = Field(title="Versions")
    notes: list[Note] = Field(title="Notes")
