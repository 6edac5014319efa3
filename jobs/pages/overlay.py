"""The molecules of several jobs in one picture, each laid over the reference."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse

from jobs.models import Artifact, Job

from .structure import Structure

GEOMETRIES = ("final.xyz", "start.xyz")
"""What a job's geometry is in, the best first."""
CAPTION = (
    "Each laid over the first by its heavy atoms (Kabsch), atom by atom in the order of the files. "
    "“Overlay” shows the first as itself and the others thin; the buttons show one at a time."
)


def overlay(jobs: Sequence[Job], reference: Job) -> Structure | None:
    """None unless two of them have a geometry of the same atoms."""
    alike = [job for job in jobs if _formula(job) and _formula(job) == _formula(reference)]
    first = sorted(alike, key=lambda job: job.pk != reference.pk)
    found = [(job, each) for job in first if (each := _geometry(job))]
    if len(found) < 2 or found[0][0].pk != reference.pk:
        return None
    left_out = [job.told_apart for job in jobs if job.pk not in {each.pk for each, _ in found}]
    more = f" Of other atoms, or without a geometry: {', '.join(left_out)}." if left_out else ""
    return Structure(
        kind="molecule",
        caption=CAPTION + more,
        sentence=f"{len(found)} geometries of {_formula(reference)}. {CAPTION}",
        spec={
            "kind": "molecule",
            "name": "comparison",
            "subject": f"{len(found)} geometries of {_formula(reference)}",
            "frame_word": "",
            "files": [_told(job, artifact) for job, artifact in found],
            "box": None,
            "overlay": True,
        },
    )


def _formula(job: Job) -> str:
    return str((job.structure or {}).get("formula") or "")


def _geometry(job: Job) -> Artifact | None:
    if job.files_removed_at:
        return None
    there = {each.name: each for each in job.artifacts.order_by("attempt")}
    return next((there[name] for name in GEOMETRIES if name in there), None)


def _told(job: Job, artifact: Artifact) -> dict[str, str]:
    return {
        "role": "view",
        "label": job.told_apart,
        "name": f"{job.short_id}-{artifact.name}",
        "format": "xyz",
        "url": reverse("jobs:file", args=[job.pk, artifact.pk]),
    }
