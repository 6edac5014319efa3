"""The OpenAPI document, completed: every refusal, the headers, an example of each operation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import etag, require_safe
from drf_spectacular.generators import SchemaGenerator
from rest_framework.utils.encoders import JSONEncoder

from jobs import references

from . import examples
from .described import (
    ALWAYS,
    ASKED,
    BELONGS_TO,
    HEADERS,
    LEFT_OUT,
    MAKERS,
    NAMED,
    OF_A_FILE,
    PART,
    PROBLEM,
    PROBLEM_ERROR,
    REFUSALS,
    TAGS,
    VERSIONED,
    WITH_A_CHANGE,
)  # fmt: skip
from .problems import CONTENT_TYPE

Operation = dict[str, Any]


class Once(SchemaGenerator):
    """Makes the document once for a process: it is made of the code alone, and takes a second."""

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:
        return _document()


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return document


@cache
def _written() -> tuple[bytes, str]:
    """The document and its entity tag."""
    text = json.dumps(_document(), ensure_ascii=False, cls=JSONEncoder).encode()
    return text, f'"{hashlib.sha256(text).hexdigest()}"'


@require_safe
@etag(lambda request: _written()[1])
def openapi(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_written()[0], content_type="application/json")


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI from our own files, within the site's Content-Security-Policy."""
    return render(request, "api_docs.html")


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: everything that the views need not say one by one."""
    schemas = result["components"]["schemas"]
    schemas |= {"Problem": PROBLEM, "ProblemError": PROBLEM_ERROR}
    schemas |= {"Part": PART, "LeftOut": LEFT_OUT}
    references.in_schema({"$defs": schemas})
    result["components"]["responses"] = {
        f"Problem{status}": _refusal(status) for status in REFUSALS
    }
    result["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    for path, method, operation in _operations(result):
        operation["tags"] = [_tag(path)]
        _add_refusals(operation, method)
        _add_asked(operation)
        _explain_parameters(operation)
        _add_told(operation)
        _allow_parts(operation)
        examples.add(operation)
    _tidy(result)
    return result


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _tag(path: str) -> str:
    if not path.startswith("/api/v1/"):
        return "seed"
    name = path.removeprefix("/api/v1/").partition("/")[0]
    return BELONGS_TO.get(name, name)


def _refusal(status: int) -> dict[str, Any]:
    code, description = REFUSALS[status]
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {"schema": schema, "example": examples.problem(status, code, description)}
    return {"description": description, "content": {CONTENT_TYPE: content}}


def _add_refusals(operation: Operation, method: str) -> None:
    statuses = set(ALWAYS)
    if method != "get":
        statuses |= WITH_A_CHANGE
    if any(each["in"] == "query" for each in operation.get("parameters", [])):
        statuses.add(422)
    if operation["operationId"] == "get_job_result":
        statuses.add(409)
    if any("json" not in kind for kind in _kinds(operation)):
        statuses |= OF_A_FILE
    for status in sorted(statuses):
        refusal = {"$ref": f"#/components/responses/Problem{status}"}
        operation["responses"].setdefault(str(status), refusal)


def _kinds(operation: Operation) -> Iterator[str]:
    """The media types that it may answer with when all is well."""
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            yield from response.get("content", {})


def _add_asked(operation: Operation) -> None:
    """The headers that may be sent, and the answers that come of them."""
    name = operation["operationId"]
    for header, (names, description) in ASKED.items():
        if name in names:
            parameter = {"in": "header", "name": header, "schema": {"type": "string"}}
            operation.setdefault("parameters", []).append(parameter | {"description": description})
    if name in ASKED["If-None-Match"][0]:
        operation["responses"].setdefault("304", {"description": "You have it."})
    if name in ASKED["Range"][0]:
        part = operation["responses"]["200"] | {"description": "The range that was asked for."}
        operation["responses"].setdefault("206", part)


def _explain_parameters(operation: Operation) -> None:
    for parameter in operation.get("parameters", []):
        if said := NAMED.get(parameter["name"]):
            parameter.setdefault("description", said)


def _add_told(operation: Operation) -> None:
    """The headers that come back."""
    name = operation["operationId"]
    if name in MAKERS:
        for status in {"200", "202"} & operation["responses"].keys():
            told = {"Location", "Retry-After"} if status == "202" else {"Location"}
            operation["responses"][status].setdefault("headers", {}).update(_headers(told))
    if name in VERSIONED:
        for status in {"200", "202"} & operation["responses"].keys():
            told = {"ETag"} if name.endswith("_key") else {"ETag", "Retry-After"}
            operation["responses"][status].setdefault("headers", {}).update(_headers(told))


def _headers(names: set[str]) -> dict[str, Any]:
    return {
        name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in sorted(names)
    }


def _allow_parts(operation: Operation) -> None:
    """What is told in part has not all that its schema requires."""
    if not any(each["name"] == "fields" for each in operation.get("parameters", [])):
        return
    for status, response in operation["responses"].items():
        for content in response.get("content", {}).values() if status.startswith("2") else ():
            part = {"$ref": "#/components/schemas/Part"}
            content["schema"] = {"anyOf": [content["schema"], part]}


def _tidy(value: Any) -> None:
    """`oneOf: [anything, null]` fits no null, which is both; `nullable` is of OpenAPI 3.0."""
    if isinstance(value, dict):
        if isinstance(value.get("oneOf"), list) and {} in value["oneOf"]:
            del value["oneOf"]
        if value.get("nullable") is True:
            del value["nullable"]
            value["type"] = [value["type"], "null"]
        for each in value.values():
            _tidy(each)
    elif isinstance(value, list):
        for each in value:
            _tidy(each)
