"""Params from the words of a command line."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from simulations.base import Simulation
from simulations.errors import FieldError, InvalidParams
from simulations.structures.formats import MACROMOLECULAR, of_file

STRUCTURE_FIELDS = ("structure", "ligand")
PROTEIN_FIELDS = ("receptor_pdb", *STRUCTURE_FIELDS)
"""Where a protein goes: a simulation without a field for it says what it takes instead."""


def params_of(words: Namespace, simulation: Simulation) -> dict[str, Any]:
    """A file of params first, then the structure, then single params.

    :raises InvalidParams: a word that cannot be understood.
    :raises OSError: a file that cannot be read.
    """
    params = _from_file(words.params) if words.params else {}
    model = simulation.Params
    if words.smiles is not None:
        params[_field(model, STRUCTURE_FIELDS)] = {"format": "smiles", "text": words.smiles}
    if words.structure is not None:
        params[_field(model, STRUCTURE_FIELDS)] = words.structure
    if words.file is not None:
        params |= _of_structure_file(words.file, model)
    return params | dict(map(_pair, words.param))


def _from_file(path: Path) -> dict[str, Any]:
    try:
        given = json.loads(path.read_text())
    except ValueError as exc:
        raise _refusal(f"{path} is no JSON: {exc}.") from None
    if not isinstance(given, dict):
        raise _refusal(f"{path} must hold an object of params.")
    return given


def _of_structure_file(path: Path, model: type[BaseModel]) -> dict[str, Any]:
    text = path.read_text()
    format = of_file(path.name, text)
    field = _field(model, PROTEIN_FIELDS if format in MACROMOLECULAR else STRUCTURE_FIELDS)
    return {field: {"format": format, "text": text}}


def _field(model: type[BaseModel], candidates: tuple[str, ...]) -> str:
    for name in candidates:
        if name in model.model_fields:
            return name
    takes = ", ".join(model.model_fields)
    raise _refusal(f"It takes no {candidates[0]}, but {takes}: use -p or --params.")


def _pair(word: str) -> tuple[str, Any]:
    """`basis=def2-tzvp`, `max_steps=50`, `receptor_pdb=@4ey7.pdb`."""
    name, equals, value = word.partition("=")
    if not equals:
        raise _refusal(f"-p {word} has no value; write -p {word}=VALUE.")
    if value.startswith("@"):
        return name, Path(value[1:]).read_text()
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _refusal(detail: str) -> InvalidParams:
    return InvalidParams([FieldError(path=(), code="command_line", detail=detail)])
