"""What a crystal calculation asks for, what it gives back, and whether the input makes sense."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from simulations.base import Checked, Note
from simulations.errors import FieldError, InvalidParams
from simulations.structures import Crystal, Structure, StructureInput, resolve
from simulations.structures.crystals import CRYSTALS

from .crystal_checks import (
    notes_on_crystal,
    notes_on_grid,
    refuse_elements_and_size,
    refuse_memory,
    refuse_task,
)
from .gth import CUTOFFS_HARTREE, USUAL_CUTOFF_HARTREE, cutoff_for
from .lattice import k_mesh
from .params import NoteInResult
from .vacuum import refuse_vacuum

K_SPACING_PER_BOHR = 0.45
"""Gives LiC6 2×2×2, diamond 4×4×4: a quick look; a metal to publish wants half of it."""

MAX_CRYSTAL_CYCLES = 500
WIDEST_SMEARING_HARTREE = 0.05
MAX_POINTS = 60
MAX_CUTOFF_HARTREE = 400.0

SAME_SETTINGS = Note(
    code="accuracy",
    message="Compare this energy only with others of the same basis, grid, k-points and smearing; "
    "differences to other phases, a voltage say, are not converged here.",
)

Divisions = Annotated[int, Field(ge=1, le=8)]


class DftCrystalParams(BaseModel):
    """The crystal and the method, which is PBE with GTH pseudopotentials."""

    model_config = ConfigDict(extra="forbid")

    structure: StructureInput = Field(
        title="Structure",
        description="A crystal: the text of a CIF or POSCAR file, or a name or formula of "
        f"{', '.join(known.key for known in CRYSTALS)}.",
        json_schema_extra={
            "widget": "textarea",
            "drawn": False,
            "examples": ["Li[C6]", "graphite", "diamond"],
        },
    )
    task: Literal["lattice_optimization", "equation_of_state", "single_point"] = Field(
        "lattice_optimization",
        title="Task",
        description="Find the lattice constants; or with the equation of state the bulk modulus, "
        "too; or compute the literature's cell as it is.",
        json_schema_extra={
            "labels": {
                "lattice_optimization": "Find the lattice constants",
                "equation_of_state": "Equation of state",
                "single_point": "The cell as it is",
            }
        },
    )
    n_volumes: int = Field(
        7,
        ge=5,
        le=21,
        title="Volumes",
        description="Of the equation of state; more are added where they do not frame the minimum.",
        json_schema_extra={"level": "more"},
    )
    volume_range_percent: float = Field(
        6.0,
        ge=1,
        le=20,
        title="Range of volumes",
        description="On either side of the cell it starts from, in the equation of state.",
        json_schema_extra={"unit": "%", "level": "more"},
    )
    relax_shape: bool = Field(
        True,
        title="Relax the shape",
        description="In the equation of state: find the best c/a at each volume, as under "
        "pressure from all sides, and not squeeze all edges alike.",
        json_schema_extra={"level": "more"},
    )
    basis: Literal["gth-szv-molopt-sr", "gth-dzvp-molopt-sr"] = Field(
        "gth-dzvp-molopt-sr",
        title="Basis set",
        description="szv is a quick look with lattice constants some per cent too long.",
        json_schema_extra={"level": "main"},
    )
    dispersion: Literal["d3bj", "none"] = Field(
        "d3bj",
        title="Dispersion",
        description="D3(BJ) holds layers together; PBE alone does not.",
        json_schema_extra={"level": "main", "labels": {"d3bj": "D3(BJ)"}},
    )
    k_mesh: tuple[Divisions, Divisions, Divisions] | None = Field(
        None,
        title="k-points",
        description=f"Along each reciprocal axis, Γ-centred; empty spaces them by at most "
        f"{K_SPACING_PER_BOHR} per bohr.",
        json_schema_extra={"level": "main"},
    )
    ke_cutoff_hartree: float | None = Field(
        None,
        ge=20,
        le=MAX_CUTOFF_HARTREE,
        title="Grid cutoff",
        description="Kinetic energy that the grid for the density resolves; empty takes what the "
        f"hardest element needs: {USUAL_CUTOFF_HARTREE:g}, for F {CUTOFFS_HARTREE['F']:g}, Na "
        f"{CUTOFFS_HARTREE['Na']:g} and Mg {CUTOFFS_HARTREE['Mg']:g}. 120 instead of 100 shortens "
        "the c of LiC6 by 0.02 Å.",
        json_schema_extra={"unit": "hartree"},
    )
    smearing_hartree: float = Field(
        0.01,
        ge=0.0005,
        le=WIDEST_SMEARING_HARTREE,
        title="Smearing",
        description="Width of the Fermi distribution.",
        json_schema_extra={"unit": "hartree"},
    )
    scf_max_cycles: int = Field(
        60,
        ge=1,
        le=MAX_CRYSTAL_CYCLES,
        title="SCF cycles",
        description="At most, for each energy.",
        json_schema_extra={"level": "expert"},
    )
    scf_convergence_hartree: float = Field(
        1e-8,
        ge=1e-11,
        le=1e-5,
        title="SCF convergence",
        description="Change of energy between cycles at which it is done.",
        json_schema_extra={"unit": "hartree", "level": "expert"},
    )
    max_points: int = Field(
        25,
        ge=8,
        le=MAX_POINTS,
        title="Lattice points",
        description="Energies at most; then it fails.",
        json_schema_extra={"level": "expert"},
    )
    temperature_k: float | None = Field(
        None,
        gt=0,
        le=10_000,
        title="Temperature",
        description="The nuclei are at rest; the smearing of the electrons has its own setting, "
        "smearing_hartree.",
        validation_alias=AliasChoices("temperature_k", "temperature"),
        json_schema_extra={"unused": True, "unit": "K"},
    )


class LatticePoint(BaseModel):
    """One single-point energy on the way."""

    step: int
    a_angstrom: float
    b_angstrom: float | None = None
    c_angstrom: float | None
    energy_hartree: float
    scf_cycles: int
    converged: bool


class VolumePoint(BaseModel):
    """One volume of the equation of state."""

    volume_angstrom3: float
    energy_hartree: float
    fitted_energy_hartree: float


class DftCrystalResult(BaseModel):
    """The cell, its energy, and every energy that led there. Per primitive cell."""

    energy_hartree: float = Field(
        title="Energy per cell",
        description="Electronic free energy at the smearing, with dispersion.",
        json_schema_extra={"unit": "hartree", "headline": True},
    )
    energy_zero_smearing_hartree: float = Field(
        title="Energy without smearing",
        description="Extrapolated to no smearing, with dispersion.",
        json_schema_extra={"unit": "hartree"},
    )
    dispersion_hartree: float = Field(
        title="Of it dispersion", json_schema_extra={"unit": "hartree"}
    )
    converged: bool = Field(title="Converged", json_schema_extra={"headline": True})
    task: str = Field(title="Task", json_schema_extra={"headline": True})
    a_angstrom: float = Field(title="a", json_schema_extra={"unit": "Å", "headline": True})
    b_angstrom: float | None = Field(
        None, title="b", json_schema_extra={"unit": "Å", "headline": True}
    )
    c_angstrom: float | None = Field(title="c", json_schema_extra={"unit": "Å", "headline": True})
    literature_a_angstrom: float | None = Field(
        title="a, measured", json_schema_extra={"unit": "Å"}
    )
    literature_c_angstrom: float | None = Field(
        title="c, measured", json_schema_extra={"unit": "Å"}
    )
    literature_source: str | None = Field(title="Measured by")
    volume_angstrom3: float = Field(
        title="Cell volume", json_schema_extra={"unit": "Å³", "headline": True}
    )
    title: str = Field(title="Crystal")
    formula: str = Field(title="Formula", json_schema_extra={"headline": True})
    space_group: str = Field(title="Space group")
    method: str = Field(title="Method", json_schema_extra={"headline": True})
    basis: str = Field(title="Basis set", json_schema_extra={"headline": True})
    pseudopotential: str = Field(title="Pseudopotential")
    k_mesh: tuple[int, int, int] = Field(title="k-points")
    ke_cutoff_hartree: float = Field(title="Grid cutoff", json_schema_extra={"unit": "hartree"})
    fft_mesh: tuple[int, int, int] = Field(title="Grid", description="The same for every cell.")
    smearing_hartree: float = Field(title="Smearing", json_schema_extra={"unit": "hartree"})
    stages: list[LatticePoint] = Field(title="Energies on the way")
    predicted_energy_hartree: float | None = Field(
        title="Predicted at the minimum",
        description="By the quadratic model, before the energy there was computed.",
        json_schema_extra={"unit": "hartree"},
    )
    bulk_modulus_gpa: float | None = Field(
        None, title="Bulk modulus", json_schema_extra={"unit": "GPa", "headline": True}
    )
    bulk_modulus_derivative: float | None = Field(
        None, title="Its derivative", description="By the pressure, which has no unit."
    )
    equilibrium_volume_angstrom3: float | None = Field(
        None,
        title="Volume of least energy",
        description="Of the fitted curve.",
        json_schema_extra={"unit": "Å³"},
    )
    fit_residual_hartree: float | None = Field(
        None,
        title="Residual of the fit",
        description="Root mean square.",
        json_schema_extra={"unit": "hartree"},
    )
    equation_of_state: list[VolumePoint] | None = Field(None, title="Energy against volume")
    wall_time_s: float = Field(title="Wall time", json_schema_extra={"unit": "s"})
    versions: dict[str, str] = Field(title="Versions")
    notes: list[NoteInResult] = Field(title="Notes")


def understand(params: DftCrystalParams) -> tuple[Crystal, Structure]:
    """The crystal that is meant.

    :raises InvalidParams: it is a molecule, unknown, or more than this method can do.
    """
    structure = resolve(params.structure, prefer="crystal")
    if structure.crystal is None:
        raise InvalidParams([_is_molecule(structure)])
    errors = [*refuse_elements_and_size(structure)]
    errors += refuse_task(structure.crystal, params.task, params.relax_shape)
    errors += [] if errors else refuse_vacuum(structure.crystal, params.task)
    if errors:
        raise InvalidParams(errors)
    return structure.crystal, structure


def mesh_of(params: DftCrystalParams, crystal: Crystal) -> tuple[int, int, int]:
    return params.k_mesh or k_mesh(crystal, K_SPACING_PER_BOHR)


def cutoff_of(params: DftCrystalParams, crystal: Crystal) -> float:
    return params.ke_cutoff_hartree or cutoff_for(symbol for symbol, _ in crystal.sites)


def inspect_crystal(params: DftCrystalParams) -> Checked:
    crystal, structure = understand(params)
    k_points = mesh_of(params, crystal)
    errors = [*refuse_memory(crystal, params.basis, cutoff_of(params, crystal), k_points)]
    if errors:
        raise InvalidParams(errors)
    return Checked(params={}, notes=notes_on(params, structure), structure=structure.as_dict())


def notes_on(params: DftCrystalParams, structure: Structure) -> list[Note]:
    notes = [Note(code="structure", message=structure.sentence), SAME_SETTINGS]
    if structure.crystal:
        notes += notes_on_crystal(structure, structure.crystal, params.task)
        notes += notes_on_grid(structure.crystal, params.ke_cutoff_hartree)
    if params.basis == "gth-szv-molopt-sr":
        message = "A minimal basis (SZV) is a quick look: lattice constants come out too long."
        notes.append(Note(code="basis_limit", message=message))
    if params.dispersion == "none":
        message = "No dispersion is included: distances between layers come out too long."
        notes.append(Note(code="no_dispersion", message=message))
    return notes


def _is_molecule(structure: Structure) -> FieldError:
    if structure.macromolecule:
        return FieldError(
            path=("structure",),
            code="is_macromolecule",
            detail=f"{structure.sentence} This simulation computes crystals of small cells; for a "
            "protein use md_simulation.",
            fix={"simulation": "md_simulation"},
        )
    known = ", ".join(crystal.key for crystal in CRYSTALS)
    return FieldError(
        path=("structure",),
        code="is_molecule",
        detail=f"{structure.sentence} That is a molecule; of crystals, which are what is computed "
        f"here, {known} are known. For a molecule use dft_optimization.",
        fix={"simulation": "dft_optimization"},
    )
