"""What is done to many jobs of the list at once, each told by its name how it went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

import simulations
from jobs import budget, lifecycle
from jobs.models import Job

from .listing import PAGE_SIZE, counts, lean, rows

MOST_NAMED = 10
CANNOT_RUN = (
    simulations.InvalidParams,
    simulations.UnknownSimulation,
    simulations.Busy,
    lifecycle.Closed,
    lifecycle.OverQuota,
    lifecycle.BudgetSpent,
    lifecycle.FileRemoved,
    lifecycle.NotAllowed,
    lifecycle.TooSlow,
)


class NotDone(Exception):
    """Why it was not done to one of the jobs."""


@require_safe
@login_required
def job_rows(request: HttpRequest) -> HttpResponse:
    """The rows of these jobs as they are now, for the script that keeps the list up to date; where
    jobs can be selected, also how many of all run and wait."""
    chosen = _chosen(request, request.GET.get("ids", "").split(","))
    jobs = list(lean(chosen, with_owner=request.user.is_superuser))
    shown: dict[str, Any] = {"rows": rows(jobs)}
    if request.GET.get("select") == "1":
        shown |= {"selectable": True, "counts": counts(Job.objects.visible_to(request.user))}
    return render(request, "jobs/list_rows.html", shown)


@login_required
@require_POST
def job_bulk(request: HttpRequest) -> HttpResponse:
    asked = request.POST.getlist("jobs")
    if request.POST.get("act") == "compare" and asked:
        return redirect(f"{reverse('compare')}?ids={quote(','.join(asked[:PAGE_SIZE]), safe=',')}")
    act = ACTS.get(request.POST.get("act", ""))
    back = redirect(_back(request))
    if act is None:
        messages.error(request, "Nothing was done: expected one of the buttons below the list.")
        return back
    jobs = list(_chosen(request, asked).order_by("-created_at", "id"))
    if missing := len(dict.fromkeys(asked[:PAGE_SIZE])) - len(jobs):
        messages.warning(request, f"{_count(missing)} left alone: you have no such job.")
    if len(asked) > PAGE_SIZE:
        messages.warning(request, f"At most {PAGE_SIZE} at once; the others were left alone.")
    if not asked:
        messages.warning(request, "No job was marked, so nothing was done.")
    _do(request, act, jobs)
    return back


def _do(request: HttpRequest, act: Callable[[HttpRequest, Job], str], jobs: list[Job]) -> None:
    """To each by itself: one that cannot be done keeps none of the others back."""
    done: dict[str, list[Job]] = defaultdict(list)
    refused: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        try:
            done[act(request, job)].append(job)
        except NotDone as exc:
            refused[str(exc)].append(job)
    for words, some in done.items():
        messages.success(request, f"{words}: {_named(some)}.")
    for words, some in refused.items():
        messages.warning(request, f"{_named(some)}: {words}")


def _cancel(request: HttpRequest, job: Job) -> str:
    if job.is_cancelling:
        raise NotDone("It was asked to stop already.")
    try:
        lifecycle.request_cancel(job, by=request.user)
    except lifecycle.IllegalTransition:
        raise NotDone("It had already ended, so there was nothing left to cancel.") from None
    return "Asked to stop" if not job.is_final else "Cancelled"


def _again(request: HttpRequest, job: Job) -> str:
    try:
        lifecycle.run_again(job, owner=request.user)
    except CANNOT_RUN as exc:
        raise NotDone(f"It cannot run again as it is: {exc}") from None
    return "Submitted again"


def _restart(request: HttpRequest, job: Job) -> str:
    """Within the limits that may do, where one was reached."""
    roomier = budget.mended(job.budget, job.error)
    try:
        lifecycle.restart(job, owner=request.user, limits=roomier)
    except (lifecycle.CannotRestart, *CANNOT_RUN) as exc:
        raise NotDone(f"It cannot be restarted: {exc}") from None
    return "Going on from where it stopped, as a new job"


def _approve(request: HttpRequest, job: Job) -> str:
    return _answer(lifecycle.approve, request, job, "Approved")


def _reject(request: HttpRequest, job: Job) -> str:
    return _answer(lifecycle.reject, request, job, "Rejected")


def _answer(verb: Callable[..., None], request: HttpRequest, job: Job, words: str) -> str:
    try:
        verb(job, by=request.user)
    except lifecycle.IllegalTransition:
        raise NotDone("It does not wait for approval.") from None
    return words


def _tag(request: HttpRequest, job: Job) -> str:
    tag = request.POST.get("tag", "").replace("\0", "").strip()
    try:
        is_new = lifecycle.add_tag(job, tag, by=str(request.user))
    except lifecycle.CannotTag as exc:
        raise NotDone(str(exc)) from None
    return f"Tagged “{tag}”" if is_new else f"Had the tag “{tag}” already"


ACTS: dict[str, Callable[[HttpRequest, Job], str]] = {
    "cancel": _cancel,
    "again": _again,
    "restart": _restart,
    "approve": _approve,
    "reject": _reject,
    "tag": _tag,
}


def _chosen(request: HttpRequest, asked: list[str]) -> Any:
    """Those of them that the reader may see."""
    ids = [job_id for text in asked[:PAGE_SIZE] if (job_id := _uuid(text))]
    return Job.objects.visible_to(request.user).filter(pk__in=ids)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _back(request: HttpRequest) -> str:
    """The list as it was, its filters and its page."""
    there = request.POST.get("next", "")
    here = reverse("jobs:list")
    is_ours = there.startswith(here) and url_has_allowed_host_and_scheme(there, allowed_hosts=None)
    return there if is_ours else here


def _count(n: int) -> str:
    return f"{n} job{'' if n == 1 else 's'}"


def _named(jobs: list[Job]) -> str:
    names = ", ".join(map(str, jobs[:MOST_NAMED]))
    more = len(jobs) - MOST_NAMED
    return f"{names} and {more} more" if more > 0 else names
