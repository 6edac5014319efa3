"""What a screen asks for, and what it gives back."""

from __future__ import annotations

from pydantic import BaseModel, Field

from simulations.base import Note

from .params import ANGSTROM, KCAL, DockingBox, ReceptorReport, SearchParams

MAX_LIGANDS = 200


class LigandListParams(BaseModel):
    """The molecules to dock."""

    ligands: str = Field(
        title="Ligands",
        description=f"A line for each: SMILES, a space, a name; or an SD file. At most "
        f"{MAX_LIGANDS}; those that cannot be docked are kept apart.",
        max_length=2_000_000,
        json_schema_extra={
            "widget": "textarea",
            "examples": ["Nc1ncnc2[nH]cnc12 adenine\nO=c1[nH]cnc2[nH]cnc12 hypoxanthine"],
        },
    )


# The last base's fields come first.
class DockingScreenParams(SearchParams, LigandListParams):
    """Many ligands, one receptor, one box."""

    exhaustiveness: int = Field(
        4,
        ge=1,
        le=32,
        title="Exhaustiveness",
        description="Random starts for each ligand, dealt out to at most 8 independent searches.",
        json_schema_extra={"level": "main"},
    )
    n_poses: int = Field(
        1, ge=1, le=20, title="Poses", description="At most so many are kept for each ligand."
    )


class ScreenedLigand(BaseModel):
    """The best pose of one ligand."""

    rank: int = Field(title="Rank")
    line: int = Field(title="Line")
    name: str = Field(title="Name")
    smiles: str = Field(title="SMILES")
    score_kcal_per_mol: float = Field(title="Score", json_schema_extra=KCAL)
    ligand_efficiency_kcal_per_mol: float = Field(
        title="Ligand efficiency",
        description="−score for each heavy atom: large molecules score well by size alone.",
        json_schema_extra=KCAL,
    )
    molecular_weight_g_per_mol: float = Field(
        title="Molecular weight", json_schema_extra={"unit": "g/mol"}
    )
    crippen_logp: float = Field(
        title="log P",
        description="Octanol to water, estimated from the atoms by Wildman and Crippen.",
    )
    n_heavy_atoms: int = Field(title="Heavy atoms")
    n_torsions: int = Field(title="Rotatable bonds")
    n_searches_agreeing: int = Field(title="Searches that found the best pose")
    rmsd_to_bound_ligand_angstrom: float | None = Field(
        title="RMSD to bound ligand", json_schema_extra=ANGSTROM
    )


class FailedLigand(BaseModel):
    """A line that was not docked, and why."""

    line: int = Field(title="Line")
    text: str = Field(title="Text")
    reason: str = Field(title="Reason")
    cause: str = Field(title="Cause", description="One word for the reason, to group by.")


class DockingScreenResult(BaseModel):
    """The ligands, best score first, and those that failed apart."""

    best_score_kcal_per_mol: float = Field(
        title="Best score", json_schema_extra={**KCAL, "headline": True}
    )
    ligands: list[ScreenedLigand] = Field(title="Ligands")
    failed: list[FailedLigand] = Field(title="Not docked")
    seeds: list[int] = Field(title="Seeds of the searches", description="The same for each ligand.")
    box: DockingBox = Field(title="Box")
    receptor: ReceptorReport = Field(title="Receptor")
    method: str = Field(title="Method")
    wall_time_s: float = Field(title="Wall time", json_schema_extra={"unit": "s"})
    versions: dict[str, str] = Field(title="Versions")
    notes: list[Note] = Field(title="Notes")
