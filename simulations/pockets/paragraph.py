"""What a docking did, in sentences for a paper."""

from __future__ import annotations

from typing import Any

from .params import DockingBox, DockingParams, DockingResult, ReceptorReport, SearchParams
from .screen_params import DockingScreenParams, DockingScreenResult
from .telling import in_words

SCORING = {
    "vina": "the Vina scoring function [@vina]",
    "vinardo": "the Vinardo scoring function [@vinardo]",
}


def docking(params: DockingParams, result: DockingResult) -> str:
    ligand = (
        f"The ligand ({result.ligand_formula}, {result.n_torsions} rotatable bonds) was embedded "
        f"by ETKDGv3 [@etkdg3] in RDKit {result.versions['rdkit']} (seed {params.seed})."
    )
    merged = (
        f"Poses nearer to each other than {params.min_rmsd_angstrom:g} Å were merged; contacts "
        f"were found by ProLIF {result.versions['prolif']} [@prolif]."
    )
    return " ".join([_search(params, result), _receptor(result.receptor, result), ligand, merged])


def screen(params: DockingScreenParams, result: DockingScreenResult) -> str:
    failed = f"; {len(result.failed)} more could not be docked" if result.failed else ""
    ligands = (
        f"Each of {len(result.ligands)} ligands was embedded by ETKDGv3 [@etkdg3] in RDKit "
        f"(seed {params.seed}), docked into the same box and ranked by its best score{failed}."
    )
    return " ".join([_search(params, result), _receptor(result.receptor, result), ligands])


def _search(params: SearchParams, result: Any) -> str:
    seeds = f"seed{'s' if len(result.seeds) > 1 else ''} {', '.join(map(str, result.seeds))}"
    return (
        f"Docking was carried out with AutoDock Vina {result.versions['vina']} [@vina12] and "
        f"{SCORING[params.scoring]}, by {in_words(len(result.seeds))} "
        f"(exhaustiveness {params.exhaustiveness} in all, {seeds}) in {_box(result.box)}."
    )


def _box(box: DockingBox) -> str:
    size = " × ".join(f"{edge:.1f}" for edge in box.size_angstrom)
    center = ", ".join(f"{x:.2f}" for x in box.center_angstrom)
    return f"a box of {size} Å centred at ({center}) Å"


def _receptor(report: ReceptorReport, result: Any) -> str:
    steps = [
        report.n_waters_removed and f"{report.n_waters_removed} waters were removed",
        report.hetero_removed and f"{len(report.hetero_removed)} hetero groups were removed",
        report.hetero_kept and f"metal ions were kept ({', '.join(report.hetero_kept)})",
        report.n_hydrogens_added and f"{report.n_hydrogens_added} hydrogens were added",
        report.side_chains_cut and f"{len(report.side_chains_cut)} incomplete side chains were cut",
        report.residues_removed
        and f"{len(report.residues_removed)} residues without a template were left out",
    ]
    done = "".join(f"; {step}" for step in steps if step)
    return (
        f"The rigid receptor ({report.n_residues} residues) and the ligands were prepared with "
        f"Meeko {result.versions['meeko']} [@meeko]{done}."
    )


def docking_digest(result: DockingResult) -> dict[str, Any]:
    return {"n_poses": len(result.poses)}


def screen_digest(result: DockingScreenResult) -> dict[str, Any]:
    best = result.ligands[0]
    return {
        "best_ligand": best.name,
        "best_ligand_smiles": best.smiles,
        "n_docked": len(result.ligands),
        "n_failed": len(result.failed),
    }
