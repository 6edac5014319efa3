"""One docking from its params to its result."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from simulations.base import Context

from .box import Box
from .contacts import find_contacts
from .files import LIGAND_NAME, RECEPTOR_NAME, write_contacts, write_poses, write_receptor
from .inspect import Docking, notes_on, understand
from .ligand import PreparedLigand, prepare_ligand
from .params import (
    Contact,
    DockedPose,
    DockingBox,
    DockingParams,
    DockingResult,
)
from .poses import Pose, as_bound, merge, n_agreeing, rescored, rmsd
from .receptor import prepare_receptor
from .reporter import SEARCHED, Reporter
from .searches import Inputs, Search, Searches
from .telling import method_of, receptor_notes, verdicts, versions

FOLDER = "searches"


def dock(params: DockingParams, context: Context) -> DockingResult:
    """Prepare, search, merge, describe.

    :raises InvalidParams: the input makes no sense.
    :raises ScienceError: the receptor cannot be prepared, or nothing binds.
    """
    started = time.monotonic()
    docking = understand(params)
    context.report(0.0, "preparing the receptor", stage="prepare")
    receptor = prepare_receptor(docking.site, context.log)
    box = box_of(docking.site.box)
    write_receptor(context, receptor, box)
    context.report(0.03, "preparing the ligand", stage="prepare")
    ligand = prepare_ligand(docking.ligand, params.seed)
    searches = _search(params, docking.site.box, ligand, context, started)
    context.report(SEARCHED, "merging poses and finding contacts", stage="contacts")
    poses = merge(searches, params)
    contacts = find_contacts(receptor.polymer, poses)
    docked = _describe(docking, poses, contacts)
    write_poses(context, receptor, poses, docked)
    write_contacts(context, contacts)
    context.report(1.0, "done", stage="contacts", best_score_kcal_per_mol=poses[0].score)
    agreeing = n_agreeing(searches, poses[0])
    return DockingResult(
        **_given(params, docking, searches),
        best_score_kcal_per_mol=poses[0].score,
        poses=docked,
        contacts=contacts,
        n_searches_agreeing=agreeing,
        n_torsions=ligand.n_torsions,
        box=box,
        receptor=receptor.report,
        wall_time_s=time.monotonic() - started,
        notes=[
            *notes_on(docking),
            *receptor_notes(receptor.report),
            *verdicts(docked, agreeing, len(searches)),
        ],
    )


def _given(params: DockingParams, docking: Docking, searches: Sequence[Search]) -> dict[str, Any]:
    """The part of a result that says what was docked, and how."""
    return {
        "n_searches": len(searches),
        "search_scores_kcal_per_mol": [scores[0] for scores in rescored(searches)],
        "seeds": [search.seed for search in searches],
        "ligand_smiles": docking.ligand.smiles,
        "ligand_formula": docking.ligand.structure.formula,
        "n_heavy_atoms": docking.ligand.n_heavy,
        "method": f"{method_of(params)}; contacts by ProLIF.",
        "versions": versions("vina", "meeko", "prolif", "rdkit"),
    }


def box_of(box: Box) -> DockingBox:
    return DockingBox(center_angstrom=box.center, size_angstrom=box.size, defined_by=box.defined_by)


def _search(
    params: DockingParams, box: Box, ligand: PreparedLigand, context: Context, started: float
) -> list[Search]:
    ligand_path = context.workdir / LIGAND_NAME
    ligand_path.write_text(ligand.pdbqt)
    inputs = Inputs(
        receptor=context.workdir / RECEPTOR_NAME,
        ligand=ligand_path,
        folder=context.workdir / FOLDER,
        previous=context.previous / FOLDER if context.previous else None,
    )
    searches = Searches(params, box, inputs)
    reporter = Reporter(context, len(searches.seeds), started)
    reporter(())
    return searches.run(context.threads, context.log, reporter)


def _describe(
    docking: Docking, poses: Sequence[Pose], contacts: Sequence[Contact]
) -> list[DockedPose]:
    bound = as_bound(docking.site.box.marker, docking.ligand.smiles)
    return [
        DockedPose(
            rank=rank,
            score_kcal_per_mol=pose.score,
            intermolecular_kcal_per_mol=pose.inter,
            rmsd_to_best_angstrom=round(rmsd(pose.mol, poses[0].mol), 3),
            rmsd_to_bound_ligand_angstrom=round(rmsd(pose.mol, bound), 3) if bound else None,
            ligand_efficiency_kcal_per_mol=round(-pose.score / docking.ligand.n_heavy, 3),
            n_contacts=sum(contact.rank == rank for contact in contacts),
            seed=pose.seed,
        )
        for rank, pose in enumerate(poses, start=1)
    ]
