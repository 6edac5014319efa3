"""`/compare/`: up to eight of one's jobs, named in the address."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jobs import log_epoch
from jobs.models import Job, JobQuerySet
from jobs.profile_models import profile_of

from . import copying
from .comparison import MOST, UNITS, comparison
from .overlay import overlay
from .populations import populations, temperature

SHORTEST_ID = 6


@require_safe
@login_required
def compare(request: HttpRequest) -> HttpResponse:
    wanted = [text for text in request.GET.get("ids", "").replace(" ", "").split(",") if text]
    wanted = list(dict.fromkeys(wanted))
    found = [_found(Job.objects.visible_to(request.user), text) for text in wanted[:MOST]]
    jobs = list({job.pk: job for job in found if job}.values())
    told: dict[str, Any] = {
        "ids": ",".join(str(job.pk) for job in jobs),
        "jobs": jobs,
        "unknown": [text for text, job in zip(wanted, found, strict=False) if job is None],
        "n_left_out": max(len(wanted) - MOST, 0),
        "most": MOST,
    }
    if jobs:
        told |= _compared(request, jobs)
    return render(request, "jobs/compare.html", told)


def _compared(request: HttpRequest, jobs: list[Job]) -> dict[str, Any]:
    reference = next((job for job in jobs if str(job.pk) == request.GET.get("ref")), jobs[0])
    asked = request.GET.get("unit", "")
    unit = asked if asked in UNITS else profile_of(request.user).energy_unit
    compared, laid_over = comparison(jobs, reference, unit), overlay(jobs, reference)
    return {
        "compared": compared,
        "result_figures": [
            replace(each, number=place)
            for place, each in enumerate(compared.figures, start=2 if laid_over else 1)
        ],
        "reference": reference,
        "unit": unit,
        "units": UNITS,
        "shows_all": request.GET.get("all") == "1",
        "populations": populations(jobs, temperature(request.GET.get("t", "")), unit),
        "structure": laid_over,
        "is_moving": any(not job.is_final for job in jobs),
        "moving": [_followed(job) for job in jobs if not job.is_final],
        "copies": copying.of_results(request, jobs),
    }


def _followed(job: Job) -> dict[str, Any]:
    """What a script needs to hear of it."""
    return {
        "ws": f"/ws/v1/jobs/{job.pk}/",
        "poll": f"/api/v1/jobs/{job.pk}/events",
        "seq": job.last_seq,
        "epoch": log_epoch.current(),
    }


def _found(visible: JobQuerySet, text: str) -> Job | None:
    """By its id, or by the beginning of one where only one job begins so."""
    digits = text.replace("-", "").lower()
    is_id = digits and set(digits) <= set("0123456789abcdef")
    if not is_id or not SHORTEST_ID <= len(digits) <= 32:
        return None
    first, last = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
    some = list(visible.filter(pk__range=(first, last)).select_related("owner")[:2])
    return some[0] if len(some) == 1 else None
