"""Exactly what ran: the request, what it was understood as, where, when, and what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from jobs import snippets
from jobs.finding import among
from jobs.models import Job, JobEvent, JobQuerySet
from jobs.states import Reason

from . import copying
from .listing import lean
from .readers import job_of, part_of
from .record import provenance_rows
from .zipped import written

MOST_RELATED = 20
MOST_EVENTS = 200
UNTOLD = ("progress", "log")
"""The course of the run, not its record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """:param how: what the job is to this one."""

    how: str
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What came before this job, and what came after or beside it."""

    before: list[Relation]
    after: list[Relation]


@require_safe
@login_required
def job_provenance(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job = job_of(request, job_id)
    return part_of(
        request,
        job,
        "provenance",
        request_json=written(snippets.submission_of(job)),
        spec_json=written(_spec(job)),
        structure_json=written(job.structure) if job.structure else "",
        record=provenance_rows(job.provenance),
        checksums=sorted(((job.provenance or {}).get("artifacts_sha256") or {}).items()),
        family=family(job, Job.objects.visible_to(request.user)),
        attempts=list(job.attempts.order_by("number")),
        happened=_happened(job),
        copies=copying.of_submission(request, job),
    )


def family(job: Job, visible: JobQuerySet) -> Family:
    """By four queries, each by an index."""
    found = lean(visible)
    older = found.filter(pk=job.restarted_from_id) if job.restarted_from_id else found.none()
    equal = found.filter(owner=job.owner, fingerprint=job.fingerprint).exclude(pk=job.pk)
    # In the order that the index of equal jobs has, or SQLite reads all that the owner has.
    equal = equal.order_by("-created_at", "-id") if job.fingerprint else found.none()
    younger = lean(among(visible, Q(restarted_from=job))).order_by("created_at", "id")
    before = [Relation(how="It was restarted from", job=each) for each in older]
    after = [Relation(how="Restarted from it", job=each) for each in younger[:MOST_RELATED]]
    for each in equal[:MOST_RELATED]:
        side = before if each.created_at < job.created_at else after
        side.append(Relation(how="The same input", job=each))
    return Family(before=before, after=after)


def _spec(job: Job) -> dict[str, Any]:
    """Every param with its value, and every limit, given or not."""
    return {"simulation": job.simulation, "params": job.params, "limits": job.budget.told()}


def _happened(job: Job) -> list[tuple[JobEvent, str]]:
    """Each with what was said, or why it waited then."""
    some = job.events.exclude(kind__in=UNTOLD).order_by("seq")[:MOST_EVENTS]
    return [(event, event.data.get("message") or _label(event.data)) for event in some]


def _label(data: dict[str, Any]) -> str:
    reason = data.get("reason")
    return str(Reason(reason).label) if reason in Reason.values else ""
