"""A form that comes with a table: one job for each molecule in it, all of them as one batch."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.conf import settings

from jobs import lifecycle
from jobs.batch_models import MOST_ITEMS, Batch
from simulations.structures import sd_files

from .questions import Question, as_value

SUBJECTS = ("structure", "ligand")
"""What one job of a table is about; a receptor is the same for all of them."""
STRUCTURES = {"structure", "smiles", "smi", "inchi", "ligand", "molecule"}
NAMES = {"name", "title", "id", "compound", "label"}
MOST_SHOWN = 10
LONGEST_NAME = 200


class NoTable(Exception):
    """Why the file is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """:param line: where it begins in the file.
    :param params: what it says otherwise than the form.
    """

    line: int
    name: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    rows: list[Row]
    unused: list[str] = field(default_factory=list)
    """Columns that are no setting of the simulation."""


def table_field() -> forms.FileField:
    return forms.FileField(
        label="Table of molecules", required=False, allow_empty_file=True, widget=forms.FileInput()
    )


def subject_of(asked: Mapping[str, Question]) -> str:
    """The question that a table answers; empty where there is none."""
    return next((name for name in SUBJECTS if name in asked), "")


def read(upload: Any, asked: Mapping[str, Question]) -> Table:
    """:raises NoTable: it is too large, no text, or has no molecule in it."""
    if upload.size > settings.MAX_BATCH_BYTES:
        raise NoTable(f"It has {upload.size:,} bytes; at most {settings.MAX_BATCH_BYTES:,} may be.")
    try:
        text = upload.read().decode("utf-8-sig")  # as Excel writes it
    except UnicodeDecodeError:
        raise NoTable("It is no text in UTF-8. Excel calls that “CSV UTF-8”.") from None
    table = _sd_file(text, asked) if sd_files.is_sd_file(text) else _lines(text, asked)
    if not table.rows:
        raise NoTable("There is no molecule in it.")
    if len(table.rows) > MOST_ITEMS:
        raise NoTable(
            f"It has {len(table.rows):,} molecules; at most {MOST_ITEMS:,} are one batch."
        )
    return table


def send(
    table: Table, common: dict[str, Any], *, skip_invalid: bool, also: Callable[[Batch], None]
) -> Batch:
    """:param common: what the form says of each job.
    :param also: called with the batch in the transaction that stores it.

    :raises InvalidBatch: some of its rows cannot be run; nothing was stored.
    """
    wanted = [
        lifecycle.Wanted(
            simulation=common["simulation"],
            params={**common["params"], **row.params},
            name=row.name,
            tags=common["tags"],
            limits=common["limits"],
            place=common["place"],
            reuse=common["reuse"],
            given={"params": row.params},
        )
        for row in table.rows
    ]
    varied = dict.fromkeys(f"params.{name}" for row in table.rows for name in row.params)
    return lifecycle.submit_batch(
        owner=common["owner"],
        wanted=wanted,
        name=common["name"],
        tags=common["tags"],
        varied=[*varied],
        skip_invalid=skip_invalid,
        also=also,
    )


def refused(table: Table, why: lifecycle.InvalidBatch) -> list[str]:
    """The first rows that cannot be run, each by its line, and how many more there are."""
    told = []
    for n, refusal in sorted(why.refusals.items())[:MOST_SHOWN]:
        words = " ".join(each.detail for each in lifecycle.errors_of(refusal))
        told.append(f"Line {table.rows[n].line}: {words}")
    if more := len(why.refusals) - len(told):
        told.append(f"And {more:,} more.")
    return told


def _sd_file(text: str, asked: Mapping[str, Question]) -> Table:
    subject = subject_of(asked)
    return Table(
        rows=[
            Row(
                line=each.line,
                name=each.title[:LONGEST_NAME],
                params={subject: {"format": "sdf", "text": each.text}},
            )
            for each in sd_files.records(text)
        ]
    )


def _lines(text: str, asked: Mapping[str, Question]) -> Table:
    """A table with a header, or a molecule a line and what it is called."""
    lines = text.splitlines()
    head = next((line for line in lines if line.strip()), "")
    mark = next((each for each in "\t;," if each in head), ",")
    titles = [cell.strip() for cell in next(csv.reader([head], delimiter=mark), [])]
    means = {title: _meaning(title, asked) for title in titles}
    if subject_of(asked) in means.values():
        return _with_header(text, mark, means, asked)
    return Table(rows=[*_bare(lines, subject_of(asked))])


def _meaning(title: str, asked: Mapping[str, Question]) -> str:
    """Which question a column answers, `name`, or nothing."""
    word = title.strip().lower()
    if word in STRUCTURES:
        return subject_of(asked)
    if word in asked:
        return word
    by_label = {each.label.lower(): name for name, each in asked.items()}
    return by_label.get(word, "name" if word in NAMES else "")


def _with_header(
    text: str, mark: str, means: dict[str, str], asked: Mapping[str, Question]
) -> Table:
    rows, table = [], csv.DictReader(io.StringIO(text.lstrip()), delimiter=mark)
    above = len(text) - len(text.lstrip())
    skipped = text[:above].count("\n")
    for cells in table:
        told = {means.get((title or "").strip(), ""): cell for title, cell in cells.items()}
        given = {name: cell.strip() for name, cell in told.items() if isinstance(cell, str)}
        if not any(given.values()):
            continue
        params = {
            name: as_value(asked[name], cell)
            for name, cell in given.items()
            if name in asked and (cell or name == subject_of(asked))
        }
        name = given.get("name", "")[:LONGEST_NAME]
        rows.append(Row(line=skipped + table.line_num, name=name, params=params))
    return Table(rows=rows, unused=[title for title, name in means.items() if title and not name])


def _bare(lines: list[str], subject: str) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        structure, _, name = line.strip().replace("\t", " ").partition(" ")
        yield Row(line=number, name=name.strip()[:LONGEST_NAME], params={subject: structure})
