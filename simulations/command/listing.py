"""`list` and `schema`: which simulations there are, and what each takes and gives."""

from __future__ import annotations

import json
import sys
from typing import Any

from simulations.base import Simulation
from simulations.errors import UnknownSimulation
from simulations.registry import all_simulations, named

from .node import BAD_INPUT, SUCCEEDED


def list_all(*, as_json: bool) -> int:
    rows = [_row(simulation) for simulation in all_simulations()]
    if as_json:
        print(json.dumps(rows, indent=2))
        return SUCCEEDED
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        missing = f"  needs {', '.join(row['requires'])}" if not row["available"] else ""
        also = f"  (also {', '.join(row['aliases'])})" if row["aliases"] else ""
        print(f"{row['name']:<{width}}  {row['title']}{also}{missing}")
    return SUCCEEDED


def schema(name: str) -> int:
    """The JSON schemas of both ends; an engine that is missing does not matter for them."""
    try:
        simulation = named(name)
    except UnknownSimulation as exc:
        print(exc, file=sys.stderr)
        return BAD_INPUT
    schemas = {
        "simulation": simulation.name,
        "params": simulation.Params.model_json_schema(),
        "result": simulation.Result.model_json_schema(mode="serialization"),
    }
    print(json.dumps(schemas, indent=2, ensure_ascii=False))
    return SUCCEEDED


def _row(simulation: Simulation) -> dict[str, Any]:
    return {
        "name": simulation.name,
        "title": simulation.title,
        "aliases": simulation.aliases,
        "summary": simulation.summary,
        "version": simulation.version,
        "requires": simulation.requires,
        "available": simulation.available,
    }
