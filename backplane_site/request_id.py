"""An id for each request, the caller's own if it sent one: ties an answer to our log.

Every log line below bears it, the job that is submitted keeps it, and so its worker's lines do too.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from jobs import log_context

ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,100}")
PROBES = {"/healthz", "/readyz", "/metrics"}

access = logging.getLogger("backplane_site.access")


class RequestIdMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request_id_of(request.headers.get("X-Request-ID", ""))
        request.request_id = request_id  # type: ignore[attr-defined]
        began = time.perf_counter()
        with log_context.bound(request_id=request_id):
            response = self.get_response(request)
            _log(request, response, time.perf_counter() - began)
        response["X-Request-ID"] = request_id
        return response

    def process_view(
        self, request: HttpRequest, view: Any, args: list[Any], kwargs: dict[str, Any]
    ) -> None:
        if job_id := kwargs.get("job_id"):
            log_context.bind(job_id=str(job_id))


def request_id_of(given: str) -> str:
    return given if ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex


def _log(request: HttpRequest, response: HttpResponse, took_s: float) -> None:
    # Only if somebody asked who it is: the log is no reason for a query.
    user = getattr(request, "_cached_user", None)
    user_id = getattr(user, "pk", None)
    log_access(str(request.method), request.path, response.status_code, took_s, user_id)


def log_access(
    method: str, path: str, status: int, took_s: float, user_id: int | None = None
) -> None:
    """Without the query, in which a careless client may have put anything."""
    level = logging.DEBUG if path in PROBES else logging.INFO
    if not access.isEnabledFor(level):
        return
    access.log(
        level,
        "%s %s %d",
        method,
        path,
        status,
        extra={
            "method": method,
            "path": path,
            "status": status,
            "duration_ms": round(took_s * 1000, 1),
            "user_id": user_id,
        },
    )
