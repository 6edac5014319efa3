"""Drawings of the molecules that a job is about, for its pages: made when they are asked for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from jobs.models import Job
from simulations.structures.drawing import draw

KEPT_S = 7 * 24 * 3600
"""What a job is about does not change."""


@login_required
@require_safe
def drawing_of(request: HttpRequest, job_id: UUID, place: int) -> HttpResponse:
    """Of the molecule of the job itself, 0, or of the ligand of that rank."""
    visible = Job.objects.visible_to(request.user).only("structure", "result")
    smiles = _smiles(get_object_or_404(visible, pk=job_id), place)
    svg = draw(smiles) if smiles else ""
    if not svg:
        raise Http404("There is no such molecule to draw.")
    headers = {"Cache-Control": f"private, max-age={KEPT_S}"}
    return HttpResponse(svg, content_type="image/svg+xml; charset=utf-8", headers=headers)


def _smiles(job: Job, place: int) -> str | None:
    """Only of what was read and computed: a stranger's text is nothing to be drawn here."""
    if place == 0:
        return (job.structure or {}).get("smiles")
    ligands: list[dict[str, Any]] = (job.result or {}).get("ligands") or []
    return ligands[place - 1]["smiles"] if place <= len(ligands) else None
