"""A conformer search from its seeds to its ranking, told step by step."""

from __future__ import annotations

import math
from collections.abc import Callable

from simulations.base import Context, Note
from simulations.errors import ScienceError
from simulations.quantum.geometry import append_frame, read_frames
from simulations.quantum.inspect import Molecule
from simulations.quantum.progress import Progress
from simulations.quantum.xtb import XtbSurface, relax

from .conformer_params import ConformerSearchParams, RankedConformer
from .conformers import SAME_ENERGY_KCAL_MOL, Conformer, Ensemble

RELAXED_NAME = "relaxed.xyz"
KCAL_PER_HARTREE = 627.5094740631
GAS_KCAL_PER_K = 8.31446261815324 / 4184
FORCE_FIELD_SLACK = 2.0
"""The force field's window is wider than the one asked for: its energies are rough."""


class ConformerSearch:
    """One search of one molecule."""

    def __init__(
        self,
        molecule: Molecule,
        params: ConformerSearchParams,
        ensemble: Ensemble,
        context: Context,
    ) -> None:
        self.notes: list[Note] = []
        self.progress = Progress(context)
        self._molecule = molecule
        self._params = params
        self._ensemble = ensemble
        self._context = context

    def embed(self) -> list[Conformer]:
        count = self._params.n_trials

        def tell(trial: int) -> None:
            message = f"3D structure {trial} of {count}"
            self.progress.report(0.1 * trial / count, message, stage="embed", trial=trial)

        return self._ensemble.embed(count, self._params.seed, tell)

    def candidates(self, embedded: list[Conformer]) -> list[Conformer]:
        """What the force field finds distinct and not hopelessly high."""
        distinct = self._ensemble.distinct(
            embedded, self._params.rmsd_threshold_angstrom, SAME_ENERGY_KCAL_MOL
        )
        limit = distinct[0].energy + FORCE_FIELD_SLACK * self._params.energy_window_kcal_mol
        kept = [conformer for conformer in distinct if conformer.energy <= limit]
        self._context.log.write(f"{len(embedded)} embedded, {len(kept)} go on to xTB.\n")
        return kept

    def relax(self, candidates: list[Conformer]) -> list[Conformer]:
        """:raises ScienceError: not one of them survived."""
        done = self._recorded(candidates)
        total, found, lost = len(candidates), [], 0
        for number, candidate in enumerate(candidates, start=1):
            start = done[number - 1] if number <= len(done) else candidate
            conformer = self._relaxed(start, number, total, is_done=number <= len(done))
            if conformer is None:
                lost += 1
                continue
            found.append(conformer)
            self.progress.report(
                0.1 + 0.85 * number / total,
                f"conformer {number} of {total}",
                stage="relax",
                conformer=number,
                conformer_energy_hartree=conformer.energy,
                lowest_energy_hartree=min(other.energy for other in found),
            )
        self._note_lost(lost, bool(found))
        return found

    def _recorded(self, candidates: list[Conformer]) -> list[Conformer]:
        """What an earlier attempt had relaxed: the same seed gave the same candidates."""
        previous = self._context.previous
        frames = read_frames(previous / RELAXED_NAME) if previous else []
        if frames:
            message = f"Resumed after {len(frames)} conformers of an earlier attempt."
            self.notes.append(Note(code="resumed", message=message))
        return [Conformer(geometry=frame, energy=0.0) for frame in frames[: len(candidates)]]

    def _relaxed(
        self, start: Conformer, number: int, total: int, *, is_done: bool
    ) -> Conformer | None:
        """None if xTB cannot do it, or if a bond breaks on the way."""

        def tell(step: int, energy: float) -> None:
            message = f"conformer {number} of {total}, step {step}"
            self.progress.report(message=message, stage="relax")

        geometry, energy = start.geometry, math.inf
        try:
            surface = XtbSurface(
                self._molecule, geometry, self._params.settings, self._teller(number)
            )
            if not is_done:
                relax(surface, self._params.max_steps, tell, self._context.log)
            geometry, energy = surface.geometry, surface.energy()
            self.notes += [note for note in surface.notes if note not in self.notes]
        except ScienceError as exc:
            self._context.log.write(f"Conformer {number} is left out: {exc}\n")
        if number == 1:
            self._context.artifact(RELAXED_NAME, "Every relaxed structure", "chemical/x-xyz")
        title = f"structure {number} energy_hartree {energy:.10f}"
        append_frame(self._context.workdir / RELAXED_NAME, geometry, title)
        if math.isinf(energy) or not self._ensemble.is_intact(geometry):
            return None
        return Conformer(geometry=geometry, energy=energy)

    def _teller(self, number: int) -> Callable[[str], None]:
        return lambda sentence: self.progress.report(
            message=f"conformer {number}: {sentence}", stage="relax"
        )

    def _note_lost(self, lost: int, any_found: bool) -> None:
        if not any_found:
            raise ScienceError(
                "No structure survived its relaxation: bonds broke in each, or xTB failed.",
                hints=[
                    "Check charge and multiplicity.",
                    "A zwitterion is no minimum in a vacuum: give a solvent.",
                ],
                fix={"solvent": "water"} if self._params.solvent == "none" else None,
            )
        if lost:
            message = f"{lost} structures were left out: a bond broke, or xTB failed on them."
            self.notes.append(Note(code="left_out", message=message))

    def rank(self, relaxed: list[Conformer]) -> list[Conformer]:
        """What is distinct and in the window, lowest first."""
        distinct = self._ensemble.distinct(
            relaxed, self._params.rmsd_threshold_angstrom, SAME_ENERGY_KCAL_MOL / KCAL_PER_HARTREE
        )
        limit = distinct[0].energy + self._params.energy_window_kcal_mol / KCAL_PER_HARTREE
        return [conformer for conformer in distinct if conformer.energy <= limit]

    def rows(self, ranked: list[Conformer]) -> list[RankedConformer]:
        best = ranked[0]
        above = [(conformer.energy - best.energy) * KCAL_PER_HARTREE for conformer in ranked]
        factors = [math.exp(-e / (GAS_KCAL_PER_K * self._params.temperature_k)) for e in above]
        rows = [
            RankedConformer(
                rank=rank,
                energy_hartree=conformer.energy,
                relative_kcal_mol=energy,
                weight=factor / sum(factors),
                rmsd_to_best_angstrom=self._ensemble.rmsd(conformer.geometry, best.geometry),
            )
            for rank, (conformer, energy, factor) in enumerate(
                zip(ranked, above, factors, strict=True), start=1
            )
        ]
        for row in rows:
            self.progress.report(
                0.97,
                f"conformer {row.rank}",
                stage="rank",
                rank=row.rank,
                relative_kcal_mol=row.relative_kcal_mol,
                weight=row.weight,
            )
        return rows
