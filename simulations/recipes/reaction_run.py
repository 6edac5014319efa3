"""Runs the species of a reaction one after another, and takes the difference."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

from simulations.base import Context, Note, declared
from simulations.errors import ScienceError
from simulations.parts import Part
from simulations.quantum.geometry import Geometry
from simulations.quantum.params import NoteInResult
from simulations.quantum.thermochemistry import Conditions, thermochemistry
from simulations.quantum.vibrations import Vibrations
from simulations.workdir import write_json

from .reaction import SIGNS, Species, Task, equation_of
from .reaction_params import ReactionEnergyParams, ReactionEnergyResult, SpeciesRow
from .size import GROWTH

KJ_MOL_PER_HARTREE = 2625.4996394799  # CODATA 2018
KJ_PER_KCAL = 4.184
DONE_NAME = "species.json"
TABLE_NAME = "species.csv"
NOT_FOR_USERS = {"checkpoint.chk", "start.xyz", "relaxed.xyz"}
"""Of each species' files: what a new attempt goes on from, and nobody else asks for."""
LAST = 0.97
NO_VIBRATIONS = Vibrations(
    frequencies_cm1=(), displacements=(), reduced_masses=(), intensities=(), is_linear=False
)
"""Of an atom."""


class ReactionRun:
    """One reaction: each distinct species computed once, in a directory of its own."""

    def __init__(
        self, species: list[Species], params: ReactionEnergyParams, context: Context
    ) -> None:
        self._species = species
        self._params = params
        self._context = context
        self._results: dict[str, dict[str, Any]] = {}
        self._numbers: dict[str, int] = {}
        self._notes: list[Note] = []

    def compute(self) -> None:
        """:raises ScienceError: a species' simulation could not do it."""
        distinct = {term.task.key: term for term in self._species}
        weights = {key: term.structure.n_atoms**GROWTH for key, term in distinct.items()}
        begin = 0.0
        for number, (key, term) in enumerate(distinct.items(), start=1):
            end = begin + LAST * weights[key] / sum(weights.values())
            self._numbers[key] = number
            self._results[key] = self._one(term, number, len(distinct), (begin, end))
            begin = end

    def result(self, notes: list[Note], seconds: float) -> ReactionEnergyResult:
        """The differences, from what was computed."""
        rows = [self._row(term) for term in self._species]
        self._write(rows)
        told = [*notes, *self._told_by_species(), *self._notes, *self._accuracy()]
        first = self._results[self._species[0].task.key]
        return ReactionEnergyResult(
            **self._differences(rows),
            equation=equation_of(self._species),
            method=first["method"],
            species=rows,
            wall_time_s=round(seconds, 2),
            versions=self._versions(),
            notes=[
                NoteInResult(code=note.code, message=note.message) for note in dict.fromkeys(told)
            ],
        )

    def _differences(self, rows: list[SpeciesRow]) -> dict[str, float | None]:
        energy = self._difference([row.energy_hartree for row in rows])
        enthalpy = self._difference([row.enthalpy_hartree for row in rows])
        gibbs = self._difference([row.gibbs_hartree for row in rows])
        asked = self._params.thermochemistry
        return {
            "reaction_energy_kj_mol": energy,
            "reaction_energy_kcal_mol": _in_kcal(energy),
            "reaction_enthalpy_kj_mol": enthalpy,
            "reaction_gibbs_kj_mol": gibbs,
            "reaction_gibbs_kcal_mol": _in_kcal(gibbs),
            "temperature_k": self._params.temperature_k if asked else None,
            "pressure_bar": self._params.pressure_bar if asked else None,
        }

    def _one(
        self, term: Species, number: int, total: int, span: tuple[float, float]
    ) -> dict[str, Any]:
        """A species' result, from a lost attempt where that finished it."""
        published: list[tuple[str, str, str]] = []
        part = Part(
            self._context,
            span=span,
            stage="species",
            prefix=f"{term.label} ({number} of {total}): ",
            directory=f"species-{number}",
            publish=lambda *file: published.append(file),
        )
        known = _finished(part.previous, term.task)
        if known is None:
            part.report(0.0, "begins", species=number)
            result = _computed(term, part)
            known = {"task": term.task.key, "result": result, "files": published}
        elif part.previous:
            shutil.copytree(part.previous, part.workdir, dirs_exist_ok=True)
            message = f"{term.label} was taken from an earlier attempt."
            self._notes.append(Note(code="resumed", message=message))
        # Last, so that it says that all is there.
        write_json(part.workdir / DONE_NAME, known)
        self._hand_over(part.workdir, known["files"], term, number)
        energy = known["result"]["energy_hartree"]
        part.report(1.0, "done", species=number, species_energy_hartree=energy)
        return dict(known["result"])

    def _hand_over(self, directory: Path, files: list[Any], term: Species, number: int) -> None:
        for name, title, media_type in files:
            if name not in NOT_FOR_USERS and (directory / name).exists():
                public = f"{_prefix(term, number)}{name}"
                shutil.copyfile(directory / name, self._context.workdir / public)
                self._context.artifact(public, f"{term.label}: {title}", media_type)

    def _row(self, term: Species) -> SpeciesRow:
        result = self._results[term.task.key]
        enthalpy, gibbs = self._thermal(term, result)
        return SpeciesRow(
            side=term.side,
            coefficient=float(term.coefficient),
            formula=term.structure.formula,
            smiles=term.structure.smiles,
            charge=term.charge,
            multiplicity=term.multiplicity,
            energy_hartree=result["energy_hartree"],
            enthalpy_hartree=enthalpy,
            gibbs_hartree=gibbs,
            simulation=term.task.simulation,
            files=_prefix(term, self._numbers[term.task.key]),
            reference=result.get("reference"),
            symmetry_number=result.get("symmetry_number"),
            n_imaginary=result.get("n_imaginary"),
            note_codes=" ".join(dict.fromkeys(note["code"] for note in result["notes"])),
        )

    def _thermal(self, term: Species, result: dict[str, Any]) -> tuple[float | None, float | None]:
        """Enthalpy and free energy; an atom has translation and spin only, and no Hessian."""
        if not self._params.thermochemistry:
            return None, None
        if "gibbs_hartree" in result:
            return result["enthalpy_hartree"], result["gibbs_hartree"]
        conditions = Conditions(
            temperature_k=self._params.temperature_k,
            pressure_bar=self._params.pressure_bar,
            symmetry_number=1,
            multiplicity=term.multiplicity,
        )
        atom = Geometry(term.structure.symbols, ((0.0, 0.0, 0.0),))
        gas = thermochemistry(NO_VIBRATIONS, atom, conditions)
        energy = result["energy_hartree"]
        gibbs = energy + gas.gibbs_correction(conditions.temperature_k)
        return energy + gas.enthalpy_correction, gibbs

    def _difference(self, values: list[float | None]) -> float | None:
        """Products less reactants, kJ/mol."""
        terms = [
            SIGNS[term.side] * float(term.coefficient) * value
            for term, value in zip(self._species, values, strict=True)
            if value is not None
        ]
        return KJ_MOL_PER_HARTREE * sum(terms) if len(terms) == len(values) else None

    def _told_by_species(self) -> list[Note]:
        """What each simulation noted, except what was known before it ran."""
        return [
            Note(code=note["code"], message=f"{term.label}: {note['message']}")
            for term in self._species
            for note in self._results[term.task.key]["notes"]
        ]

    def _accuracy(self) -> list[Note]:
        if self._params.is_dft:
            message = (
                "A reaction energy inherits the errors of functional and basis, often tens of "
                "kJ/mol: compare with another functional and with def2-tzvp before you rely on it."
            )
        else:
            message = (
                "GFN-xTB was made for geometries: its reaction energies are a first look, and may "
                "be off by tens of kJ/mol. Compute the reaction again with method DFT."
            )
        notes = [Note(code="accuracy", message=message)]
        if not self._params.thermochemistry:
            message = (
                "Electronic energies of molecules at rest: zero-point motion, heat and entropy "
                "are not counted. For those, ask for thermochemistry."
            )
            notes.append(Note(code="electronic_energy", message=message))
        return notes

    def _versions(self) -> dict[str, str]:
        return {
            name: number
            for result in self._results.values()
            for name, number in result["versions"].items()
        }

    def _write(self, rows: list[SpeciesRow]) -> None:
        with (self._context.workdir / TABLE_NAME).open("w", newline="") as stream:
            writer = csv.DictWriter(stream, fieldnames=list(SpeciesRow.model_fields))
            writer.writeheader()
            writer.writerows(row.model_dump() for row in rows)
        self._context.artifact(TABLE_NAME, "Species", "text/csv")


def _computed(term: Species, part: Part) -> dict[str, Any]:
    """:raises ScienceError: the species' own, named, with what of its fix a reaction has."""
    try:
        return declared[term.task.simulation].run(term.task.params, part)
    except ScienceError as exc:
        known = ReactionEnergyParams.model_fields
        fix = {name: value for name, value in (exc.fix or {}).items() if name in known}
        raise ScienceError(f"{term.label}: {exc}", hints=exc.hints, fix=fix or None) from exc


def _in_kcal(kj: float | None) -> float | None:
    return None if kj is None else kj / KJ_PER_KCAL


def _prefix(term: Species, number: int) -> str:
    return f"{number}-{term.structure.formula}-"


def _finished(previous: Path | None, task: Task) -> dict[str, Any] | None:
    """What a lost attempt recorded of this very task, if it finished it."""
    path = previous / DONE_NAME if previous else None
    if path is None or not path.exists():
        return None
    recorded: dict[str, Any] = json.loads(path.read_text())
    return recorded if recorded["task"] == task.key else None
