"""The ligands of a screen: lines of text, each understood or set apart with the reason."""

from __future__ import annotations

from dataclasses import dataclass

from simulations.base import Checked, Note
from simulations.errors import InvalidParams, ScienceError
from simulations.structures import StructureInput

from .box import refusal
from .inspect import RIGID_RECEPTOR, SCORE_MEANING, Site, site_notes, understand_site
from .ligand import Ligand, understand_ligand
from .screen_params import MAX_LIGANDS, DockingScreenParams, FailedLigand

FIELD = "ligands"
SAME_MOLECULE = "same_molecule"
OF_THE_ENGINE = "engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A ligand of the list that can be docked."""

    line: int
    text: str
    name: str
    ligand: Ligand


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """All that is to be docked, and the lines that cannot be."""

    site: Site
    candidates: tuple[Candidate, ...]
    failed: tuple[FailedLigand, ...]


def understand_screen(params: DockingScreenParams) -> Screen:
    """:raises InvalidParams: no receptor, no box, no ligand, or too many."""
    rows = [
        (number, line.strip())
        for number, line in enumerate(params.ligands.splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]
    if len(rows) > MAX_LIGANDS:
        detail = f"There are {len(rows)} ligands; at most {MAX_LIGANDS} are docked in one screen."
        raise refusal(FIELD, "too_many_ligands", detail)
    candidates, failed = read(rows)
    if not candidates:
        why = f" Line {failed[0].line}: {failed[0].reason}" if failed else ""
        detail = f"No line is a ligand: write SMILES, a space and a name.{why}"
        raise refusal(FIELD, "no_ligand", detail)
    return Screen(site=understand_site(params), candidates=candidates, failed=failed)


def read(rows: list[tuple[int, str]]) -> tuple[tuple[Candidate, ...], tuple[FailedLigand, ...]]:
    """Ligands, each molecule once, and the lines that are none."""
    found: dict[str, Candidate] = {}
    failed = []
    for number, text in rows:
        smiles, _, name = text.partition(" ")
        try:
            ligand = understand_ligand(StructureInput(format="smiles", text=smiles))
        except InvalidParams as refused:
            failed.append(failed_ligand(number, text, refused))
            continue
        if ligand.smiles in found:
            reason = f"The same molecule as line {found[ligand.smiles].line}."
            same = FailedLigand(line=number, text=text, reason=reason, cause=SAME_MOLECULE)
            failed.append(same)
            continue
        name = name.strip() or f"line {number}"
        found[ligand.smiles] = Candidate(line=number, text=text, name=name, ligand=ligand)
    return tuple(found.values()), tuple(failed)


def failed_ligand(line: int, text: str, why: ScienceError | InvalidParams) -> FailedLigand:
    cause = why.errors[0].code if isinstance(why, InvalidParams) else why.cause or OF_THE_ENGINE
    return FailedLigand(line=line, text=text, reason=str(why), cause=cause)


def inspect_screen(params: DockingScreenParams) -> Checked:
    return Checked(params={}, notes=notes_on(understand_screen(params)))


def notes_on(screen: Screen) -> list[Note]:
    message = f"{len(screen.candidates)} ligands are docked, each as written: no pKa is computed."
    apart = [
        Note(code="ligand_set_apart", message=f"Line {one.line}, {one.text[:60]}: {one.reason}")
        for one in screen.failed
    ]
    return [
        Note(code="ligands", message=message),
        *apart,
        *site_notes(screen.site),
        RIGID_RECEPTOR,
        SCORE_MEANING,
    ]
