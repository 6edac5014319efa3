"""A job on the wire, in the shape that its reader asked for."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any
from uuid import UUID

from django.http import Http404
from rest_framework.request import Request
from rest_framework.reverse import reverse

from jobs import heritage, rows
from jobs.models import Job, JobQuerySet
from jobs.outlook import Outlook
from simulations import FieldError

from .keyring import may_look
from .once_made import told_by
from .problems import InvalidQuery
from .query import Part, Shape, read
from .serializers import JobSerializer, JobSummarySerializer
from .shape import fitted, picked, tree_of

BULK = frozenset({"params", "structure", "notes", "estimate", "result", "methods", "provenance"})
"""Columns that may be large; of `result` the `notes` are made as well, of the others nothing."""
RECEIPT = (
    "id", "simulation", "state", "reason", "reason_text", "approval", "cancelling", "created_at",
    "links",
)  # fmt: skip
"""Enough to pass a job on, and nothing of what went into it or came of it."""


def visible_job(request: Request, job_id: UUID) -> Job:
    """:raises Http404: it is nobody's, or somebody else's."""
    try:
        return rows.of_job_seen_by(request.user, job_id)
    except Job.DoesNotExist:
        raise Http404 from None


def wanted(request: Request) -> Shape:
    """:raises InvalidQuery: something after the question mark is wrong or unknown."""
    shape = read(Shape, request)
    refuse_unknown_fields(shape)
    return shape


def of(
    job: Job, shape: Shape, request: Request, outlook: Outlook | None = None, **beside: Any
) -> dict[str, Any]:
    (told,) = of_many([job], receipt(shape, request), request, outlook)
    return fitting(told | beside, job, shape, request)


def receipt(shape: Shape, request: Request) -> Shape:
    """The shape, or of it what a key is told that may act and not look.

    It is the same whether the job is its own or was there before, whoever sent that.
    """
    if may_look(request):
        return shape
    asked = tree_of(shape.fields) or dict.fromkeys(RECEIPT)
    return Shape(fields=[name for name in RECEIPT if name in asked] or ["id"])


def of_many(
    jobs: Sequence[Job], shape: Shape, request: Request, outlook: Outlook | None = None
) -> list[dict[str, Any]]:
    """Each as it is wanted, whatever its size.

    :param outlook: what is known already of why they wait.
    """
    context = {"request": request, "outlook": outlook or Outlook(jobs)}
    tree = {**tree_of(shape.fields), "id": {}} if shape.fields else {}
    known = JobSummarySerializer.Meta.fields
    is_summary = tree.keys() <= set(known) if tree else shape.view == "summary"
    kind = JobSummarySerializer if is_summary else JobSerializer
    if not is_summary:
        heritage.know_origins(jobs)
    if not tree:
        return told_by(kind, jobs, context)
    told = kind(jobs, many=True, context=context)
    fields = told.child.fields  # type: ignore[attr-defined]
    for name in fields.keys() - tree.keys():
        fields.pop(name)
    return [picked(dict(each), tree) for each in told.data]


def fitting(told: dict[str, Any], job: Job, shape: Shape, request: Request) -> dict[str, Any]:
    if shape.max_bytes is None:
        return told
    return fitted(told, shape.max_bytes, reverse("api:job", [job.pk], request=request))


def lean(jobs: JobQuerySet, shape: Shape) -> JobQuerySet:
    """With all that is told read at once, and no large column that is not."""
    wanted = set(tree_of(shape.fields))
    if shape.view == "full" and not wanted:
        wanted = {*BULK, "artifacts", "attempts"}
    if "notes" in wanted:
        wanted.add("result")  # it has those of the run
    relations = sorted(wanted & {"artifacts", "attempts"})
    found = jobs.defer(*sorted(BULK - wanted)).select_related("key")
    return found.prefetch_related(*relations)


def refuse_unknown_fields(shape: Shape) -> None:
    """:raises InvalidQuery: a job has no such field."""
    refuse_unknown(shape, JobSerializer.Meta.fields, "A job")


def refuse_unknown(part: Part, known: Sequence[str], what: str) -> None:
    """:raises InvalidQuery: `fields` names something that is not known."""
    for name in tree_of(part.fields):
        if name not in known:
            close = get_close_matches(name, known, n=1)
            mend = f"Did you mean {close[0]}?" if close else f"It has {', '.join(known)}."
            detail = f"{what} has no field {name[:60]}. {mend}"
            error = FieldError(path=("fields",), code="unknown_field", detail=detail)
            raise InvalidQuery([error])
