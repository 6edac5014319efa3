"""The frames so far of a run that goes on: by the job's id, for whoever may see it.

Which file they are in the simulation says, and never the one who asks. The run puts each version of
it in place whole, so what is read here holds no half of a frame.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.urls import reverse
from django.views.decorators.http import require_safe

import simulations
from jobs import artifacts
from jobs.models import Job
from jobs.states import JobState

from .readers import job_of
from .strips import catalogued

FRAME = re.compile(r"^(?=REMARK time_ps )", re.MULTILINE)
TIME = re.compile(r"REMARK time_ps (\S+)")
MEDIA_TYPE = "chemical/x-pdb"
HEADERS = {
    "Cache-Control": "private, no-store",
    # As of a file that is downloaded: should a browser show it, it can do nothing.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


@require_safe
@login_required
def job_frames(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Those later than `after`, in ps; 204 where there are none yet."""
    job = job_of(request, job_id)
    motion = motion_of(job, catalogued(job.simulation))
    if motion is None:
        raise Http404
    try:
        after = float(request.GET.get("after", "-inf"))
    except ValueError:
        after = math.nan
    if math.isnan(after):
        return HttpResponseBadRequest("after: a time in ps was expected, such as 1.5.")
    text = newer(_text(job.workdir(job.attempt), motion.file), after)
    if not text:
        return HttpResponse(status=204, headers=HEADERS)
    return HttpResponse(text, content_type=MEDIA_TYPE, headers=HEADERS)


def motion_of(job: Job, simulation: simulations.Simulation | None) -> simulations.Motion | None:
    """None once it has ended: its files are served then, each as it was recorded."""
    is_moving = job.state == JobState.RUNNING
    return simulation.motion if simulation and is_moving else None


def address(job: Job) -> str:
    return reverse("jobs:frames", args=[job.pk])


def newer(text: str, after_ps: float) -> str:
    """The frames later than that, the bonds behind the last one with it."""
    frames = FRAME.split(text)
    return "".join(frame for frame in frames if _time_ps(frame) > after_ps)


def _time_ps(frame: str) -> float:
    found = TIME.match(frame)
    return float(found.group(1)) if found else -math.inf


def _text(workdir: Path, name: str) -> str:
    """Empty before there is any, or where the run is on a machine whose files are not seen here."""
    if not artifacts.is_ours(workdir, name):
        return ""
    try:
        return (workdir / name).read_text()
    except FileNotFoundError:
        return ""
