"""The page of a simulation, made from what it declares: it cannot lag behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import simulations
from jobs import snippets
from simulations import Simulation
from simulations.record.citations import REFERENCES

from .rendering import HERE

FILE_ID = "{file_id}"
EXTRA = {
    "docking": {"box_ligand_residue": "3D1"},
    "docking_screen": {"box_ligand_residue": "3D1"},
}
"""What an example needs beside what is required: a box around the ligand in the file, here."""
CITED = {
    "pyscf": ("pyscf", "libxc"),
    "geometric": ("geometric",),
    "ase": ("ase",),
    "rdkit": ("etkdg3",),
    "tblite": ("gfn2", "gfn1"),
    "openmm": ("openmm",),
    "vina": ("vina12", "vina"),
    "meeko": ("meeko",),
    "prolif": ("prolif",),
}
"""Of each engine, what its users cite whatever they ask of it."""
COUNTS = {
    "unrestricted": "an open shell",
    "in_solvent": "a solvent",
    "optimize_first": "an optimisation before it",
    "n_atoms_as_one": "the atoms of all species",
}
"""What a figure of the size is called; any other goes by its name."""
LONGEST = 60


def page(simulation: Simulation) -> str:
    """In Markdown."""
    return "\n\n".join(part for part in _parts(simulation) if part) + "\n"


def example(simulation: Simulation) -> dict[str, Any]:
    """Params that can be sent, all but those of a file that has to be uploaded first."""
    schema = simulation.Params.model_json_schema()
    required = schema.get("required", [])
    given = {}
    for name, told in schema["properties"].items():
        if name in required or (name == "structure" and told.get("examples")):
            given[name] = _example_of(told)
    return given | EXTRA.get(simulation.name, {})


def _example_of(told: dict[str, Any]) -> Any:
    if not told.get("examples"):
        return {"file": FILE_ID}
    first = told["examples"][0]
    return json.loads(first) if told.get("type") == "array" else first


def _parts(simulation: Simulation) -> Iterator[str]:
    yield f"# {simulation.title}"
    yield f"`{simulation.name}`: {simulation.summary}"
    if simulation.aliases:
        yield f"It is also found as {_listed(simulation.aliases)}."
    yield from _request(simulation)
    yield "## Params"
    yield _table(("param", "what", "values", "default"), _params(simulation))
    yield "Formats of a structure: [structures and files](../structures.md)."
    yield "## Result"
    yield _table(("field", "what", "unit"), _results(simulation))
    yield "What is marked ★ is in the job's `summary`."
    yield "## While it runs"
    yield _running(simulation)
    yield "## What it takes"
    yield _cost(simulation)
    yield _citations(simulation)


def _request(simulation: Simulation) -> Iterator[str]:
    body = {"simulation": simulation.name, "params": example(simulation)}
    yield "## An example"
    if FILE_ID in json.dumps(body):
        yield f"Upload the file first; `{FILE_ID}` is the `id` in the answer."
        yield f"```sh\ncurl -F file=@receptor.pdb {HERE}/api/v1/files\n```"
    for each in snippets.of_submission(body, snippets.Site(url=HERE)):
        yield f"{each.title}:"
        yield f"```{each.language}\n{each.text}\n```"


def _params(simulation: Simulation) -> Iterator[tuple[str, ...]]:
    schema = simulation.Params.model_json_schema()
    required = schema.get("required", [])
    for name, told in schema["properties"].items():
        default = "required" if name in required else _code(told.get("default"))
        what = f"{told['title']}. {told['description']}"
        yield f"`{name}`", what, _values(told), default


def _values(told: dict[str, Any]) -> str:
    """What may be given: the choices, or the bounds with their unit."""
    kinds = [each for each in told.get("anyOf", [told]) if each.get("type") != "null"]
    return " or ".join(filter(None, (_of_kind(each, told.get("unit", "")) for each in kinds)))


def _of_kind(kind: dict[str, Any], unit: str) -> str:
    if choices := kind.get("enum") or ([kind["const"]] if "const" in kind else []):
        return ", ".join(f"`{each}`" for each in choices)
    bounds = [f"{word} {_number(kind[name])}" for name, word in BOUNDS.items() if name in kind]
    words = [KINDS.get(kind.get("type", ""), "structure"), ", ".join(bounds), unit]
    return " ".join(word for word in words if word)


KINDS = {
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "string": "text",
    "array": "list",
    "object": "object",
}
BOUNDS = {
    "minimum": "≥",
    "exclusiveMinimum": ">",
    "maximum": "≤",
    "exclusiveMaximum": "<",
}


def _results(simulation: Simulation) -> Iterator[tuple[str, ...]]:
    schema = simulation.Result.model_json_schema(mode="serialization")
    for name, told in schema["properties"].items():
        words = [told.get("title", name), told.get("description", "")]
        what = ". ".join(word.rstrip(".") for word in words if word)
        yield f"`{name}`{' ★' if told.get('headline') else ''}", what, told.get("unit", "")


def _running(simulation: Simulation) -> str:
    stages = _listed(simulation.stages)
    words = [f"Its stages are {stages}." if stages else ""]
    if simulation.readouts:
        keys = _listed([each.key for each in simulation.readouts])
        words.append(f"Its events report {keys}.")
    words.append("How to follow it: [waiting](../waiting.md).")
    return " ".join(word for word in words if word)


def _cost(simulation: Simulation) -> str:
    needed = f"It needs {_listed(simulation.requires)}. " if simulation.requires else ""
    if simulation.cost is None:
        return f"{needed}It takes so little that nobody estimates it."
    figures = [COUNTS.get(t.name, _words(t.name)) for t in simulation.cost.seconds.terms]
    return (
        f"{needed}Its time depends on {_and(figures)}. `POST /api/v1/jobs/check` tells the size of "
        "yours, and time and memory as a range where this site has measured the like."
    )


def _citations(simulation: Simulation) -> str:
    keys = dict.fromkeys(key for engine in simulation.requires for key in CITED.get(engine, ()))
    if not keys:
        return ""
    found = [REFERENCES[key] for key in keys]
    lines = [f"- {r.authors}, {r.title}. {r.journal} ({r.year}). <{r.url}>" for r in found]
    told = "`methods` of each job cites what that run used, its functional and basis set included."
    return "\n\n".join(["## Whom to cite", told, "\n".join(lines)])


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(_cell(each) for each in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(str(text).replace("|", "\\|").split())


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _code(value: Any) -> str:
    """As JSON has it; nothing is nothing."""
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text if len(text) <= LONGEST else text[:LONGEST] + '…'}`"


def _listed(words: Any) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _words(name: str) -> str:
    return name.removeprefix("n_").replace("_", " ").replace("angstrom3", "(Å³)")


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def all_pages() -> list[Simulation]:
    """Those that have one: all that there are, demonstrations last."""
    found = simulations.all_simulations()
    return sorted(found, key=lambda each: each.name.startswith("demo."))
