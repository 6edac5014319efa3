"""What the REST door allows one user to write in a while."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from jobs import limits

COUNTED = "backplane.counted"
"""In the scope of a request that was counted before it came to its view."""


class WritesThrottle(BaseThrottle):
    """Counts whatever is not a mere look, by user."""

    def __init__(self) -> None:
        self._wait_s: int | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        limit = limits.parse("writes", settings.RATE_WRITES)
        if limit is None or request.method in SAFE_METHODS:
            return True
        if getattr(request._request, "scope", {}).get(COUNTED):
            return True
        try:
            limit.hit(str(request.user.pk))
        except limits.TooMany as exc:
            self._wait_s = exc.wait_s
            return False
        return True

    def wait(self) -> float | None:
        return self._wait_s
