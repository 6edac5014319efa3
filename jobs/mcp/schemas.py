"""A simulation's schema as a model reads it: all that decides a value, nothing that draws a form.

Every tool is in an agent's context at all times, so each byte is paid for in each turn.
"""

from __future__ import annotations

from typing import Any

import simulations

FORM_ONLY = {"title", "widget", "advanced", "headline"}
STRUCTURE = {"type": ["string", "object"]}
"""Its definition repeats a page in each simulation; the server's instructions say it once."""
EXAMPLES = 2
MAX_LENGTH = 100_000
"""A longer limit of length tells a model nothing."""


def params_schema(simulation: simulations.Simulation) -> dict[str, Any]:
    """The params' JSON schema, without what only a form needs and what is accepted and unused."""
    return compact(simulation.Params.model_json_schema())


def compact(schema: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in schema.items() if key not in {"$defs", "description"}}
    found: dict[str, Any] = _compact(rest, schema.get("$defs", {}))
    return found


def _compact(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_compact(each, definitions) for each in node]
    if not isinstance(node, dict):
        return node
    node = _resolved(node, definitions)
    kept = {key: value for key, value in node.items() if _tells(key, value)}
    if "properties" in kept:
        kept["properties"] = {
            name: _compact(each, definitions)
            for name, each in kept["properties"].items()
            if not each.get("unused")
        }
    if "examples" in kept:
        kept["examples"] = kept["examples"][:EXAMPLES]
    rest = {k: _compact(v, definitions) for k, v in kept.items() if k in {"items", "anyOf"}}
    return _without_null(kept | rest)


def _resolved(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """What a `$ref` refers to, in its place, and what is said beside it."""
    if "$ref" not in node:
        return node
    name = node["$ref"].rpartition("/")[2]
    meant = STRUCTURE if name == "StructureInput" else definitions[name]
    return {**meant, **{key: value for key, value in node.items() if key != "$ref"}}


def _tells(key: str, value: Any) -> bool:
    if key == "default":
        return value is not None
    if key == "maxLength":
        return bool(value < MAX_LENGTH)
    return key not in FORM_ONLY


def _without_null(node: dict[str, Any]) -> dict[str, Any]:
    """`X or null` is X: whoever wants the default leaves the field out."""
    choices = [each for each in node.get("anyOf", ()) if each != {"type": "null"}]
    if len(choices) == 1:
        rest = {key: value for key, value in node.items() if key != "anyOf"}
        return {**choices[0], **rest}
    return {**node, "anyOf": choices} if choices else node
