"""Many ligands docked into one box, one after another."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulations.base import Context, Note
from simulations.errors import InvalidParams, ScienceError

from .box import MORE_ROOM_ANGSTROM, refuse_small, roomier
from .candidates import Candidate, Screen, failed_ligand, notes_on, understand_screen
from .files import RECEPTOR_NAME, write_receptor
from .inspect import gyration_of
from .ligand import prepare_ligand, sizes_of
from .poses import Pose, as_bound, merge, n_agreeing, rmsd
from .receptor import prepare_receptor
from .run import box_of
from .screen_params import (
    DockingScreenParams,
    DockingScreenResult,
    ScreenedLigand,
)
from .searches import Inputs, Search, Searches, seeds_of, starts_of
from .telling import method_of, receptor_notes, versions

FOLDER = "ligands"
PREPARED, SEARCHED = 0.05, 0.98
COMPARE_WITH_CARE = Note(
    code="compare_with_care",
    message="Differences below 1 kcal/mol between ligands mean little; larger molecules score "
    "better by size alone, so look at the ligand efficiency too.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A ligand that was docked."""

    candidate: Candidate
    poses: tuple[Pose, ...]
    about: ScreenedLigand


class Screening:
    """The hits and failures of one screen, told as they come."""

    def __init__(
        self, params: DockingScreenParams, screen: Screen, context: Context, started: float
    ) -> None:
        self.hits: list[Hit] = []
        self.failed = list(screen.failed)
        self._params = params
        self._screen = screen
        self._context = context
        self._started = started

    def run(self) -> None:
        """:raises ScienceError: not one ligand could be docked."""
        for candidate in self._screen.candidates:
            score = None
            try:
                self.hits.append(self._dock(candidate))
                score = self.hits[-1].about.score_kcal_per_mol
            except (ScienceError, InvalidParams) as exc:
                self.failed.append(failed_ligand(candidate.line, candidate.text, exc))
                self._context.log.write(f"{candidate.name}: {exc}\n")
            self._tell(score)
        if not self.hits:
            raise ScienceError(
                f"Not one ligand could be docked. {self.failed[-1].reason}",
                hints=["Is the box in a pocket, and large enough?"],
                fix=roomier(self._params, MORE_ROOM_ANGSTROM),
            )
        self.hits.sort(key=lambda hit: hit.about.score_kcal_per_mol)
        for rank, hit in enumerate(self.hits, start=1):
            hit.about.rank = rank

    def _dock(self, candidate: Candidate) -> Hit:
        box = self._screen.site.box
        refuse_small(box, gyration_of(candidate.ligand), self._params)
        prepared = prepare_ligand(candidate.ligand, self._params.seed)
        inputs = self._inputs(candidate, prepared.pdbqt)
        self._context.log.write(f"{candidate.name}\n")
        searches = Searches(self._params, box, inputs).run(
            self._context.threads, self._context.log, self._beat
        )
        poses = merge(searches, self._params)
        about = self._describe(candidate, poses, searches, prepared.n_torsions)
        return Hit(candidate=candidate, poses=tuple(poses), about=about)

    def _inputs(self, candidate: Candidate, pdbqt: str) -> Inputs:
        """Each ligand has a folder by its line, where a next attempt finds its searches."""
        place = f"{FOLDER}/{candidate.line:04d}"
        workdir, previous = self._context.workdir, self._context.previous
        folder = workdir / place
        folder.mkdir(parents=True, exist_ok=True)
        ligand = folder / "ligand.pdbqt"
        ligand.write_text(pdbqt)
        return Inputs(
            receptor=workdir / RECEPTOR_NAME,
            ligand=ligand,
            folder=folder,
            previous=previous / place if previous else None,
        )

    def _describe(
        self, candidate: Candidate, poses: Sequence[Pose], searches: list[Search], n_torsions: int
    ) -> ScreenedLigand:
        ligand = candidate.ligand
        bound = as_bound(self._screen.site.box.marker, ligand.smiles)
        return ScreenedLigand(
            rank=0,
            line=candidate.line,
            name=candidate.name,
            smiles=ligand.smiles,
            score_kcal_per_mol=poses[0].score,
            ligand_efficiency_kcal_per_mol=round(-poses[0].score / ligand.n_heavy, 3),
            **sizes_of(ligand.smiles),
            n_heavy_atoms=ligand.n_heavy,
            n_torsions=n_torsions,
            n_searches_agreeing=n_agreeing(searches, poses[0]),
            rmsd_to_bound_ligand_angstrom=(round(rmsd(poses[0].mol, bound), 3) if bound else None),
        )

    @property
    def _n_tried(self) -> int:
        return len(self.hits) + len(self.failed) - len(self._screen.failed)

    def _beat(self, searches: Sequence[Search]) -> None:
        n_searches = len(starts_of(self._params))
        part = (self._n_tried + len(searches) / n_searches) / len(self._screen.candidates)
        name = self._screen.candidates[self._n_tried].name
        message = f"{name}: {len(searches)} of {n_searches} searches done"
        self._report(part, message)

    def _tell(self, score: float | None) -> None:
        n_all = len(self._screen.candidates)
        metrics: dict[str, float] = {"ligand": self._n_tried, "n_failed": len(self.failed)}
        if score is not None:
            scores = [hit.about.score_kcal_per_mol for hit in self.hits]
            metrics |= {"ligand_score_kcal_per_mol": score, "best_score_kcal_per_mol": min(scores)}
        self._report(self._n_tried / n_all, f"{self._n_tried} of {n_all} ligands done", **metrics)

    def _report(self, part: float, message: str, **metrics: float) -> None:
        self._context.report(
            PREPARED + (SEARCHED - PREPARED) * part,
            message,
            stage="search",
            elapsed_s=round(time.monotonic() - self._started, 1),
            **metrics,
        )


