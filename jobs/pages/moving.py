"""The frames so far of a run that goes on: by the job's id, for whoever may see it.

Which file they are in the simulation says, and never the one who asks.
"""

from __future__ import annotations

import io
import math
from typing import BinaryIO
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.urls import reverse
from django.views.decorators.http import require_safe

import simulations
from jobs import artifacts
from jobs.models import Job
from jobs.states import JobState

from .frames import KINDS
from .readers import job_of
from .strips import catalogued

HEADERS = {
    "Cache-Control": "private, no-store",
    # As of a file that is downloaded: should a browser show it, it can do nothing.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


@require_safe
@login_required
def job_frames(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Those later than `after`, a time in ps or a step; 204 where there are none yet, or none any
    more: it may end while its page asks."""
    job = job_of(request, job_id)
    motion = _motion_of(job, catalogued(job.simulation))
    if motion is None:
        raise Http404
    if job.state != JobState.RUNNING:
        return HttpResponse(status=204, headers=HEADERS)
    frames = KINDS[motion.format]
    try:
        after = float(request.GET.get("after", "-inf"))
    except ValueError:
        after = math.nan
    if math.isnan(after):
        return HttpResponseBadRequest(f"after: {frames.expected}.")
    with _opened(job, motion) as stream:
        text = frames.newer(stream, after)
    if not text:
        return HttpResponse(status=204, headers=HEADERS)
    return HttpResponse(text, content_type=frames.media_type, headers=HEADERS)


def motion_of(job: Job, simulation: simulations.Simulation | None) -> simulations.Motion | None:
    """None once it has ended: its files are served then, each as it was recorded."""
    return _motion_of(job, simulation) if job.state == JobState.RUNNING else None


def _motion_of(job: Job, simulation: simulations.Simulation | None) -> simulations.Motion | None:
    motion = simulation.motion if simulation else None
    return motion if motion and motion.is_of(job.params) else None


def newest_frame(job: Job, motion: simulations.Motion) -> str:
    """Empty before there is any."""
    with _opened(job, motion) as stream:
        return KINDS[motion.format].newest(stream)


def address(job: Job) -> str:
    return reverse("jobs:frames", args=[job.pk])


def _opened(job: Job, motion: simulations.Motion) -> BinaryIO:
    """Empty before there is any, or where the run is on a machine whose files are not seen here."""
    workdir = job.workdir(job.attempt)
    if not artifacts.is_ours(workdir, motion.file):
        return io.BytesIO()
    try:
        return (workdir / motion.file).open("rb")
    except FileNotFoundError:
        return io.BytesIO()
