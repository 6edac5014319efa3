"""The interactions of each pose as a flat diagram: the ligand, and around it what it touches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from jobs.pages.drawings import drawings
from jobs.pages.formats import number

from .docking import CLASSES, Touch, class_of, met_by, order_of
from .frame import Finished, ResultFigure, Table

WIDTH, HEIGHT = 640, 440
DRAWN_WIDTH, DRAWN_HEIGHT = 240, 180
"""Of a drawing of RDKit's, as the molecules of a site are drawn."""
RING = (250, 180)
EDGE = (132, 100)
"""Half axes of the ellipse of residues, and of the one at which their lines end."""


def interactions(finished: Finished) -> ResultFigure | None:
    """None where no contacts were looked for, or none were found."""
    contacts, poses = finished.result.get("contacts"), finished.result.get("poses")
    if not contacts or not poses:
        return None
    around = [_pose(contacts, pose["rank"]) for pose in poses]
    smiles = str(finished.result.get("ligand_smiles") or "")
    drawing = drawings([smiles]).get(smiles)
    return ResultFigure(
        key="interactions",
        kind="interactions",
        title="Interactions",
        caption="The ligand, flat, and around it each residue that the pose touches, with the "
        "distance of its strongest contact; solid lines for what holds it, dashed for what it "
        "merely lies against. Lines lead to the ligand as a whole, not to one of its atoms.",
        sentence=_sentence(around[0]),
        table=Table(
            header=["Pose", "Residue", "Kind", "Distance (Å)"],
            rows=[
                [each["rank"], each["residue"], each["kind"], each["distance_angstrom"]]
                for each in sorted(contacts, key=lambda each: (each["rank"], order_of(each)))
            ],
            digits=[None, None, None, 2],
        ),
        data={
            "poses": around,
            "size": [WIDTH, HEIGHT],
            "ligand": {
                "at": [(WIDTH - DRAWN_WIDTH) // 2, (HEIGHT - DRAWN_HEIGHT) // 2],
                "paths": drawing.paths if drawing else [],
                "name": finished.result.get("ligand_formula") or "Ligand",
            },
        },
        units={"distance": "Å"},
        wide=True,
    )


def _pose(contacts: Sequence[Touch], rank: int) -> dict[str, Any]:
    """In the order of their places in the chain, from the top clockwise."""
    residues = sorted(
        {each["residue"] for each in contacts if each["rank"] == rank},
        key=lambda residue: order_of({"residue": residue}),
    )
    return {
        "rank": rank,
        "residues": [
            _residue(residue, met_by(contacts, rank, residue), 2 * math.pi * place / len(residues))
            for place, residue in enumerate(residues)
        ],
    }


def _residue(name: str, met: Sequence[Touch], angle: float) -> dict[str, Any]:
    across, up = math.sin(angle), -math.cos(angle)
    strongest = met[0]
    return {
        "name": name,
        "class": CLASSES[class_of(strongest["kind"])][0],
        "kind": strongest["kind"],
        "distance": number(strongest["distance_angstrom"], digits=2),
        "x": round(WIDTH / 2 + RING[0] * across, 1),
        "y": round(HEIGHT / 2 + RING[1] * up, 1),
        "to_x": round(WIDTH / 2 + EDGE[0] * across, 1),
        "to_y": round(HEIGHT / 2 + EDGE[1] * up, 1),
    }


def _sentence(pose: dict[str, Any]) -> str:
    told = [f"{each['name']} {each['kind']} {each['distance']} Å" for each in pose["residues"]]
    return f"Pose {pose['rank']} touches {'; '.join(told)}." if told else "It touches nothing."
