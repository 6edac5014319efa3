"""Figures of a docking screen: each ligand as a square, the ranking, and what went wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import reverse

from jobs.pages.formats import MINUS, number

from .frame import Cell, Finished, ResultFigure, Table

SCORE = "Score (kcal/mol)"
EFFICIENCY = "Ligand efficiency (kcal/mol)"
SCORE_MEANING = "Scores rank ligands; they are no measured energies."
BESIDE = {
    "molecular_weight_g_per_mol": "Molecular weight (g/mol)",
    "crippen_logp": "log P (Crippen)",
    "n_heavy_atoms": "Heavy atoms",
    "ligand_efficiency_kcal_per_mol": EFFICIENCY,
}
CAUSES = {
    "unreadable_smiles": "Cannot be read as SMILES",
    "same_molecule": "The same molecule as another line",
    "several_parts": "Several parts, such as a salt",
    "unknown_element": "An element that Vina has no parameters for",
    "no_heavy_atom": "Hydrogen only",
    "no_bonds": "Without bonds",
    "too_many_atoms": "Too many atoms",
    "too_many_torsions": "Too many rotatable bonds",
    "macrocycle": "A large ring, which is not searched",
    "box_too_small": "The box is too small for it",
    "no_3d": "No 3D structure was found",
    "not_prepared": "Meeko could not prepare it",
    "nothing_binds": "No pose binds",
    "engine": "The engine failed",
}

Ligand = Mapping[str, Any]


def grid(finished: Finished) -> ResultFigure | None:
    """None for a screen of before lines were told."""
    ligands, failed = finished.result["ligands"], finished.result["failed"]
    if any("line" not in each for each in ligands):
        return None
    members = sorted([*map(_docked, ligands), *map(_failed, failed)], key=lambda each: each["line"])
    scores = [each["score_kcal_per_mol"] for each in ligands]
    return ResultFigure(
        key="grid",
        kind="grid",
        title="Ligands",
        caption="A square for each line of the list, coloured by its score: the brighter the "
        f"better; a cross was not docked. {SCORE_MEANING}",
        sentence=f"{len(ligands)} of {len(members)} ligands docked, scores from "
        f"{number(min(scores), digits=2)} to {number(max(scores), digits=2)} kcal/mol; "
        f"{len(failed)} not docked.",
        table=Table(
            header=["Line", "Name", "State", SCORE],
            rows=[[m["line"], m["label"], m["word"], m["value"]] for m in members],
            digits=[None, None, None, 2],
        ),
        data={
            "states": "".join(each["state"] for each in members),
            "values": [each["value"] for each in members],
            "numbers": [each["line"] for each in members],
            "labels": [each["label"] for each in members],
            "details": [each["word"] for each in members],
            "ranked": _places_by_rank(members),
            "words": {"d": "docked", "f": "not docked"},
            "word": "Line",
            "quantity": SCORE,
            "digits": 2,
            "best": "low",
        },
        units={"values": "kcal/mol"},
        wide=True,
    )


def _places_by_rank(members: Sequence[Mapping[str, Any]]) -> list[int]:
    docked = [place for place, each in enumerate(members) if each["rank"] is not None]
    return sorted(docked, key=lambda place: members[place]["rank"])


def _docked(ligand: Ligand) -> dict[str, Any]:
    return {
        "line": ligand["line"], "label": ligand["name"], "state": "d", "word": "docked",
        "value": ligand["score_kcal_per_mol"], "rank": ligand["rank"],
    }  # fmt: skip


def _failed(failure: Ligand) -> dict[str, Any]:
    name = failure["text"].partition(" ")[2].strip() or failure["text"]
    return {
        "line": failure["line"], "label": name[:60], "state": "f",
        "word": _cause(failure), "value": None, "rank": None,
    }  # fmt: skip


def _cause(failure: Ligand) -> str:
    cause = failure.get("cause", "")
    return CAUSES.get(cause) or cause.replace("_", " ").capitalize() or "Not docked"


def distribution(finished: Finished) -> ResultFigure:
    values = [each["score_kcal_per_mol"] for each in finished.result["ligands"]]
    middle = sorted(values)[len(values) // 2]
    return ResultFigure(
        key="distribution",
        kind="distribution",
        title="Scores",
        caption="How many ligands have which score; the line is the ligand that was picked. "
        + SCORE_MEANING,
        sentence=f"{len(values)} scores, the best {number(min(values), digits=2)}, half of them "
        f"up to {number(middle, digits=2)} kcal/mol.",
        table=Table(
            header=["Ligand", SCORE],
            rows=[
                [each["name"], each["score_kcal_per_mol"]] for each in finished.result["ligands"]
            ],
            digits=[None, 2],
        ),
        data={"values": values, "quantity": SCORE, "things": "ligands", "digits": 2},
        units={"values": "kcal/mol"},
    )


def beside_size(finished: Finished) -> ResultFigure | None:
    """Score against what lets it grow by itself; None for a screen of before these were kept."""
    ligands = finished.result["ligands"]
    if any(name not in each for each in ligands for name in BESIDE):
        return None
    header = ["Ligand", SCORE, *BESIDE.values()]
    return ResultFigure(
        key="size",
        kind="scatter",
        title="Score and size",
        caption="Larger and greasier molecules score better by themselves: a good hit lies below "
        "its like.",
        sentence=f"{len(ligands)} ligands, score against molecular weight, log P, heavy atoms and "
        "ligand efficiency.",
        table=Table(
            header=header,
            rows=[
                [each["name"], each["score_kcal_per_mol"], *(each[name] for name in BESIDE)]
                for each in ligands
            ],
            digits=[None, 2, 1, 2, None, 3],
        ),
        data={"columns": list(BESIDE.values()), "quantity": SCORE, "digits": 2},
        units={"score": "kcal/mol"},
    )


def ranks(finished: Finished) -> ResultFigure:
    ligands = finished.result["ligands"]
    best = ligands[0]
    return ResultFigure(
        key="ranks",
        kind="ranks",
        title="Ranking",
        caption="By the score of the best pose. Ligand efficiency is −score for each heavy atom. "
        "Differences below 1 kcal/mol mean little. A rank’s button shows its pose in figure 1.",
        sentence=f"First is {best['name']}, {number(best['score_kcal_per_mol'], digits=2)} "
        f"kcal/mol, of {len(ligands)}.",
        table=Table(
            header=["Rank", "Ligand", "SMILES", SCORE, *BESIDE.values()],
            rows=[_ranked(each) for each in ligands],
            digits=[None, None, None, 2, 1, 2, None, 3],
        ),
        data={"ranking": [_shown(finished, place, each) for place, each in enumerate(ligands)]},
        wide=True,
    )


def _ranked(ligand: Ligand) -> list[Cell]:
    return [
        ligand["rank"], ligand["name"], ligand["smiles"], ligand["score_kcal_per_mol"],
        *(ligand.get(name) for name in BESIDE),
    ]  # fmt: skip


def _shown(finished: Finished, place: int, ligand: Ligand) -> dict[str, Any]:
    return {
        "rank": ligand["rank"],
        "name": ligand["name"],
        "drawing": reverse("jobs:drawing", args=[finished.job.pk, place + 1]),
        "score": number(ligand["score_kcal_per_mol"], digits=2),
        "part": ligand["score_kcal_per_mol"],
        "efficiency": number(ligand["ligand_efficiency_kcal_per_mol"], digits=2),
        "weight": number(ligand.get("molecular_weight_g_per_mol"), digits=1),
        "logp": _signless_zero(number(ligand.get("crippen_logp"), digits=1)),
        "agreeing": ligand["n_searches_agreeing"],
    }


def _signless_zero(text: str) -> str:
    return text if text.strip(f"{MINUS}0.") else text.removeprefix(MINUS)


def failures(finished: Finished) -> ResultFigure | None:
    """None where every ligand was docked."""
    failed = finished.result["failed"]
    if not failed:
        return None
    groups: dict[str, list[Ligand]] = defaultdict(list)
    for each in failed:
        groups[_cause(each)].append(each)
    ordered = sorted(groups.items(), key=lambda each: (-len(each[1]), each[0]))
    counts = ", ".join(f"{len(each)} × {cause[0].lower()}{cause[1:]}" for cause, each in ordered)
    return ResultFigure(
        key="failures",
        kind="failures",
        title="Not docked",
        caption="Ligands that were set apart, grouped by cause.",
        sentence=f"{len(failed)} not docked: {counts}.",
        table=Table(
            header=["Line", "Text", "Cause", "Reason"],
            rows=[[each["line"], each["text"], _cause(each), each["reason"]] for each in failed],
        ),
        data={"groups": [{"cause": cause, "failed": each} for cause, each in ordered]},
    )
