"""How far each residue, or each atom of a small molecule, moves about its mean place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from .prepared import Prepared
from .preview import ANGSTROM_PER_NM, heavy_among, solute, superposed
from .trajectory import TRAJECTORY_NAME, read_frames

LEAST_FRAMES = 2
RESIDUES_FROM = 4
"""Of fewer residues the atoms tell more."""


class MdFluctuation(BaseModel):
    """The RMSF of one residue (over its heavy atoms) or atom, after superposition."""

    label: str = Field(title="Residue or atom")
    atoms: list[int] = Field(title="Atoms", description="Numbers in topology.pdb, from 1.")
    rmsf_angstrom: float = Field(title="RMSF", json_schema_extra={"unit": "Å"})


def fluctuations(prepared: Prepared, workdir: Path, from_ps: float) -> list[MdFluctuation]:
    """From the frames of that time on; none where these are too few."""
    path = workdir / TRAJECTORY_NAME
    if not path.exists():
        return []
    shown = solute(prepared)
    positions_nm, times_ps = read_frames(path, shown)
    kept = [i for i, time_ps in enumerate(times_ps) if time_ps >= from_ps - 1e-6]
    if len(kept) < LEAST_FRAMES:
        return []
    each = rmsf(positions_nm[kept], heavy_among(prepared, shown)) * ANGSTROM_PER_NM
    return by_residue(prepared, shown, each) or by_atom(prepared, shown, each)


def rmsf(frames: Any, on: list[int]) -> Any:
    """Of each atom about its mean, in frames laid on their average by these atoms."""
    import numpy as np

    laid = superposed(frames, on)
    mean = laid.mean(axis=0)
    laid = superposed(np.concatenate([mean[None], laid]), on)[1:]
    return np.sqrt(((laid - laid.mean(axis=0)) ** 2).sum(axis=2).mean(axis=0))


def by_residue(prepared: Prepared, shown: list[int], each: Any) -> list[MdFluctuation]:
    import numpy as np

    atoms = list(prepared.topology.atoms())
    members: dict[Any, list[int]] = {}
    for place, index in enumerate(shown):
        if atoms[index].element.symbol != "H":
            members.setdefault(atoms[index].residue, []).append(place)
    if len(members) < RESIDUES_FROM:
        return []
    return [
        MdFluctuation(
            label=f"{residue.name} {residue.chain.id}:{residue.id}",
            atoms=[shown[place] + 1 for place in places],
            rmsf_angstrom=round(float(np.sqrt((each[places] ** 2).mean())), 4),
        )
        for residue, places in members.items()
    ]


def by_atom(prepared: Prepared, shown: list[int], each: Any) -> list[MdFluctuation]:
    atoms = list(prepared.topology.atoms())
    several = len({atoms[index].residue for index in shown}) > 1
    return [
        MdFluctuation(
            label=_name(atoms[index], several),
            atoms=[index + 1],
            rmsf_angstrom=round(float(value), 4),
        )
        for index, value in zip(shown, each, strict=True)
    ]


def _name(atom: Any, several: bool) -> str:
    return f"{atom.residue.name}{atom.residue.id} {atom.name}" if several else str(atom.name)
