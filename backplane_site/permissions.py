"""Who may look behind the scenes: the staff, a scraper with the token, and whoever is local."""

from __future__ import annotations

from hmac import compare_digest

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest


def is_operator(request: HttpRequest) -> bool:
    return _has_token(request) or _is_staff(request)


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN
    given = token.strip().encode()
    return bool(wanted) and scheme.lower() == "bearer" and compare_digest(given, wanted.encode())


def _is_staff(request: HttpRequest) -> bool:
    if getattr(request, "acts_as_local", False):
        return True
    try:
        return bool(request.user.is_staff)
    except DatabaseError:
        return False  # who is asking is written there, and it does not answer
