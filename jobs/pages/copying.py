"""What a page offers to copy: the same request for a terminal, for Python and for an agent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

import simulations
from jobs import snippets
from jobs.batch_models import Batch
from jobs.finding import Wanted
from jobs.models import Job
from jobs.snippets import Site, Snippet

from .fields import FILE_SUFFIX
from .forms import JobForm, form_class
from .questions import as_text

UPLOADED = "ID-OF-THE-UPLOAD"


def site_of(request: HttpRequest) -> Site:
    """As this reader calls it."""
    url = request.build_absolute_uri("/").rstrip("/")
    return Site(url=url, asks_for_key=not settings.LOCAL_MODE)


def of_job(request: HttpRequest, job: Job) -> dict[str, list[Snippet]]:
    site = site_of(request)
    return {
        "reading": snippets.of_job(job, site),
        "submitting": of_submission(request, job),
    }


def of_files(request: HttpRequest, job: Job) -> list[Snippet]:
    return snippets.of_files(job, site_of(request))


def of_log(request: HttpRequest, job: Job) -> list[Snippet]:
    return snippets.of_log(job, site_of(request))


def of_submission(request: HttpRequest, job: Job) -> list[Snippet]:
    return snippets.of_submission(snippets.submission_of(job), site_of(request))


def of_results(request: HttpRequest, jobs: Sequence[Job]) -> list[Snippet]:
    return snippets.of_results(jobs, site_of(request))


def of_batch(request: HttpRequest, batch: Batch) -> list[Snippet]:
    return snippets.of_batch(batch, site_of(request))


def of_list(request: HttpRequest, wanted: Wanted) -> list[Snippet]:
    return snippets.of_list(wanted, site_of(request))


def of_batches(request: HttpRequest) -> list[Snippet]:
    return snippets.of_batches(site_of(request))


def of_simulations(request: HttpRequest) -> list[Snippet]:
    return snippets.of_simulations(site_of(request))


def of_inbox(request: HttpRequest) -> list[Snippet]:
    return snippets.of_inbox(site_of(request))


def of_keys(request: HttpRequest) -> list[Snippet]:
    return snippets.of_keys(site_of(request))


def of_webhooks(request: HttpRequest) -> list[Snippet]:
    return snippets.of_webhooks(site_of(request))


def of_form(request: HttpRequest, simulation: str, form: JobForm) -> list[Snippet]:
    """As it is filled in, right or wrong: it is checked where it is sent."""
    values = form.cleaned_data
    body = snippets.draft(
        simulation,
        form.params() | _chosen_files(request, form),
        form.budget(),
        name=values["job_name"],
        tags=form.tags(),
        **form.place().said(),
    )
    return snippets.of_submission(body, site_of(request))


@login_required
@require_POST
def form_snippets(request: HttpRequest, name: str) -> HttpResponse:
    """The snippets of a form as it is filled in now. Files are only named, not sent."""
    try:
        simulation = simulations.get(name)
    except KeyError:
        raise Http404(f"There is no simulation {name!r} here.") from None
    form = form_class(simulation.Params)(request.POST)
    found: list[Snippet] = []
    if form.is_valid():
        found = of_form(request, simulation.name, form)
    return render(request, "jobs/_snippets.html", {"snippets": found, "prefix": "form"})


def as_shown(request: HttpRequest, simulation: str, form: JobForm) -> list[Snippet]:
    """The snippets of a form as the page shows it."""
    shown = {name: form[name].value() for name in form.fields}
    shown |= {name: as_text(question, shown[name]) for name, question in form.asked.items()}
    data = {name: value for name, value in shown.items() if value not in (None, False)}
    bound = form_class(form.Params)(data)
    return of_form(request, simulation, bound) if bound.is_valid() else []


def _chosen_files(request: HttpRequest, form: JobForm) -> dict[str, Any]:
    """A file that was chosen has to be uploaded before it can be named."""
    return {name: {"file": UPLOADED} for name in form.asked if request.POST.get(name + FILE_SUFFIX)}
