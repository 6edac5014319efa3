"""The pages of batches: where one stands, its items, and the buttons that stop or resume it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import pluralize
from django.views.decorators.http import require_POST

import simulations
from jobs import batches, events, lifecycle, references
from jobs.batch_models import Batch, BatchItem
from jobs.models import Job
from jobs.states import FailureKind, JobState

from . import copying
from .batch_figures import board, figures_of_batch
from .formats import duration
from .status import LOOKS, whereabouts
from .tables import shortened

BATCHES_SHOWN = 50
ITEMS_A_PAGE = 100
CANNOT_RESUME = (
    lifecycle.NothingToResume,
    lifecycle.TooSlow,
    lifecycle.Closed,
    lifecycle.OverQuota,
    lifecycle.BudgetSpent,
    lifecycle.NotAllowed,
    simulations.Busy,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """:param varied: the values by which it differs from the others."""

    item: BatchItem
    varied: list[str]
    where: str
    why: str


@login_required
def batch_list(request: HttpRequest) -> HttpResponse:
    mine = Batch.objects.visible_to(request.user).select_related("owner").newest_first()
    shown = list(mine[:BATCHES_SHOWN])
    now = batches.standings(shown)
    told = [_told(batch, now[batch.pk]) for batch in shown]
    is_moving = any(not batch.is_over for batch in shown)
    shown_as = {"is_moving": is_moving, "snippets": copying.of_batches(request)}
    return render(request, "batches/list.html", {"batches": told, **shown_as})


@login_required
def batch_detail(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    batch = _batch(request, batch_id)
    after = request.GET.get("after", "")
    at = int(after) if events.is_seq(after) else -1
    found = batches.items_with_input(batch, at, ITEMS_A_PAGE + 1)
    page = found[:ITEMS_A_PAGE]
    seen = board(batch, request.GET)
    told = {
        **_told(batch, batches.standings([batch])[batch.pk]),
        "board": seen,
        "result_figures": figures_of_batch(seen),
        "can_resume": seen.has(JobState.FAILED, JobState.CANCELLED)
        and batches.is_any_stopped(batch, lifecycle.STOPPED),
        "varied": [name.removeprefix("params.") for name in batch.varied],
        "rows": [_row(batch, item) for item in page],
        "is_first": at < 0,
        "snippets": copying.of_batch(request, batch),
        "next": page[-1].index if len(found) > len(page) else None,
    }
    return render(request, "batches/detail.html", told)


@login_required
def batch_item(request: HttpRequest, batch_id: UUID, index: int) -> HttpResponse:
    """To the job that answers an item, or to the item itself where none does."""
    batch = _batch(request, batch_id)
    item = get_object_or_404(batch.items.select_related("job"), index=index)
    return redirect(item.job or f"{batch.get_absolute_url()}?after={max(index - 1, 0)}")


@login_required
@require_POST
def batch_approve(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    return _answer_all(request, batch_id, lifecycle.approve_each, "approved")


@login_required
@require_POST
def batch_reject(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    return _answer_all(request, batch_id, lifecycle.reject_each, "rejected")


def _answer_all(
    request: HttpRequest, batch_id: UUID, verb: Callable[..., int], done: str
) -> HttpResponse:
    batch = _batch(request, batch_id)
    n = verb(Job.objects.filter(batch=batch), by=str(request.user))
    messages.success(request, f"{n:,} job{pluralize(n)} {done}.")
    return redirect(batch)


@login_required
@require_POST
def batch_cancel(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    batch = _batch(request, batch_id)
    try:
        lifecycle.cancel_batch(batch, by=str(request.user))
    except lifecycle.BatchIsOver:
        messages.warning(request, "It was over already, so there was nothing left to cancel.")
    return redirect(batch)


@login_required
@require_POST
def batch_resume(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    batch = _batch(request, batch_id)
    try:
        lifecycle.resume_batch(batch, by=str(request.user))
    except CANNOT_RESUME as exc:
        messages.error(request, f"It cannot be resumed: {exc}")
    else:
        messages.success(request, "What had been stopped goes on.")
    return redirect(batch)


def _batch(request: HttpRequest, batch_id: UUID) -> Batch:
    """The batch, if this user may see it; to everyone else there is none."""
    found = Batch.objects.visible_to(request.user).select_related("owner")
    return get_object_or_404(found, pk=batch_id)


def _told(batch: Batch, now: batches.Standing) -> dict[str, Any]:
    counted = now.counts
    shown = [(LOOKS[JobState(state)].word, n) for state, n in counted.states.items() if n]
    if refused := counted.outcomes[batches.Outcome.REFUSED]:
        shown.append(("Refused", refused))
    return {
        "batch": batch,
        "standing": batches.standing(batch),
        "counts": shown,
        "n_awaiting_approval": now.n_awaiting_approval,
        "n_reused": counted.outcomes[batches.Outcome.REUSED],
        "progress": counted.progress,
        "well": counted.states[JobState.SUCCEEDED] / batch.n_items if batch.n_items else 0,
        "over_in": duration(now.over_in_s) if now.over_in_s else "",
    }


def _row(batch: Batch, item: BatchItem) -> Row:
    job, refusal = item.job, item.refusal or {}
    body: Any = {"params": job.params} if job else refusal.get("submission", {})
    errors = [error["detail"] for error in refusal.get("errors", [])]
    if job and job.failure_kind:
        errors.append(str((job.error or {}).get("detail") or FailureKind(job.failure_kind).label))
    return Row(
        item=item,
        varied=[_text(_at(body, name)) for name in batch.varied],
        where=whereabouts(job) if job else "",
        why="; ".join(errors),
    )


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if references.is_reference(value):
        return references.called(value)
    if isinstance(value, dict) and "text" in value:
        value = value["text"]
    return shortened(" ".join(str(value).split()))
