"""What every molecular DFT simulation asks for, and what it gives back."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from simulations.structures import StructureInput

from .cube_names import CubesField
from .methods import AnyCaseBasis, AnyCaseDispersion, AnyCaseFunctional, AnyCaseReference
from .orbitals import OrbitalLevel
from .solvents import AnyCaseSolvent, AnyCaseSolventModel

MAX_DFT_ATOMS = 200
MAX_STEPS = 500
MAX_SCF_CYCLES = 500
MAX_CONFORMERS = 50
FINEST_GRID = 6

StructureField = Annotated[
    StructureInput,
    Field(
        title="Structure",
        description="SMILES, InChI, XYZ (Å), a mol block, a name or a formula.",
        json_schema_extra={
            "widget": "textarea",
            "examples": [
                "CCO",
                "water",
                "3\n\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469",
            ],
        },
    ),
]

TemperatureField = Annotated[
    float | None,
    Field(
        None,
        title="Temperature",
        description="The electrons' ground state for nuclei at rest has no temperature.",
        gt=0,
        le=10_000,
        validation_alias=AliasChoices("temperature_k", "temperature"),
        json_schema_extra={"unused": True, "unit": "K"},
    ),
]


SolventField = Annotated[
    AnyCaseSolvent,
    Field(
        title="Solvent",
        description="A continuum around the molecule; none is a vacuum.",
        json_schema_extra={"level": "main"},
    ),
]
SeedField = Annotated[
    int,
    Field(
        ge=0,
        le=2**31 - 1,
        title="Seed",
        description="Of the 3D embedding; same seed, same start.",
        json_schema_extra={"level": "expert"},
    ),
]
MaxStepsField = Annotated[
    int, Field(ge=1, le=MAX_STEPS, title="Geometry steps", description="At most; then it fails.")
]

ConformersField = Annotated[
    int,
    Field(
        ge=1,
        le=MAX_CONFORMERS,
        title="Conformers",
        description="3D structures to make from the bonds and relax with GFN-xTB; it starts from "
        "the lowest. Of no use where you give coordinates.",
    ),
]


ChargeField = Annotated[
    int | None,
    Field(
        ge=-10,
        le=10,
        title="Charge",
        description="In elementary charges; empty takes it from the structure.",
    ),
]
MultiplicityField = Annotated[
    int | None,
    Field(
        ge=1,
        le=11,
        title="Multiplicity",
        description="2S + 1: 1 is a singlet, 2 a doublet; empty takes the likely one.",
    ),
]
ScfCyclesField = Annotated[
    int,
    Field(
        ge=1,
        le=MAX_SCF_CYCLES,
        title="SCF cycles",
        description="At most, for each energy of DFT.",
        json_schema_extra={"level": "expert"},
    ),
]


DipoleField = Annotated[
    float,
    Field(
        title="Dipole moment",
        description="That of an ion depends on the origin, and is about its centre of mass.",
        json_schema_extra={"unit": "debye", "headline": True},
    ),
]
DipoleVectorField = Annotated[
    list[float] | None,
    Field(
        title="Dipole vector",
        description="Along the axes of the positions, from minus to plus. That of an ion is about "
        "its centre of mass.",
        json_schema_extra={"unit": "debye"},
    ),
]


class MoleculeParams(BaseModel):
    """The molecule and its electrons, whatever computes them."""

    model_config = ConfigDict(extra="forbid")

    structure: StructureField
    charge: ChargeField = None
    multiplicity: MultiplicityField = None


class MoleculeDftParams(MoleculeParams):
    """The molecule and the method."""

    functional: AnyCaseFunctional = Field(
        "B3LYP", title="Functional", description="The exchange-correlation functional."
    )
    basis: AnyCaseBasis = Field(
        "def2-svp", title="Basis set", description="def2-svp is quick, def2-tzvp publishable."
    )
    dispersion: AnyCaseDispersion = Field(
        "auto",
        title="Dispersion",
        description="D3(BJ) or D4 correction: auto adds D3(BJ) where the functional has "
        "parameters.",
        json_schema_extra={"labels": {"d3bj": "D3(BJ)", "d4": "D4"}},
    )
    solvent: SolventField = "none"
    solvent_model: AnyCaseSolventModel = Field(
        "C-PCM",
        title="Solvent model",
        description="C-PCM, IEF-PCM and COSMO screen the charges; SMD adds the energy of cavity "
        "and dispersion, for solvation free energies. Used with a solvent only.",
    )
    reference: AnyCaseReference = Field(
        "auto",
        title="Reference",
        description="rks keeps all spins paired, uks gives each spin its own orbitals, roks shares "
        "them where it can; auto takes rks for a singlet, else uks.",
        json_schema_extra={"level": "expert"},
    )
    density_fit: bool = Field(
        True,
        title="Density fitting",
        description="Faster Coulomb integrals for an error of some 0.1 millihartree or less.",
        json_schema_extra={"level": "expert"},
    )
    grid_level: int = Field(
        3,
        ge=0,
        le=FINEST_GRID,
        title="Grid level",
        description="Of the integration grid; PySCF's default is 3.",
    )
    scf_max_cycles: ScfCyclesField = 100
    scf_convergence_hartree: float = Field(
        1e-9,
        ge=1e-12,
        le=1e-4,
        title="SCF convergence",
        description="Change of energy between cycles at which it is done, in hartree.",
        json_schema_extra={"unit": "hartree", "level": "expert"},
    )
    preoptimize: bool = Field(
        True,
        title="Pre-optimise",
        description="Relax a generated 3D structure with GFN2-xTB first; coordinates that you give "
        "are taken as they are.",
    )
    n_conformers: ConformersField = 1
    seed: SeedField = 42
    cubes: CubesField = ()
    temperature_k: TemperatureField = None

    @property
    def steadier(self) -> dict[str, Any]:
        """Settings under which the forces jump less than under these."""
        finer = {"grid_level": min(self.grid_level + 2, FINEST_GRID)}
        tighter = {"scf_convergence_hartree": self.scf_convergence_hartree / 10}
        return finer if self.grid_level < FINEST_GRID else tighter


class NoteInResult(BaseModel):
    code: str
    message: str


class MoleculeDftResult(BaseModel):
    """Energy, orbitals and charges of one molecule at one geometry."""

    energy_hartree: float = Field(
        title="Energy", json_schema_extra={"unit": "hartree", "headline": True}
    )
    converged: bool = Field(title="Converged", json_schema_extra={"headline": True})
    method: str = Field(title="Method", json_schema_extra={"headline": True})
    reference: str = Field(title="Reference", description="RKS, UKS or ROKS.")
    formula: str = Field(title="Formula", json_schema_extra={"headline": True})
    charge: int = Field(title="Charge", json_schema_extra={"headline": True})
    multiplicity: int = Field(title="Multiplicity", json_schema_extra={"headline": True})
    n_basis_functions: int = Field(title="Basis functions")
    homo_ev: float | None = Field(title="HOMO", json_schema_extra={"unit": "eV"})
    lumo_ev: float | None = Field(title="LUMO", json_schema_extra={"unit": "eV"})
    gap_ev: float | None = Field(
        title="HOMO-LUMO gap", json_schema_extra={"unit": "eV", "headline": True}
    )
    orbitals: list[OrbitalLevel] = Field(
        title="Orbital levels", description="The 21 nearest to the gap on either side of it."
    )
    dipole_debye: DipoleField
    dipole_vector_debye: DipoleVectorField = None
    mulliken_charges: list[float] = Field(title="Mulliken charges")
    iao_charges: list[float] | None = Field(
        title="IAO charges",
        description="Of intrinsic atomic orbitals; they hardly vary with the basis.",
    )
    s_squared: float | None = Field(title="⟨S²⟩", description="Of an open shell only.")
    dispersion_hartree: float = Field(
        title="Of it dispersion", json_schema_extra={"unit": "hartree"}
    )
    solvation_hartree: float | None = Field(
        title="Of it solvent",
        description="Energy of the solvent's polarisation, and in SMD of cavity and dispersion.",
        json_schema_extra={"unit": "hartree"},
    )
    symbols: list[str] = Field(title="Elements")
    positions_angstrom: list[list[float]] = Field(
        title="Positions", json_schema_extra={"unit": "Å"}
    )
    wall_time_s: float = Field(title="Wall time", json_schema_extra={"unit": "s"})
    versions: dict[str, str] = Field(title="Versions")
    notes: list[NoteInResult] = Field(title="Notes")
