"""Every operation of the REST door, from the OpenAPI document itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from .rendering import HERE

TITLE = "REST: every operation"
HEAD = f"""\
# {TITLE}

The document with all schemas, headers, answers and examples is `{HERE}/openapi.json` (OpenAPI 3.1);
`{HERE}/api/docs` lets you try it. All bodies are JSON, all times RFC 3339 in UTC, all refusals
[problems](errors.md). A field that there is not is refused, and so is an unknown filter of jobs.
"""


@cache
def page() -> str:
    """In Markdown: a table for each tag, in the order of the document."""
    document: Any = SchemaGenerator().get_schema(request=None, public=True)
    parts = [HEAD]
    for tag in document["tags"]:
        rows = list(_rows(document, tag["name"]))
        parts += [f"## {tag['name'].capitalize()}", tag["description"], "\n".join([*TABLE, *rows])]
    return "\n\n".join(part.strip() for part in parts) + "\n"


TABLE = ["| operation | what | query |", "| --- | --- | --- |"]


def _rows(document: Any, tag: str) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if operation["tags"] == [tag]:
                yield _row(f"{method.upper()} {path}", operation)


def _row(door: str, operation: dict[str, Any]) -> str:
    name = operation["operationId"].replace("_", " ").capitalize()
    what = " ".join((operation.get("description") or f"{name}.").split())
    asked = [each for each in operation.get("parameters", []) if each["in"] == "query"]
    query = ", ".join(f"`{each['name']}`" for each in asked)
    return f"| `{door}` | {what} | {query} |"
