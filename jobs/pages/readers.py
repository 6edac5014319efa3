"""The job that a page is about, for whoever reads it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from jobs.models import Job, JobQuerySet

from .strips import catalogued


def own_jobs(request: HttpRequest) -> JobQuerySet:
    """The reader's own, also where they may see everybody's."""
    user: Any = request.user
    return Job.objects.filter(owner=user)


def job_of(request: HttpRequest, job_id: UUID) -> Job:
    """The job, if this user may see it; to everyone else there is none."""
    jobs = Job.objects.visible_to(request.user).select_related("owner")
    return get_object_or_404(jobs, pk=job_id)


def part_of(request: HttpRequest, job: Job, at: str, **told: Any) -> HttpResponse:
    """One of the pages beside a job's own, with its head and its tabs.

    :param at: which of them, `files`.
    """
    shown = {"job": job, "at": at, "simulation": catalogued(job.simulation), **told}
    return render(request, f"jobs/part_{at}.html", shown)