def screen(params: DockingScreenParams, context: Context) -> DockingScreenResult:
    """Prepare the receptor once, dock each ligand, rank.

    :raises InvalidParams: the input makes no sense.
    :raises ScienceError: the receptor cannot be prepared, or no ligand be docked.
    """
    started = time.monotonic()
    understood = understand_screen(params)
    context.report(0.0, "preparing the receptor", stage="prepare")
    receptor = prepare_receptor(understood.site, context.log)
    box = box_of(understood.site.box)
    write_receptor(context, receptor, box)
    screening = Screening(params, understood, context, started)
    screening.run()
    _write(context, screening.hits)
    context.report(1.0, "done", stage="rank")
    return DockingScreenResult(
        best_score_kcal_per_mol=screening.hits[0].about.score_kcal_per_mol,
        ligands=[hit.about for hit in screening.hits],
        failed=screening.failed,
        seeds=seeds_of(params),
        box=box,
        receptor=receptor.report,
        method=f"{method_of(params)}.",
        wall_time_s=time.monotonic() - started,
        versions=versions("vina", "meeko", "rdkit"),
        notes=[*notes_on(understood), *receptor_notes(receptor.report), COMPARE_WITH_CARE],
    )


def _write(context: Context, hits: Sequence[Hit]) -> None:
    with (context.workdir / "ranking.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, list(ScreenedLigand.model_fields))
        rows.writeheader()
        rows.writerows(hit.about.model_dump() for hit in hits)
    context.artifact("ranking.csv", "Ranking", "text/csv")
    blocks = [_sdf(hit, pose) for hit in hits for pose in hit.poses]
    (context.workdir / "poses.sdf").write_text("".join(blocks))
    context.artifact("poses.sdf", "Poses", "chemical/x-mdl-sdfile")


def _sdf(hit: Hit, pose: Pose) -> str:
    from rdkit import Chem

    mol: Any = Chem.Mol(pose.mol)
    mol.SetProp("_Name", hit.candidate.name)
    data = {"rank": hit.about.rank, "score_kcal_per_mol": pose.score, "smiles": hit.about.smiles}
    fields = "".join(f">  <{name}>\n{value}\n\n" for name, value in data.items())
    return f"{Chem.MolToMolBlock(mol)}{fields}$$$$\n"
