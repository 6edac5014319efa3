"""Liveness: does this process answer, and what it leans on."""

from __future__ import annotations

import django_rq
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from redis.exceptions import RedisError


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while jobs can be accepted, which needs the database alone; Redis is reported."""
    database, queue = _database(), _queue()
    state = "ok" if database and queue else "degraded" if database else "down"
    body = {"state": state, "database": database, "queue": queue}
    return JsonResponse(body, status=200 if database else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _queue() -> bool:
    try:
        return bool(django_rq.get_connection("default").ping())
    except (RedisError, OSError):
        return False
