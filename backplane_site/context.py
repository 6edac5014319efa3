"""What every page knows."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def retention(request: HttpRequest) -> dict[str, int | None]:
    return {"retention_days": settings.JOB_RETENTION_DAYS}
