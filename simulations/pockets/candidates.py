"""The ligands of a screen, each understood or set apart with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simulations.base import Checked, Note
from simulations.errors import InvalidParams, ScienceError
from simulations.structures import StructureInput, sd_files

from .box import refusal
from .inspect import RIGID_RECEPTOR, SCORE_MEANING, Site, site_notes, understand_site
from .ligand import Ligand, understand_ligand
from .screen_params import MAX_LIGANDS, DockingScreenParams, FailedLigand

FIELD = "ligands"
SAME_MOLECULE = "same_molecule"
OF_THE_ENGINE = "engine"
MAX_TITLE_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A ligand of the list that can be docked."""

    line: int
    text: str
    name: str
    ligand: Ligand


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """:param text: by which it is told of: a line as it is written, or a record's title."""

    line: int
    text: str
    name: str
    given: StructureInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """All that is to be docked, and the lines that cannot be."""

    site: Site
    candidates: tuple[Candidate, ...]
    failed: tuple[FailedLigand, ...]


def understand_screen(params: DockingScreenParams) -> Screen:
    """:raises InvalidParams: no receptor, no box, no ligand, or too many."""
    is_sd_file = sd_files.is_sd_file(params.ligands)
    rows = [*(_records if is_sd_file else _lines)(params.ligands)]
    if len(rows) > MAX_LIGANDS:
        detail = f"There are {len(rows)} ligands; at most {MAX_LIGANDS} are docked in one screen."
        raise refusal(FIELD, "too_many_ligands", detail)
    candidates, failed = read(rows)
    if not candidates:
        why = f" Line {failed[0].line}: {failed[0].reason}" if failed else ""
        form = "an SD file, or a line for each: SMILES, a space and a name"
        detail = f"There is no ligand in it: give {form}.{why}"
        raise refusal(FIELD, "no_ligand", detail)
    return Screen(site=understand_site(params), candidates=candidates, failed=failed)


def _lines(text: str) -> Iterator[Row]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            smiles, _, name = line.strip().partition(" ")
            given = StructureInput(format="smiles", text=smiles)
            yield Row(line=number, text=line.strip(), name=name.strip(), given=given)


def _records(text: str) -> Iterator[Row]:
    """Its stereochemistry is that of its coordinates, which are not used beyond that."""
    for each in sd_files.records(text):
        given = StructureInput(format="sdf", text=each.text)
        title = each.title[:MAX_TITLE_CHARS]
        yield Row(line=each.line, text=title or "without a title", name=title, given=given)


def read(rows: list[Row]) -> tuple[tuple[Candidate, ...], tuple[FailedLigand, ...]]:
    """Ligands, each molecule once, and the lines that are none."""
    found: dict[str, Candidate] = {}
    failed = []
    for row in rows:
        try:
            ligand = understand_ligand(row.given)
        except InvalidParams as refused:
            failed.append(failed_ligand(row.line, row.text, refused))
            continue
        if ligand.smiles in found:
            reason = f"The same molecule as line {found[ligand.smiles].line}."
            same = FailedLigand(line=row.line, text=row.text, reason=reason, cause=SAME_MOLECULE)
            failed.append(same)
            continue
        name = row.name or f"line {row.line}"
        found[ligand.smiles] = Candidate(line=row.line, text=row.text, name=name, ligand=ligand)
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
