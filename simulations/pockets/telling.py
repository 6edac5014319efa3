"""What a result says in words: the method, what was done to the receptor, how far to trust it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from simulations.base import Note

from .file_notes import listed
from .params import DockedPose, ReceptorReport, SearchParams
from .poses import SAME_POSE_ANGSTROM
from .searches import starts_of

TIE_KCAL_PER_MOL = 0.1
CITATIONS = {
    "vina": "Vina scoring function (Trott and Olson, J. Comput. Chem. 2010, 31, 455)",
    "vinardo": "Vinardo scoring function (Quiroga and Villarreal, PLoS ONE 2016, 11, e0155183)",
}


def method_of(params: SearchParams) -> str:
    return (
        f"AutoDock Vina {version('vina')} (Eberhardt et al., J. Chem. Inf. Model. 2021, 61, 3891), "
        f"{CITATIONS[params.scoring]}; {in_words(len(starts_of(params)))}, "
        f"exhaustiveness {params.exhaustiveness} in all, "
        f"poses merged at {params.min_rmsd_angstrom:g} Å; receptor and ligand prepared "
        f"with Meeko {version('meeko')}"
    )


def in_words(n_searches: int) -> str:
    return "1 search" if n_searches == 1 else f"{n_searches} independent searches"


def versions(*packages: str) -> dict[str, str]:
    return {package: version(package) for package in packages}


def receptor_notes(report: ReceptorReport) -> list[Note]:
    """What was done to the receptor beyond what its file told, a note for each kind of thing."""
    told = {
        "hydrogens_added": report.n_hydrogens_added
        and f"{report.n_hydrogens_added} hydrogens were added, in the states that Meeko takes for "
        "usual (histidine neutral, its proton on Nε): no pKa is computed.",
        "hetero_removed": listed("Hetero groups taken out", report.hetero_removed),
        "hetero_kept": listed("Metal ions kept", report.hetero_kept),
        "side_chains_cut": listed("Side chains that lack atoms, cut", report.side_chains_cut),
        "caps_removed": listed("Caps of chain ends, taken off", report.caps_removed),
        "residues_removed": listed(
            "Left out, far from the box, as they fit no template", report.residues_removed
        ),
        "bonds_ignored": listed(
            "So near that they seem bonded, which was ignored", report.bonds_ignored
        ),
    }
    return [Note(code=code, message=message) for code, message in told.items() if message]


def verdicts(poses: Sequence[DockedPose], n_agree: int, n_searches: int) -> list[Note]:
    """How far the ranking may be trusted."""
    notes = []
    if len(poses) > 1:
        gap = poses[1].score_kcal_per_mol - poses[0].score_kcal_per_mol
        if gap <= TIE_KCAL_PER_MOL:
            message = f"The best two poses are {gap:.2f} kcal/mol apart: do not rank them."
            notes.append(Note(code="tie", message=message))
    message = (
        f"{n_agree} of {n_searches} searches have their best pose within {SAME_POSE_ANGSTROM:g} Å "
        "of the best of all."
    )
    if n_agree == 1 and n_searches > 1:
        message += " A single finder is little: search more exhaustively."
    return [*notes, Note(code="agreement", message=message)]
