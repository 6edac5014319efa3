"""Figures of a docking: which residues each pose holds on to, and by what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.pages.formats import number

from .frame import Finished, ResultFigure, Table

CLASSES = (
    ("ionic", "±", "salt bridge or metal", ("salt bridge", "metal")),
    ("hydrogen", "H", "hydrogen bond", ("hydrogen bond",)),
    ("halogen", "X", "halogen bond", ("halogen",)),
    ("pi", "π", "π stacking or cation-π", ("π", "cation")),
    ("hydrophobic", "●", "hydrophobic", ("hydrophobic",)),
    ("vdw", "·", "van der Waals", ("van der Waals",)),
)
"""Strongest first, which colours a cell: class, glyph, words, and how its kinds begin."""
PLACE = re.compile(r"^\S+ (.*):(-?\d+)(\w?)$")

Touch = Mapping[str, Any]


def fingerprint(finished: Finished) -> ResultFigure | None:
    """None where no contacts were looked for, or none were found."""
    contacts, poses = finished.result.get("contacts"), finished.result.get("poses")
    if not contacts or not poses:
        return None
    residues = sorted({each["residue"] for each in contacts}, key=_place)
    touched = {
        (pose["rank"], residue): met_by(contacts, pose["rank"], residue)
        for pose in poses
        for residue in residues
    }
    return ResultFigure(
        key="fingerprint",
        kind="fingerprint",
        title="Interaction fingerprint",
        caption="What each pose (row) has to do with each residue (column), by its strongest "
        "kind of contact, found by ProLIF. Point at a cell for all of them; a click shows its pose "
        "and lights its residue in figure 1.",
        sentence=_sentence(poses, residues, touched),
        table=Table(
            header=["Pose", "Score (kcal/mol)", *residues],
            rows=[
                [
                    pose["rank"],
                    pose["score_kcal_per_mol"],
                    *(_told(touched[pose["rank"], residue]) for residue in residues),
                ]
                for pose in poses
            ],
            digits=[None, 2],
        ),
        data={
            "residues": residues,
            "classes": [{"name": c, "glyph": g, "words": w} for c, g, w, _ in CLASSES],
            "poses": [
                {
                    "rank": pose["rank"],
                    "cells": [_cell(touched[pose["rank"], residue]) for residue in residues],
                }
                for pose in poses
            ],
        },
        units={"distance": "Å"},
        wide=True,
    )


def _place(residue: str) -> tuple[str, int, str]:
    found = PLACE.match(residue)
    return (found[1], int(found[2]), found[3]) if found else (residue, 0, "")


def order_of(contact: Touch) -> tuple[str, int, str]:
    """Of its residue in the chain."""
    return _place(contact["residue"])


def met_by(contacts: Sequence[Touch], rank: int, residue: str) -> list[Touch]:
    """Strongest first."""
    found = [each for each in contacts if (each["rank"], each["residue"]) == (rank, residue)]
    return sorted(found, key=lambda each: (class_of(each["kind"]), each["distance_angstrom"]))


def class_of(kind: str) -> int:
    """Its place in `CLASSES`; an unknown kind is the weakest."""
    for place, (*_, beginnings) in enumerate(CLASSES):
        if kind.startswith(beginnings):
            return place
    return len(CLASSES) - 1


def _told(met: Sequence[Touch]) -> str | None:
    told = [f"{each['kind']} {number(each['distance_angstrom'], digits=2)} Å" for each in met]
    return "; ".join(told) or None


def _cell(met: Sequence[Touch]) -> dict[str, Any] | None:
    return {"class": class_of(met[0]["kind"]), "words": _told(met)} if met else None


def _sentence(
    poses: Sequence[Touch], residues: Sequence[str], touched: Mapping[tuple[int, str], list[Touch]]
) -> str:
    always = [r for r in residues if all(touched[pose["rank"], r] for pose in poses)]
    shared = f" Every pose touches {', '.join(always)}." if always and len(poses) > 1 else ""
    return f"{len(poses)} poses and {len(residues)} residues.{shared}"
