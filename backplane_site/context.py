"""What every page knows."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest

from jobs import maintenance

from . import permissions
from .assets import missing


def retention(request: HttpRequest) -> dict[str, int | None]:
    return {"retention_days": settings.JOB_RETENTION_DAYS}


def assets(request: HttpRequest) -> dict[str, Callable[[], list[str]]]:
    """What an operator is told of front-end packages; asked only by a page that tells it."""
    return {"missing_assets": lambda: missing() if permissions.is_operator(request) else []}


def notices(request: HttpRequest) -> dict[str, Callable[[], list[maintenance.Notice]]]:
    """What the operators tell everybody; asked only by a page that says it."""
    return {"notices": lambda: maintenance.told().notices}
