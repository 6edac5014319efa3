"""How large a docking is, and how its cost grows with that."""

from __future__ import annotations

from typing import Any

from simulations.costs import Cost, Size
from simulations.costs.law import Term, law

from .candidates import understand_screen
from .inspect import Site, understand_site
from .ligand import Ligand, understand_ligand
from .params import DockingParams
from .screen_params import DockingScreenParams
from .searches import starts_of

RIGID_MOTIONS = 6


def docking_size(params: DockingParams, structure: dict[str, Any] | None) -> Size | None:
    ligand, site = understand_ligand(params.ligand), understand_site(params)
    return {
        "n_heavy_atoms": ligand.n_heavy,
        "n_torsions": ligand.n_rotatable,
        **_site_size(site),
        "n_searches": len(starts_of(params)),
        "n_search_steps": params.exhaustiveness * search_steps(ligand),
    }


def screen_size(params: DockingScreenParams, structure: dict[str, Any] | None) -> Size | None:
    screen = understand_screen(params)
    ligands = [candidate.ligand for candidate in screen.candidates]
    return {
        "n_ligands": len(ligands),
        "n_heavy_atoms": round(sum(ligand.n_heavy for ligand in ligands) / len(ligands), 1),
        **_site_size(screen.site),
        "n_searches": len(starts_of(params)) * len(ligands),
        "n_search_steps": params.exhaustiveness * sum(map(search_steps, ligands)),
    }


def search_steps(ligand: Ligand) -> int:
    """Monte Carlo steps of one search, as Vina itself sets them by the ligand."""
    freedom = RIGID_MOTIONS + ligand.n_rotatable
    return 105 * (50 + ligand.n_heavy + 10 * freedom)


def _site_size(site: Site) -> Size:
    residues = site.pdb.of_kind("polymer")
    return {
        "n_receptor_atoms": sum(len(residue.atoms) for residue in residues),
        "box_volume_angstrom3": round(site.box.volume),
    }


DOCKING = Cost(
    size=docking_size,
    seconds=law(
        0.3,
        Term("n_search_steps", 0.9, 0.2),
        Term("n_heavy_atoms", 1.0, 0.4),
        Term("n_receptor_atoms", 0.2, 0.2),
        Term("box_volume_angstrom3", 0.2, 0.2),
    ),
    memory=law(0.2, Term("n_receptor_atoms", 0.3, 0.3), Term("box_volume_angstrom3", 0.3, 0.3)),
)
SCREEN = Cost(size=screen_size, seconds=DOCKING.seconds, memory=DOCKING.memory)
