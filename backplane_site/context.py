"""What every page knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from jobs import maintenance
from jobs.profile_models import Profile, profile_of

from . import permissions
from .assets import missing

PLACES = {
    "t": "home",
    "j": "jobs:list",
    "n": "jobs:new",
    "b": "batches:list",
    "m": "molecules:list",
    "q": "queue",
}


def retention(request: HttpRequest) -> dict[str, int | None]:
    return {"retention_days": settings.JOB_RETENTION_DAYS}


def assets(request: HttpRequest) -> dict[str, Callable[[], list[str]]]:
    """What an operator is told of front-end packages; asked only by a page that tells it."""
    return {"missing_assets": lambda: missing() if permissions.is_operator(request) else []}


def profile(request: HttpRequest) -> dict[str, Any]:
    """How the reader likes the pages; asked only by a page that is drawn by it, for a page that
    tells of a database that does not answer must not ask it."""
    return {"profile": SimpleLazyObject(lambda: _profile(request))}


def _profile(request: HttpRequest) -> Profile | None:
    """None: nobody has signed in."""
    return profile_of(request.user) if request.user.is_authenticated else None


def theme(request: HttpRequest) -> dict[str, Callable[[], str]]:
    """The colours of a page that says why not; it has others rather than none."""
    return {"theme": lambda: _theme(request)}


def _theme(request: HttpRequest) -> str:
    # What is refused early is refused before anybody asks who it is.
    if not hasattr(request, "user"):
        return ""
    try:
        liked = _profile(request)
    except DatabaseError:
        return ""
    return liked.data_theme if liked else ""


def places(request: HttpRequest) -> dict[str, dict[str, str]]:
    """Where `g` and a letter lead."""
    return {"places": {letter: reverse(name) for letter, name in PLACES.items()}}


def notices(request: HttpRequest) -> dict[str, Callable[[], list[maintenance.Notice]]]:
    """What the operators tell everybody; asked only by a page that says it."""
    return {"notices": lambda: maintenance.told().notices}
