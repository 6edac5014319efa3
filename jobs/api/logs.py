"""A job's log, a piece at a time: as text with its offsets in headers, or as JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import joblog, keeping
from jobs.downloads import Expired
from jobs.models import Job
from jobs.states import JobState
from simulations import FieldError

from .base import KnownQuery
from .conditions import retry_after_s
from .problems import InvalidQuery

LIMIT = 64 * 1024
MOST = 1_000_000
NUMBER = re.compile(r"-?\d{1,15}", re.ASCII)


class LogSerializer(serializers.Serializer[Any]):
    attempt = serializers.IntegerField()
    offset = serializers.IntegerField()
    next_offset = serializers.IntegerField()
    size_bytes = serializers.IntegerField()
    complete = serializers.BooleanField()
    text = serializers.CharField()


class LogRenderer(BaseRenderer):
    """The text itself; a refusal stays a problem."""

    media_type = "text/plain"
    format = "txt"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        if isinstance(data, dict) and set(data) == set(LogSerializer().fields):
            return data["text"].encode()
        return JSONRenderer().render(data)


class JobLogView(KnownQuery):
    renderer_classes = [LogRenderer, JSONRenderer]

    @extend_schema(
        operation_id="get_job_log",
        parameters=[
            OpenApiParameter("offset", int, description="In bytes; negative: from the end."),
            OpenApiParameter("limit", int, description=f"In bytes; {LIMIT} if not given."),
            OpenApiParameter("attempt", int, description="The newest that began, if not given."),
        ],
        responses={(200, "text/plain"): OpenApiTypes.STR, (200, "application/json"): LogSerializer},
    )
    def get(self, request: Request, job_id: UUID, **kwargs: Any) -> Response:
        """Some of the log, and where to go on: `X-Next-Offset`, also while the job runs."""
        job = get_object_or_404(Job.objects.visible_to(request.user), pk=job_id)
        offset = _number(request, "offset", 0, -(10**14), 10**14)
        limit = _number(request, "limit", LIMIT, joblog.LEAST_BYTES, MOST)
        attempt = _number(request, "attempt", _newest(job), 1, job.attempt)
        if job.files_removed_at:
            raise Expired(f"The log was removed on {job.files_removed_at:%Y-%m-%d}.")
        # Asked before it is read: what ends in between is complete only next time.
        is_over = attempt < job.attempt or job.state != JobState.RUNNING
        piece = joblog.read(keeping.log_path(job, attempt), offset, limit, is_whole=is_over)
        at_end = is_over and piece.next_offset >= piece.size_bytes
        complete = at_end and (job.is_final or attempt < job.attempt)
        data = {"attempt": attempt, "complete": complete, **asdict(piece)}
        return Response(data, headers=_headers(data, job))


def _headers(data: dict[str, Any], job: Job) -> dict[str, str]:
    headers = {
        "X-Log-Attempt": str(data["attempt"]),
        "X-Log-Complete": str(data["complete"]).lower(),
        "X-Log-Size": str(data["size_bytes"]),
        "X-Next-Offset": str(data["next_offset"]),
    }
    if not data["complete"]:
        headers["Retry-After"] = str(retry_after_s(job))
    return headers


def _newest(job: Job) -> int:
    """One that waits to be tried again has the log of the try before."""
    newest = job.attempts.order_by("-number").values_list("number", flat=True).first()
    return newest or 1


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not NUMBER.fullmatch(text) or not least <= int(text) <= most:
        told = f"expected a whole number from {least} to {most}."
        detail = f"{name}: {told}"
        raise InvalidQuery([FieldError(path=(name,), code="invalid", detail=detail)])
    return int(text)
