"""All results of a batch as one stream: a line an item, however many, and few in memory."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Literal

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from pydantic import BaseModel, Field
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.utils.encoders import JSONEncoder

import simulations
from jobs import batches
from jobs.batch_models import Batch, BatchItem
from simulations import FieldError

from .batch_serializers import errors_of
from .problems import InvalidQuery
from .query import read
from .shape import picked, tree_of

ALWAYS = ("index", "outcome", "job_id", "state")
USUAL = ("name", "simulation", "params", "summary", "failure_kind", "error", "errors")
"""What a line tells whose reader asks for no fields; of params only what was varied."""
AS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Row = dict[str, Any]


class JSONLines(JSONRenderer):
    """In a stream only its name counts; a refusal is one JSON document."""

    media_type = "application/jsonl"
    format = "jsonl"


class CSV(JSONRenderer):
    media_type = "text/csv"
    format = "csv"


RENDERERS = [JSONLines, CSV]


class ByFormat(DefaultContentNegotiation):
    def filter_renderers(self, renderers: Any, format: str) -> Any:
        found = [each for each in renderers if each.format == format]
        if not found:
            known = " or ".join(each.format for each in renderers)
            detail = f"format: there is no {format[:20]!r}; expected {known}."
            raise InvalidQuery([FieldError(path=("format",), code="unknown", detail=detail)])
        return found


class ResultsQuery(BaseModel, extra="forbid"):
    """Which of each line, and how it is written."""

    format: Literal["jsonl", "csv"] | None = Field(None, description="Or by `Accept`; else jsonl.")
    fields: list[str] = Field(
        [],
        max_length=100,
        description="Beside index, outcome, job_id and state, "
        "`name,params.structure,result.energy_hartree,error`.",
    )


class Streamed(StreamingHttpResponse):
    """Made line by line: Django would make the whole of it before it sends the first byte."""

    def __init__(self, lines: Iterator[str], **options: Any) -> None:
        self._lines = lines
        super().__init__(lines, **options)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        more = sync_to_async(lambda: "".join(_some(self._lines)))
        while text := await more():
            yield text.encode()


def _some(lines: Iterator[str]) -> Iterator[str]:
    """As many as are read from the database at once."""
    for _, line in zip(range(batches.ROWS_AT_ONCE), lines, strict=False):
        yield line


def answer(batch: Batch, request: Request) -> StreamingHttpResponse:
    query = read(ResultsQuery, request)
    accepted: Any = request.accepted_renderer
    write: Callable[[Batch, list[str]], Iterator[str]] = (
        _csv if accepted.format == "csv" else _jsonl
    )
    name = f"batch-{batch.short_id}.{accepted.format}"
    return Streamed(
        write(batch, query.fields),
        content_type=f"{accepted.media_type}; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _jsonl(batch: Batch, fields: list[str]) -> Iterator[str]:
    for item in batches.items_with_results(batch):
        yield json.dumps(_row(batch, item, fields), cls=JSONEncoder, ensure_ascii=False) + "\n"


def _row(batch: Batch, item: BatchItem, fields: list[str]) -> Row:
    whole = _whole(item)
    always = {name: whole[name] for name in ALWAYS}
    if fields:
        return always | picked(whole, tree_of(fields))
    varied = [name.removeprefix("params.") for name in batch.varied if name.startswith("params.")]
    params = picked(whole["params"], tree_of(varied)) if varied else {}
    usual = {name: whole[name] for name in USUAL}
    return always | usual | {"params": params}


def _whole(item: BatchItem) -> Row:
    job, refusal = item.job, item.refusal or {}
    given = refusal.get("submission", {})
    return {
        "index": item.index,
        "outcome": item.outcome,
        "job_id": item.job_id and str(item.job_id),
        "state": job.state if job else None,
        "name": job.name if job else given.get("name", ""),
        "simulation": job.simulation if job else given.get("simulation"),
        "params": job.params if job else given.get("params", {}),
        "priority": job.priority_word if job else given.get("priority"),
        "tags": job.tags if job else given.get("tags"),
        "limits": job.budget.told() if job else given.get("limits"),
        "structure": job.structure if job else None,
        "summary": job.summary if job else None,
        "result": job.result if job else None,
        "metrics": job.metrics if job else None,
        "failure_kind": job.failure_kind if job else None,
        "error": job.error if job else None,
        "errors": errors_of(item),
        "started_at": job.started_at if job else None,
        "finished_at": job.finished_at if job else None,
    }


def _csv(batch: Batch, fields: list[str]) -> Iterator[str]:
    # A name may be what varies, a field be asked for that is told anyway: once is enough.
    columns = [*dict.fromkeys([*ALWAYS, *(fields or _usual_columns(batch))])]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")

    def line(cells: list[Any]) -> str:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow(cells)
        return buffer.getvalue()

    yield line(columns)
    for item in batches.items_with_results(batch):
        whole = _whole(item)
        yield line([_cell(_at(whole, column)) for column in columns])


def _usual_columns(batch: Batch) -> list[str]:
    """What was varied, and of the summaries what their simulations say is the headline."""
    headline = [name for each in batch.simulations for name in _headline(each)]
    summary = [f"summary.{name}" for name in dict.fromkeys(headline)]
    return ["name", "simulation", *batch.varied, *summary, "failure_kind", "error.detail", "errors"]


def _headline(simulation: str) -> list[str]:
    try:
        fields = simulations.get(simulation).Result.model_fields
    except KeyError:  # no longer installed
        return []
    return [
        name
        for name, field in fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("headline")
    ]


def _at(whole: Row, path: str) -> Any:
    value: Any = whole
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _cell(value: Any) -> Any:
    """A number as it is; a text so that no spreadsheet takes it for a formula."""
    if value is None or value == []:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(AS_FORMULA) else value
    if isinstance(value, bool | dict | list):
        return json.dumps(value, cls=JSONEncoder, ensure_ascii=False)
    return value
