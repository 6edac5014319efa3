"""Params from the words of a command line, and from the rows of a file."""

from __future__ import annotations

import csv
import json
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from backplane.errors import BackplaneError

Json = dict[str, Any]
JOB_COLUMNS = ("name",)
"""Columns of a table that say something of the job; all others are params."""


class BadWords(BackplaneError):
    """The command line cannot be understood."""


def params_of(words: Namespace) -> Json:
    """A file of params first, then the structure, then uploads, then single params."""
    params = _object_in(words.params) if words.params else {}
    if words.structure is not None:
        params["structure"] = words.structure
    for word in words.file:
        name, equals, path = word.partition("=")
        params |= {name: Path(path)} if equals else {"structure": Path(word)}
    return params | dict(map(_pair, words.param))


def limits_of(words: Namespace) -> dict[str, int]:
    found = {}
    for word in words.limit:
        name, _, value = word.partition("=")
        if not value.isdecimal():
            raise BadWords(f"--limit {word}: expected a number, as in wall_time_s=3600.")
        found[name] = int(value)
    return found


def batch_body(words: Namespace) -> Json:
    """The rows of a file, each a submission or, with a template, what varies in it."""
    rows = _rows(words.rows)
    if not rows:
        raise BadWords(f"{words.rows} has no rows.")
    template = _template(words)
    if template is None:
        return {"jobs": rows}
    names = {_place(name): name for name in rows[0]}
    if any(row.keys() != rows[0].keys() for row in rows):
        return {"jobs": [_merged(template, row) for row in rows]}
    # Said once, and the site knows what tells the jobs apart.
    return {
        "template": template,
        "zip": {place: [row[name] for row in rows] for place, name in names.items()},
    }


def row_of(pointer: str) -> int | None:
    """Which row of the table a refusal is about: `/zip/params.n/2`, `/jobs/2/params/n`."""
    steps = [*pointer.split("/"), "", ""]
    place = {"zip": 3, "jobs": 2}.get(steps[1], 0)
    return int(steps[place]) if place and steps[place].isdecimal() else None


def lines_of(path: Path) -> list[int]:
    """On which line of the file each row stands, or ends."""
    lines = _text_of(path).splitlines()
    if path.suffix.lower() != ".csv":
        return [n for n, _ in _numbered(lines)]
    table = csv.DictReader(lines)
    return [table.line_num for _ in table]


def value_of(text: str) -> Any:
    """JSON where it is some, `3`, `true`, `[1, 2]`; else the text itself."""
    try:
        return json.loads(text, parse_constant=_no_number)
    except ValueError:
        return text


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _pair(word: str) -> tuple[str, Any]:
    """`basis=def2-tzvp`, `max_steps=50`, `pdb=@1crn.pdb`."""
    name, equals, value = word.partition("=")
    if not equals:
        raise BadWords(f"-p {word} has no value; write -p {word}=VALUE.")
    if value.startswith("@"):
        return name, _text_of(Path(value[1:]))
    return name, value_of(value)


def _template(words: Namespace) -> Json | None:
    if words.template:
        return _object_in(words.template)
    if words.simulation is None:
        if words.param or words.file or words.structure:
            raise BadWords("Params need a --simulation, or a --template that names one.")
        return None
    return {"simulation": words.simulation, "params": params_of(words)}


def _place(name: str) -> str:
    return name if name in JOB_COLUMNS else f"params.{name}"


def _merged(template: Json, row: Json) -> Json:
    of_job = {name: row[name] for name in JOB_COLUMNS if name in row}
    params = {name: value for name, value in row.items() if name not in JOB_COLUMNS}
    return {**template, **of_job, "params": {**template.get("params", {}), **params}}


def _rows(path: Path) -> list[Json]:
    lines = _text_of(path).splitlines()
    if path.suffix.lower() == ".csv":
        table = csv.DictReader(lines)
        return [_cells(row, path, table.line_num) for row in table]
    return [_parsed(line, f"{path}:{n}") for n, line in _numbered(lines)]


def _cells(row: dict[str | Any, str | Any], path: Path, n: int) -> Json:
    if None in row or None in row.values():
        raise BadWords(f"{path}:{n}: expected as many cells as there are columns.")
    return {name: text if name in JOB_COLUMNS else value_of(text) for name, text in row.items()}


def _numbered(lines: Iterable[str]) -> Iterable[tuple[int, str]]:
    return ((n, line) for n, line in enumerate(lines, start=1) if line.strip())


def _object_in(path: Path) -> Json:
    return _parsed(_text_of(path), str(path))


def _parsed(text: str, where: str) -> Json:
    try:
        found = json.loads(text)
    except ValueError as exc:
        raise BadWords(f"{where} is no JSON: {exc}.") from None
    if not isinstance(found, dict):
        raise BadWords(f"{where} must hold an object.")
    return found


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # as Excel writes a CSV
    except (OSError, UnicodeError) as exc:
        raise BadWords(f"{path} cannot be read: {exc}.") from None
