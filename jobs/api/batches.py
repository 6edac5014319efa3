"""Campaigns: many jobs sent, watched, stopped and taken up again as one."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.http import parse_etags
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from pydantic import BaseModel, Field
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.utils.urls import replace_query_param

from jobs import batches, cursors, events, lifecycle, versions
from jobs.batch_models import Batch
from jobs.states import FailureKind, Scope
from simulations import FieldError

from . import batch_bodies, batch_results, conditions, idempotency
from .base import KnownQuery
from .batch_bodies import BatchSubmissionSerializer, ResumeSerializer
from .batch_serializers import (
    BatchEventPageSerializer,
    BatchSerializer,
    ItemPageSerializer,
    ItemSerializer,
    SubmittedBatchSerializer,
)
from .keyring import may_look, origin_of
from .pagination import JobCursor
from .parsers import BatchJSONParser
from .problems import InvalidQuery
from .query import State, parameters, read

EVENTS_A_PAGE = 500
RETRY_AFTER_S = 5
RECEIPT = (
    "id",
    "state",
    "n_items",
    "counts",
    "n_awaiting_approval",
    "n_reused",
    "created_at",
    "links",
)
"""What a key is told that may act and not look."""


Outcome: Any = Literal[tuple(batches.Outcome.values)]


class ItemQuery(BaseModel, extra="forbid"):
    """Which items of a batch."""

    outcome: list[Outcome] = Field([], description="One of several.")
    state: list[State] = Field([], description="Those whose job is in one of these states.")
    limit: int = Field(200, ge=1, le=1000, description="Items in one answer.")
    cursor: str = Field("", max_length=50, description="`next_cursor` of the answer before.")


class BatchCursor(JobCursor):
    page_size = 20
    max_page_size = 100


class BatchesView(KnownQuery, generics.ListAPIView[Batch]):
    scopes = {"POST": Scope.SUBMIT}
    serializer_class = BatchSerializer
    pagination_class = BatchCursor
    parser_classes = [BatchJSONParser]

    def get_queryset(self) -> QuerySet[Batch]:
        return Batch.objects.visible_to(self.request.user)

    @extend_schema(operation_id="list_batches")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Yours, newest first."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        operation_id="submit_batch",
        request=BatchSubmissionSerializer,
        responses={
            202: SubmittedBatchSerializer,
            200: OpenApiResponse(SubmittedBatchSerializer, "Every job of it had ended before."),
        },
    )
    def post(self, request: Request) -> Response:
        """Accept up to 10,000 jobs, all or none: a list, or a template times lists of values."""
        body = batch_bodies.read(request.data)
        wanted = body.wanted()

        def act(keep: idempotency.Keep) -> Response:
            try:
                batch = lifecycle.submit_batch(
                    owner=request.user,
                    wanted=wanted,
                    name=body.asked["name"],
                    tags=body.asked["tags"],
                    varied=body.varied,
                    max_failures=body.max_failures,
                    skip_invalid=body.asked["on_invalid"] == "skip",
                    origin=origin_of(request, body.asked["purpose"]),
                    also=lambda batch: keep(lambda: _accepted(batch, request)),
                )
            except lifecycle.InvalidBatch as exc:
                raise body.refused(
                    {n: lifecycle.errors_of(each) for n, each in exc.refusals.items()}
                ) from None
            return _accepted(batch, request)

        return idempotency.once(request, act)


class BatchView(KnownQuery):
    @extend_schema(operation_id="get_batch", responses=BatchSerializer)
    def get(self, request: Request, batch_id: UUID) -> Response:
        """How many of its jobs stand where, what failed first, and when it may be over."""
        answer = _answer(_visible_batch(request, batch_id), request, status.HTTP_200_OK)
        known = parse_etags(request.headers.get("If-None-Match", ""))
        if {"*", answer["ETag"]} & {*known}:
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers=answer.headers)
        return answer


class BatchItemsView(KnownQuery):
    @extend_schema(
        operation_id="list_batch_items",
        parameters=parameters(ItemQuery),
        responses=ItemPageSerializer,
    )
    def get(self, request: Request, batch_id: UUID) -> Response:
        """What became of each item, in the order in which they were asked for."""
        query = read(ItemQuery, request)
        batch = _visible_batch(request, batch_id)
        only = {"outcome__in": query.outcome, "job__state__in": query.state}
        after = _index(query.cursor) if query.cursor else -1
        found = batches.items_after(
            batch, after, query.limit + 1, **{name: some for name, some in only.items() if some}
        )
        page = found[: query.limit]
        items = ItemSerializer(page, many=True, context={"request": request}).data
        body: dict[str, Any] = {"results": items, "next": None, "next_cursor": None}
        if len(found) > len(page):
            body["next_cursor"] = _cursor(page[-1].index)
            here = request.build_absolute_uri()
            body["next"] = replace_query_param(here, "cursor", body["next_cursor"])
        return Response(body)


class BatchEventsView(KnownQuery):
    @extend_schema(
        operation_id="list_batch_events",
        parameters=[OpenApiParameter("after", int, description="The last `seq` that you have.")],
        responses=BatchEventPageSerializer,
    )
    def get(self, request: Request, batch_id: UUID) -> Response:
        """`submitted`, `progress` (at most one a second), `stopped`, `cancel_requested`,
        `resumed`, `finished`; each with the counts of then."""
        after = request.query_params.get("after", "0")
        if not events.is_seq(after):
            detail = "after: expected a whole number, the last seq that you have."
            raise InvalidQuery([FieldError(path=("after",), code="invalid", detail=detail)])
        batch = _visible_batch(request, batch_id)
        found = batches.events_after(batch, int(after), EVENTS_A_PAGE)
        body = {
            "events": [batches.event_to_wire(event) for event in found],
            "last_seq": batch.last_seq,
            "state": batches.standing(batch),
        }
        return Response(body)


class BatchCancelView(KnownQuery):
    scopes = {"POST": Scope.CANCEL}

    @extend_schema(operation_id="cancel_batch", request=None, responses={202: BatchSerializer})
    def post(self, request: Request, batch_id: UUID) -> Response:
        """Cancel at once all that waits, and ask all that runs to stop."""
        batch = _visible_batch(request, batch_id)
        try:
            who = origin_of(request).signed(request.user)
            with conditions.unchanged(request, batch):
                batch = lifecycle.cancel_batch(batch, by=who)
        except lifecycle.BatchIsOver:
            # As it is now: asked twice, also at the same time, it is what was asked for.
            batch = _visible_batch(request, batch_id)
            if batch.cancel_requested_at is None:
                raise
        return _answer(batch, request, status.HTTP_202_ACCEPTED)


class BatchResumeView(KnownQuery):
    scopes = {"POST": Scope.SUBMIT}

    @extend_schema(
        operation_id="resume_batch", request=ResumeSerializer, responses={202: BatchSerializer}
    )
    def post(self, request: Request, batch_id: UUID) -> Response:
        """New jobs for those items only whose jobs were cancelled or lost, going on from where
        these stopped; and for those that failed in a way that `also` names."""
        asked = ResumeSerializer(data=request.data or {})
        asked.is_valid(raise_exception=True)
        kinds = {FailureKind(kind) for kind in asked.validated_data["also"]}
        batch = _visible_batch(request, batch_id)
        origin = origin_of(request)

        def act(keep: idempotency.Keep) -> Response:
            code = status.HTTP_202_ACCEPTED
            resumed = lifecycle.resume_batch(
                batch,
                by=origin.signed(request.user),
                kinds=lifecycle.STOPPED | kinds,
                origin=origin,
                # Once it is locked: who locked it first would wait for who has the allowance.
                if_still=partial(conditions.refuse_if_changed, request),
                also=lambda resumed: keep(lambda: _answer(resumed, request, code)),
            )
            return _answer(resumed, request, code)

        return idempotency.once(request, act)


class BatchResultsView(KnownQuery):
    renderer_classes = batch_results.RENDERERS
    content_negotiation_class = batch_results.ByFormat

    @extend_schema(
        operation_id="get_batch_results",
        parameters=parameters(batch_results.ResultsQuery),
        responses={
            (200, "application/jsonl"): OpenApiTypes.STR,
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
    def get(self, request: Request, batch_id: UUID) -> HttpResponseBase:
        """One line an item, in order, refused and failed ones included; as a stream."""
        batch = _visible_batch(request, batch_id)
        return batch_results.answer(batch, request)


def _visible_batch(request: Request, batch_id: UUID) -> Batch:
    """:raises Http404: it is nobody's, or somebody else's."""
    return get_object_or_404(Batch.objects.visible_to(request.user), pk=batch_id)


def _accepted(batch: Batch, request: Request) -> Response:
    code = status.HTTP_200_OK if batch.is_over else status.HTTP_202_ACCEPTED
    here = reverse("api:batch", [batch.pk], request=request)
    return _answer(batch, request, code, Location=here)


def _answer(batch: Batch, request: Request, code: int, **headers: str) -> Response:
    """Where it stands, which version that is and, while it may change, when to ask again."""
    now = batches.standings([batch])
    context = {"request": request, "standings": now}
    told: dict[str, Any] = BatchSerializer(batch, context=context).data
    if not may_look(request):
        told = {name: told[name] for name in RECEIPT}
    headers["ETag"] = versions.tag_of_batch(batch, now[batch.pk].counts)
    if not batch.is_over:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return Response(told, code, headers=headers)


def _cursor(index: int) -> str:
    return cursors.written(f"item {index}")


def _index(cursor: str) -> int:
    word, _, index = (cursors.read(cursor) or "").partition(" ")
    if word != "item" or not events.is_seq(index):
        detail = "cursor is none that we gave. Leave it out to begin with the first item."
        raise InvalidQuery([FieldError(path=("cursor",), code="invalid_cursor", detail=detail)])
    return int(index)
