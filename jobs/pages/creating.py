"""The submit form: drawn, looked at before it is sent, sent, and kept as a preset."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

import simulations
from jobs import estimates, lifecycle, presets, references, sent_once
from jobs.artifacts import measure
from jobs.batch_models import Batch
from jobs.budget import Budget
from jobs.checking import check
from jobs.models import Job
from simulations import bounded

from . import copying, many, places
from .forms import JobForm, form_class
from .offered import offers, spec
from .starting import start

UNAVAILABLE = (
    simulations.UnknownSimulation,
    simulations.Busy,
    lifecycle.Closed,
    lifecycle.OverQuota,
    lifecycle.TooSlow,
    lifecycle.FileRemoved,
)
"""No field is to blame."""


@login_required
def job_choose(request: HttpRequest) -> HttpResponse:
    """The simulations; what stands in the address goes on to the form that is chosen."""
    found, source = menu(), _source(request)
    asked = f"?{request.GET.urlencode()}" if request.GET else ""
    if source is not None and source.simulation in {each.name for each in found}:
        return redirect(reverse("jobs:create", args=[source.simulation]) + asked)
    if len(found) == 1:
        return redirect(reverse("jobs:create", args=[found[0].name]) + asked)
    told = {
        "simulations": found,
        "asked": asked,
        "snippets": copying.of_simulations(request),
    }
    return render(request, "jobs/choose.html", told)


@login_required
def job_create(request: HttpRequest, name: str) -> HttpResponse:
    simulation = _simulation(name)
    form = _form(request, simulation)
    if request.method == "POST" and form.is_valid():
        made = _sent(request, simulation, form)
        if made is not None:
            return redirect(made)
    return _page(request, simulation, form)


def _has_table(form: JobForm) -> bool:
    return form.takes_table and form.cleaned_data["job_table"] is not None


@login_required
def preset_save(request: HttpRequest, name: str) -> HttpResponse:
    """Keep the settings under a name; the form stays as it was filled in."""
    simulation = _simulation(name)
    if request.method != "POST":
        return redirect("jobs:create", simulation.name)
    form = _form(request, simulation)
    if form.is_valid():
        try:
            form.params(owner=request.user)  # files that were chosen stay for the page
            kept = presets.save(
                request.user, simulation, form.cleaned_data["preset_name"], form.settings()
            )
            messages.success(request, f"Kept as your preset {kept}.")
        except simulations.InvalidParams as exc:
            form.explain(exc.errors)
        except (presets.Nameless, presets.TooMany) as exc:
            messages.error(request, str(exc))
    return _page(request, simulation, form)


@login_required
@require_POST
def preset_remove(request: HttpRequest, name: str, preset_id: UUID) -> HttpResponse:
    simulation = _simulation(name)
    mine = presets.of(request.user, simulation)
    preset = get_object_or_404(mine, pk=preset_id)
    presets.remove(preset)
    messages.success(request, f"Your preset {preset} is removed.")
    return redirect("jobs:create", simulation.name)


@login_required
@require_POST
def job_preview(request: HttpRequest, name: str) -> JsonResponse:
    """The structure in the field `of`: its formula, and the atoms where the run will put them."""
    simulation = _simulation(name)
    form = form_class(simulation.Params)(request.POST)
    of = request.POST.get("of", "")
    if of not in form.asked or form.asked[of].kind != "structure":
        raise Http404(f"There is no structure {of!r} here.")
    form.is_valid()  # what is wrong elsewhere is not asked about here
    try:
        given = references.unfold(form.params(), owner=request.user, model=simulation.Params)
        shown = bounded.preview(simulation, of, given.params)
    except simulations.InvalidParams as exc:
        return JsonResponse({"detail": str(exc)}, status=422)
    except simulations.Busy as exc:
        return JsonResponse({"detail": str(exc)}, status=503)
    return JsonResponse(asdict(shown))


def menu() -> list[simulations.Simulation]:
    """The simulations to choose from, demonstrations last."""
    found = simulations.all_simulations()
    return sorted(found, key=lambda each: each.name.startswith("demo."))


def _page(request: HttpRequest, simulation: simulations.Simulation, form: JobForm) -> HttpResponse:
    asking = type(form)
    source = _source(request)
    started = start(simulation, asking, request.GET.dict(), owner=request.user, source=source)
    offered = offers(simulation, asking, started, owner=request.user)
    found = {
        "simulation": simulation,
        "simulations": menu(),
        "form": form,
        "start": started,
        "offers": offered,
        "spec": spec(simulation, form, started, offered),
        "where": places.offer(form),
        "site_limits": Budget().settled(),
        "snippets": copying.as_shown(request, simulation.name, form),
        "asked": f"?{request.GET.urlencode()}" if request.GET else "",
    }
    return render(request, "jobs/create.html", found, status=422 if form.errors else 200)


def _form(request: HttpRequest, simulation: simulations.Simulation) -> JobForm:
    asking = form_class(simulation.Params)
    started = start(
        simulation, asking, request.GET.dict(), owner=request.user, source=_source(request)
    )
    is_sent = request.method == "POST"
    return asking(
        request.POST if is_sent else None,
        request.FILES if is_sent else None,
        initial=started.values,
        base=started.base,
    )


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


def _sent(
    request: HttpRequest, simulation: simulations.Simulation, form: JobForm
) -> Job | Batch | None:
    """What came of it, now or when the very same form was sent before."""
    word = sent_once.word_of(form.cleaned_data["job_once"], _answers(request))
    if before := sent_once.made_by(request.user, word):
        return before
    make = _make_many if _has_table(form) else _make_one
    try:
        return make(request, _wanted(request, simulation, form), form, word)
    except simulations.InvalidParams as exc:
        form.explain(exc.errors)
    except UNAVAILABLE as exc:
        form.explain([simulations.FieldError(path=(), code="unavailable", detail=str(exc))])
    except IntegrityError:
        # The same form, sent twice at once: the other one made it.
        if (made := sent_once.made_by(request.user, word)) is None:
            raise
        return made
    return None


def _make_one(request: HttpRequest, wanted: dict[str, Any], form: JobForm, word: str) -> Job | None:
    if not _is_agreed(wanted, form):
        return None
    job = lifecycle.submit(**wanted, also=partial(sent_once.keep, request.user, word))
    if job.reused_because:
        messages.info(request, f"{job.reused_because} This is it; Run again computes it anew.")
    return job


def _make_many(
    request: HttpRequest, wanted: dict[str, Any], form: JobForm, word: str
) -> Batch | None:
    """A job for each molecule of the table."""
    try:
        table = many.read(form.cleaned_data["job_table"], form.asked)
    except many.NoTable as exc:
        form.refuse_table([str(exc)])
        return None
    try:
        batch = many.send(
            table,
            wanted,
            skip_invalid=form.cleaned_data["job_skip"],
            also=partial(sent_once.keep, request.user, word),
        )
    except lifecycle.InvalidBatch as exc:
        form.refuse_table(many.refused(table, exc))
        return None
    if table.unused:
        messages.info(request, f"Columns that are no setting here: {', '.join(table.unused)}.")
    return batch


def _wanted(
    request: HttpRequest, simulation: simulations.Simulation, form: JobForm
) -> dict[str, Any]:
    """What the lifecycle takes; checking it takes the same."""
    return {
        "owner": request.user,
        "simulation": simulation.name,
        "params": form.params(owner=request.user),
        "name": form.cleaned_data["job_name"],
        "tags": form.tags(),
        "place": form.place(),
        "limits": form.budget(),
        "reuse": not form.cleaned_data["job_anew"],
    }


def _is_agreed(wanted: dict[str, Any], form: JobForm) -> bool:
    """What takes much is asked about once."""
    if form.cleaned_data["job_confirmed"] or simulations.get(wanted["simulation"]).cost is None:
        return True
    verdict = check(**wanted)
    core_hours = 0 if verdict.same else estimates.core_hours(verdict.job.estimate)
    if core_hours <= settings.CONFIRM_CORE_HOURS:
        return True
    form.ask_about_cost(core_hours)
    return False


def _answers(request: HttpRequest) -> dict[str, Any]:
    """What was filled in, and what is in the files: a mended one is called as before."""
    given = {name: values for name, values in request.POST.lists() if name != "csrfmiddlewaretoken"}
    return given | {name: _digest(each) for name, each in request.FILES.items()}


def _digest(upload: Any) -> str:
    _, sha256 = measure(upload.file)
    upload.seek(0)
    return sha256
