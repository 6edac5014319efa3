"""The pages: each asks the lifecycle for one thing, and draws the answer."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

import simulations
from jobs import downloads, lifecycle
from jobs.budget import Budget
from jobs.models import Artifact, Job

from . import copying
from .forms import JobForm, form_class, initial_from
from .job_page import job_page
from .limits import LimitsForm
from .listing import listing

UNAVAILABLE = (
    simulations.UnknownSimulation,
    simulations.Busy,
    lifecycle.Closed,
    lifecycle.OverQuota,
)
"""No field is to blame."""
CANNOT_RUN = (simulations.InvalidParams, *UNAVAILABLE)


@login_required
def job_list(request: HttpRequest) -> HttpResponse:
    mine = Job.objects.visible_to(request.user)
    found = listing(mine, request.GET, sees_all=request.user.is_superuser)
    return render(request, "jobs/list.html", {"listing": found, "selectable": True})


@login_required
def job_choose(request: HttpRequest) -> HttpResponse:
    found = _menu()
    if len(found) == 1:
        return redirect("jobs:create", found[0].name)
    return render(request, "jobs/choose.html", {"simulations": found})


@login_required
def job_create(request: HttpRequest, name: str) -> HttpResponse:
    simulation = _simulation(name)
    source = _source(request)
    asking = form_class(simulation.Params)
    # What stands in the address is shown, and sent by nobody but the reader.
    told = {each: text for each in asking.asked if (text := request.GET.get(each))}
    form = asking(request.POST or None, request.FILES or None, initial=initial_from(source) | told)
    if request.method == "POST" and form.is_valid():
        job = _submit(request, name, form)
        if job is not None:
            return redirect(job)
    return render(
        request,
        "jobs/create.html",
        {
            "simulation": simulation,
            "simulations": _menu(),
            "form": form,
            "source": source,
            "site_limits": Budget().settled(),
            "snippets": copying.as_shown(request, simulation.name, form),
        },
        status=422 if form.errors else 200,
    )


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
        return render(request, "410.html", {"why": exc, "job": artifact.job}, status=410)


def _job(request: HttpRequest, job_id: UUID) -> Job:
    """The job, if this user may see it; to everyone else there is none."""
    jobs = Job.objects.visible_to(request.user).select_related("owner")
    return get_object_or_404(jobs, pk=job_id)


def _menu() -> list[simulations.Simulation]:
    """The simulations to choose from, demonstrations last."""
    found = simulations.all_simulations()
    return sorted(found, key=lambda each: each.name.startswith("demo."))


def _simulation(name: str) -> simulations.Simulation:
    try:
        return simulations.get(name)
    except KeyError:
        raise Http404(f"There is no simulation {name!r} here.") from None


def _source(request: HttpRequest) -> Job | None:
    """The job that the form starts from, `?from=<id>`."""
    try:
        job_id = UUID(request.GET.get("from", ""))
    except ValueError:
        return None
    return Job.objects.visible_to(request.user).filter(pk=job_id).first()


def _submit(request: HttpRequest, name: str, form: JobForm) -> Job | None:
    try:
        job = lifecycle.submit(
            owner=request.user,
            simulation=name,
            params=form.params(owner=request.user),
            name=form.cleaned_data["job_name"],
            tags=form.tags(),
            limits=form.budget(),
            reuse=True,
        )
        if job.reused_because:
            text = f"{job.reused_because} This is it; Run again computes it anew."
            messages.info(request, text)
        return job
    except simulations.InvalidParams as exc:
        form.explain(exc.errors)
    except UNAVAILABLE as exc:
        form.explain([simulations.FieldError(path=(), code="unavailable", detail=str(exc))])
    return None
