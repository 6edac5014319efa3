"""How a stream of events opens. What follows is sent by `jobs.streaming`, outside of Django."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from jobs import batches, events, sse
from jobs.batch_models import Batch
from jobs.models import Job
from simulations import FieldError

from .base import KnownQuery
from .keyring import key_of
from .problems import InvalidQuery

A_PAGE = 500
LAST = "Last-Event-ID"


class EventStreamRenderer(JSONRenderer):
    """For the negotiation alone, and for a refusal."""

    media_type = "text/event-stream"
    format = "event-stream"


FROM_WHERE = [
    OpenApiParameter("after", int, description="The last `seq` that you have."),
    OpenApiParameter(
        LAST, int, OpenApiParameter.HEADER, description="The same; it goes before `after`."
    ),
]
ANSWERS: dict[Any, Any] = {
    (200, "text/event-stream"): OpenApiTypes.STR,
    204: OpenApiResponse(description="It has ended, and you have all of it."),
}


class JobEventStreamView(KnownQuery):
    renderer_classes = [EventStreamRenderer, JSONRenderer]

    @extend_schema(operation_id="stream_job_events", parameters=FROM_WHERE, responses=ANSWERS)
    def get(self, request: Request, job_id: UUID, **kwargs: Any) -> HttpResponse:
        """The job's events as they happen, as server-sent events; `event: end` is the last one."""
        job = get_object_or_404(Job.objects.visible_to(request.user), pk=job_id)
        after = _after(request)
        found = events.after(job, after, A_PAGE)
        if not found and job.is_final and LAST in request.headers:
            return _nothing_more()
        return _opened(request, after, sse.text(job, found, after))


class BatchEventStreamView(KnownQuery):
    renderer_classes = [EventStreamRenderer, JSONRenderer]

    @extend_schema(operation_id="stream_batch_events", parameters=FROM_WHERE, responses=ANSWERS)
    def get(self, request: Request, batch_id: UUID, **kwargs: Any) -> HttpResponse:
        """The batch's events as they happen, `progress` at most once a second, as server-sent
        events; `event: end` is the last one. A batch that is resumed later is opened again."""
        batch = get_object_or_404(Batch.objects.visible_to(request.user), pk=batch_id)
        after = _after(request)
        found = batches.events_after(batch, after, A_PAGE)
        if not found and batch.is_over and LAST in request.headers:
            return _nothing_more()
        return _opened(request, after, sse.text_of_batch(batch, found, after))


def _nothing_more() -> HttpResponse:
    """A browser that was sent the end would come back for ever; this it takes for an answer."""
    return HttpResponse(status=204)


def _opened(request: Request, after: int, text: bytes) -> HttpResponse:
    answer = HttpResponse(sse.opening(after) + text, content_type=EventStreamRenderer.media_type)
    # A proxy that collects before it sends would make a stream of it that is none.
    answer["X-Accel-Buffering"] = "no"
    answer["Cache-Control"] = "private, no-store"
    # For who goes on with it in front of Django, and takes it off again.
    if key := key_of(request):
        answer[sse.BY_KEY] = str(key.pk)
    else:
        answer[sse.BY_PERSON] = str(request.user.pk)
    return answer


def _after(request: Request) -> int:
    text = request.headers.get(LAST) or request.query_params.get("after", "0")
    if not events.is_seq(text):
        detail = "after: expected a whole number, the last seq that you have."
        raise InvalidQuery([FieldError(path=("after",), code="invalid", detail=detail)])
    return int(text)
