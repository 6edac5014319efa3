"""Is this process alive (`/healthz`), and can the whole accept and run jobs (`/readyz`)."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from redis.exceptions import RedisError

from jobs import fleet

from . import probes
from .permissions import is_operator


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while jobs can be accepted, which needs the database alone; Redis is reported."""
    database, queue = _database(), _queue()
    state = "ok" if database and queue else "degraded" if database else "down"
    body = {"state": state, "database": database, "queue": queue}
    return JsonResponse(body, status=200 if database else 503)


def readyz(request: HttpRequest) -> JsonResponse:
    """503 while anything is missing that a job needs. What exactly is told to operators only."""
    found = list(probes.readiness())
    ready = all(finding.is_ok for finding in found)
    tells = is_operator(request)
    checks = {
        each.name: {"ok": each.is_ok, **({"detail": each.detail} if tells else {})}
        for each in found
    }
    body = {"ready": ready, "checks": checks}
    answer = JsonResponse(body, status=200 if ready else 503)
    # It is the answer to a question: Django would log an error each time that it is asked.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _queue() -> bool:
    try:
        return bool(fleet.redis().ping())
    except (RedisError, OSError):
        return False
