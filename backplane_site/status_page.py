"""`/status/`: whether this install is well, in words, for everybody. Nothing in it is secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

import simulations
from jobs import snippets
from jobs.snippets import Site
from simulations.version import VERSION

from . import probes
from .probes import Finding

WORDS = {
    "database": ("Jobs and results", "are kept and can be read", "cannot be read at the moment"),
    "migrations": (
        "The tables of the database",
        "are those of this version",
        "are of another version; whoever runs the site has to bring them up to date",
    ),
    "redis": (
        "The queue",
        "answers",
        "does not answer; jobs are accepted, and start once it is back",
    ),
    "workers": (
        "Workers",
        "are there to compute",
        "are missing; jobs are accepted, and start once there is one",
    ),
    "disk": ("Room for files", "is there", "is almost used up; new jobs may fail for it"),
}
"""What each probe looks at, and what it is like: for those who do not run the site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    name: str
    is_ok: bool
    words: str


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    parts = list(_parts())
    told = {
        "parts": parts,
        "is_well": all(part.is_ok for part in parts),
        "version": VERSION,
        "asked_at": timezone.now(),
        "copies": snippets.of_health(Site(url=request.build_absolute_uri("/").rstrip("/"))),
    }
    return render(request, "status.html", told)


def _parts() -> Iterator[Part]:
    yield Part(name="Pages and the API", is_ok=True, words="answer, for they have just told this")
    yield from map(_part, probes.readiness())
    yield _engines()


def _part(finding: Finding) -> Part:
    """What exactly was found names hosts and folders: that is for `doctor` and `/readyz`."""
    name, well, ill = WORDS[finding.name]
    return Part(name=name, is_ok=finding.is_ok, words=well if finding.is_ok else ill)


def _engines() -> Part:
    known = simulations.all_simulations()
    missing = [each.title for each in known if not each.available]
    if missing:
        words = f"are missing for {', '.join(missing)}; all others can be run"
    else:
        words = f"are installed for all {len(known)} simulations"
    return Part(name="Engines", is_ok=not missing, words=words)
