"""The poses of all searches as one list: scored alike, duplicates dropped, best first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from simulations.errors import ScienceError
from simulations.structures.rdkit_log import listening

from . import engines
from .box import MORE_ROOM_ANGSTROM, roomier
from .params import SearchParams
from .pdb import Residue, write
from .searches import Search

SAME_POSE_ANGSTROM = 2.0
"""Within this a pose counts as the same, as redocking is judged in the field."""

MAX_MATCHES = 10_000
"""Of the ligand's symmetry; the RMSD of a more symmetric one is an upper bound."""

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """A pose of one search, scored as if all searches had been one run of Vina.

    :param mol: RDKit's molecule in this pose, with all hydrogens.
    """

    score: float
    inter: float
    seed: int
    model: str
    mol: Any


def best_of(searches: Sequence[Search]) -> Search:
    """The search that holds the best pose; Vina compares poses by this sum."""
    return min(searches, key=lambda search: search.best["inter"] + search.best["intra"])


def rescored(searches: Sequence[Search]) -> list[list[float]]:
    """The score of every pose of every search.

    Vina subtracts the ligand's internal energy in the best pose of its own run: runs are comparable
    only after that reference is the same for all, which is the best pose of all.
    """
    best = best_of(searches).best
    # Of the best pose the internal energy cancels: what is left is the torsion penalty's factor.
    factor = best["total"] / best["inter"] if best["inter"] else 1.0
    return [
        [
            round(factor * (energy["inter"] + energy["intra"] - best["intra"]), 3)
            for energy in search.energies
        ]
        for search in searches
    ]


def merge(searches: Sequence[Search], params: SearchParams) -> list[Pose]:
    """The distinct poses within the energy range, best first, at most as many as were asked.

    :raises ScienceError: no search found one.
    """
    poses = [
        Pose(score=score, inter=energy["inter"], seed=search.seed, model=model, mol=mol)
        for search, scores in zip(searches, rescored(searches), strict=True)
        for score, energy, model, mol in zip(
            scores, search.energies, search.models, molecules(search), strict=True
        )
    ]
    poses.sort(key=lambda pose: pose.score)
    if poses[0].score >= 0:
        raise ScienceError(
            f"The best pose scores {poses[0].score:.2f} kcal/mol: nothing binds in this box.",
            hints=["Is the box in a pocket? Is it large enough for the ligand?"],
            fix=roomier(params, MORE_ROOM_ANGSTROM),
            cause="nothing_binds",
        )
    limit = poses[0].score + params.energy_range_kcal_per_mol
    near = [pose for pose in poses if pose.score <= limit]
    return distinct(near, _between_poses, params.min_rmsd_angstrom)[: params.n_poses]


def _between_poses(one: Pose, other: Pose) -> float:
    return rmsd(one.mol, other.mol)


def distinct(
    things: Sequence[Thing], distance: Callable[[Thing, Thing], float], least: float
) -> list[Thing]:
    """Those that are no nearer than `least` to one before them."""
    kept: list[Thing] = []
    for thing in things:
        if all(distance(thing, other) >= least for other in kept):
            kept.append(thing)
    return kept


def molecules(search: Search) -> list[Any]:
    """RDKit's molecule of each pose, with the hydrogens that PDBQT leaves out."""
    from rdkit import Chem

    meeko = engines.meeko()
    parsed = meeko.PDBQTMolecule("".join(search.models), skip_typing=True)
    mol = meeko.RDKitMolCreate.from_pdbqt_mol(parsed)[0]
    return [Chem.Mol(mol, False, conformer.GetId()) for conformer in mol.GetConformers()]


def rmsd(one: Any, other: Any) -> float:
    """Of heavy atoms where they are, over the ligand's symmetry, in Å."""
    from rdkit import Chem
    from rdkit.Chem import rdMolAlign

    heavy, reference = Chem.RemoveHs(one), Chem.RemoveHs(other)
    return float(rdMolAlign.CalcRMS(heavy, reference, maxMatches=MAX_MATCHES))


def n_agreeing(searches: Sequence[Search], best: Pose) -> int:
    """How many searches have the best pose as their own best."""
    return sum(rmsd(molecules(s)[0], best.mol) <= SAME_POSE_ANGSTROM for s in searches)


def as_bound(marker: Residue | None, smiles: str) -> Any:
    """The bound ligand with the docked one's bonds; None if it is another molecule."""
    from rdkit import Chem
    from rdkit.Chem import AllChem

    template = Chem.MolFromSmiles(smiles)
    if marker is None or len(marker.positions) != template.GetNumHeavyAtoms():
        return None
    with listening():
        mol = Chem.MolFromPDBBlock(write([marker]))
        try:
            return mol and AllChem.AssignBondOrdersFromTemplate(template, Chem.RemoveHs(mol))
        except ValueError:
            return None
