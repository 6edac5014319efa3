"""Drawings of the molecules that a job is about as files of their own: for long lists of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from jobs.models import Job
from simulations.structures.drawing import HEIGHT, WIDTH

from .drawings import Drawing, drawings

KEPT_S = 7 * 24 * 3600
"""What a job is about does not change."""


@login_required
@require_safe
def drawing_of(request: HttpRequest, job_id: UUID, place: int) -> HttpResponse:
    """Of the molecule of the job itself, 0, or of the ligand of that rank."""
    visible = Job.objects.visible_to(request.user).only("structure", "result")
    smiles = _smiles(get_object_or_404(visible, pk=job_id), place)
    drawn = drawings([smiles]).get(smiles) if smiles else None
    if drawn is None or not drawn.paths:
        raise Http404("There is no such molecule to draw.")
    headers = {"Cache-Control": f"private, max-age={KEPT_S}"}
    return HttpResponse(_svg(drawn), content_type="image/svg+xml; charset=utf-8", headers=headers)


def _smiles(job: Job, place: int) -> str | None:
    """Only of what was read and computed: a stranger's text is nothing to be drawn here."""
    if place == 0:
        return (job.structure or {}).get("smiles")
    ligands: list[dict[str, Any]] = (job.result or {}).get("ligands") or []
    return ligands[place - 1]["smiles"] if place <= len(ligands) else None


def _svg(drawn: Drawing) -> str:
    paths = "".join(_path(**each) for each in drawn.paths)
    size = f'width="180" height="135" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{paths}</svg>'


def _path(d: str, stroke_px: float) -> str:
    line = f' fill="none" stroke="#000" stroke-width="{stroke_px}"' if stroke_px else ""
    return f'<path d="{d}"{line}/>'
