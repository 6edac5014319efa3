"""The pages: each asks the lifecycle for one thing, and draws the answer."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

import simulations
from jobs import downloads, lifecycle
from jobs.models import Artifact, Job

from . import copying
from .creating import UNAVAILABLE
from .job_page import job_page
from .limits import LimitsForm
from .listing import listing
from .readers import job_of as _job

CANNOT_RUN = (simulations.InvalidParams, *UNAVAILABLE)


@login_required
def job_list(request: HttpRequest) -> HttpResponse:
    mine = Job.objects.visible_to(request.user)
    found = listing(mine, request.GET, sees_all=request.user.is_superuser)
    told = {"snippets": copying.of_list(request, found.asked.wanted), "selectable": True}
    return render(request, "jobs/list.html", {"listing": found, **told})


@login_required
def job_detail(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job = _job(request, job_id)
    page = {**job_page(job), "copies": copying.of_job(request, job)}
    return render(request, "jobs/detail.html", page)


@login_required
@require_POST
def job_cancel(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job = _job(request, job_id)
    try:
        lifecycle.request_cancel(job, by=request.user)
    except lifecycle.IllegalTransition:
        messages.warning(request, "It had already ended, so there was nothing left to cancel.")
    return redirect(job)


@login_required
@require_POST
def job_approve(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job = _job(request, job_id)
    try:
        lifecycle.approve(job, by=request.user)
    except lifecycle.IllegalTransition:
        messages.warning(request, "It no longer waits for approval.")
    return redirect(job)


@login_required
@require_POST
def job_reject(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job = _job(request, job_id)
    try:
        lifecycle.reject(job, by=request.user, why=request.POST.get("why", "")[:500])
    except lifecycle.IllegalTransition:
        messages.warning(request, "It no longer waits for approval.")
    return redirect(job)


@login_required
@require_POST
def job_again(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job = _job(request, job_id)
    try:
        job = lifecycle.run_again(job, owner=request.user)
    except CANNOT_RUN as exc:
        messages.error(request, f"It cannot run again as it is: {exc}")
    else:
        messages.success(request, "This is a new job with the same input.")
    return redirect(job)


@login_required
@require_POST
def job_restart(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job = _job(request, job_id)
    form = LimitsForm(request.POST)
    if not form.is_valid():
        for name, errors in form.errors.items():
            messages.error(request, f"{form[name].label}: {' '.join(map(str, errors))}")
        return redirect(job)
    try:
        job = lifecycle.restart(job, owner=request.user, limits=form.budget())
    except (lifecycle.CannotRestart, *CANNOT_RUN) as exc:
        messages.error(request, f"It cannot be restarted: {exc}")
    else:
        messages.success(request, "This is a new job that goes on from where that one stopped.")
    return redirect(job)


@login_required
def job_file(request: HttpRequest, job_id: UUID, artifact_id: UUID) -> HttpResponseBase:
    artifacts = Artifact.objects.select_related("job").filter(job=_job(request, job_id))
    artifact = get_object_or_404(artifacts, pk=artifact_id)
    try:
        return downloads.answer(artifact, request)
    except downloads.Unservable as exc:
        told = {"why": exc, "job": artifact.job, "status": exc.status}
        return render(request, "410.html", told, status=exc.status)
