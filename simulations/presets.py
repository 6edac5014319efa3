"""Sets of params that a form offers by name; what they leave out keeps its default."""

from __future__ import annotations

from .base import Preset

IN_WATER_SMD = Preset(
    key="in-water",
    title="In water",
    words="SMD, which has the energy of cavity and dispersion too.",
    params={"solvent": "water", "solvent_model": "SMD"},
)
IN_WATER_ALPB = Preset(
    key="in-water", title="In water", words="ALPB solvation.", params={"solvent": "water"}
)
DFT = (
    Preset(
        key="quick-look",
        title="Quick look",
        words="A functional without exact exchange, for a first idea of the numbers.",
        params={"functional": "PBE"},
    ),
    Preset(
        key="publication",
        title="Publication",
        words="A hybrid in a triple-zeta basis on a finer grid; many times as long.",
        params={"functional": "PBE0", "basis": "def2-tzvp", "grid_level": 4},
    ),
    IN_WATER_SMD,
)
DFT_CRYSTAL = (
    Preset(
        key="quick-look",
        title="Quick look",
        words="The cell as it is, in a minimal basis.",
        params={"task": "single_point", "basis": "gth-szv-molopt-sr"},
    ),
    Preset(
        key="bulk-modulus",
        title="Bulk modulus",
        words="Energies at several volumes, and the curve through them.",
        params={"task": "equation_of_state"},
    ),
)
XTB = (
    IN_WATER_ALPB,
    Preset(
        key="best-of-20",
        title="Best of 20 conformers",
        words="It starts from the lowest of them.",
        params={"n_conformers": 20},
    ),
)
CONFORMERS = (
    Preset(
        key="quick-look",
        title="Quick look",
        words="Ten trials: enough for a few rotatable bonds.",
        params={"n_trials": 10},
    ),
    Preset(
        key="thorough",
        title="Thorough",
        words="Many trials, and all that lie up to 10 kcal/mol above the lowest.",
        params={"n_trials": 150, "energy_window_kcal_mol": 10.0},
    ),
    IN_WATER_ALPB,
)
DYNAMICS = (
    Preset(
        key="quick-look",
        title="Quick look",
        words="Two picoseconds: does it stay together?",
        params={"length_ps": 2.0, "equilibration_ps": 0.5},
    ),
    Preset(
        key="protein-in-water",
        title="Protein in water, 1 ns",
        words="Explicit water with salt at 1 bar, steps of 4 fs with heavy hydrogens.",
        params={
            "environment": "explicit",
            "ensemble": "NPT",
            "length_ps": 1000.0,
            "timestep_fs": 4.0,
            "heavy_hydrogens": True,
            "ionic_strength_molar": 0.15,
        },
    ),
)
DOCKING = (
    Preset(
        key="quick-look",
        title="Quick look",
        words="Few searches: does it fit at all?",
        params={"exhaustiveness": 2, "n_poses": 3},
    ),
    Preset(
        key="thorough",
        title="Thorough",
        words="Four times the usual searches, and more poses to choose from.",
        params={"exhaustiveness": 32, "n_poses": 20, "energy_range_kcal_per_mol": 5.0},
    ),
)
SCREEN = (
    Preset(
        key="quick-look",
        title="Quick look",
        words="Few searches for each ligand.",
        params={"exhaustiveness": 2},
    ),
    Preset(
        key="careful",
        title="Careful",
        words="Four times the usual searches for each ligand.",
        params={"exhaustiveness": 16},
    ),
)
REACTION = (
    Preset(
        key="quick-look",
        title="Quick look",
        words="GFN2-xTB, in seconds: which way it goes, hardly by how much.",
        params={"method": "GFN2-xTB"},
    ),
    Preset(
        key="publication",
        title="Publication",
        words="A hybrid in a triple-zeta basis, with free energies.",
        params={"functional": "PBE0", "basis": "def2-tzvp", "thermochemistry": True},
    ),
)
