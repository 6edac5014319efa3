"""The inbox: what happened while an agent was away, until it says that it has it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field, field_validator
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from jobs import events, inbox
from jobs.key_models import InboxItem
from jobs.states import Scope
from simulations import FieldError

from .base import KnownQuery
from .keyring import key_of
from .problems import InvalidQuery
from .query import parameters, read
from .serializers import StrictSerializer

BULK = {"points", "log"}


class InboxQuery(BaseModel, extra="forbid"):
    cursor: str = Field(
        "", max_length=100, description="After this one; left out: after what you acknowledged. "
        "`oldest` begins at the beginning."
    )  # fmt: skip
    kinds: list[str] = Field(
        [], max_length=20, description=f"Only these of {', '.join(sorted(inbox.KINDS))}."
    )
    limit: int = Field(100, ge=1, le=inbox.MOST, description="Events in one answer.")

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: list[str]) -> list[str]:
        if unknown := sorted({*kinds} - inbox.KINDS):
            known = ", ".join(sorted(inbox.KINDS))
            raise ValueError(f"there is no kind {unknown[0][:40]}; expected some of {known}")
        return kinds


class InboxEventSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    kind = serializers.CharField()
    at = serializers.DateTimeField()
    state = serializers.CharField()
    reason = serializers.CharField()
    agent = serializers.CharField(required=False)
    purpose = serializers.CharField(required=False)
    job = serializers.DictField()


class InboxPageSerializer(serializers.Serializer[Any]):
    """`cursor` is to be acknowledged once every event here is dealt with."""

    events = InboxEventSerializer(many=True)
    cursor = serializers.CharField()
    acknowledged = serializers.CharField()
    has_more = serializers.BooleanField()


class AcknowledgementSerializer(StrictSerializer):
    cursor = serializers.CharField(max_length=100)


class AcknowledgedSerializer(serializers.Serializer[Any]):
    acknowledged = serializers.CharField()


class InboxView(KnownQuery):
    @extend_schema(
        operation_id="list_events",
        parameters=parameters(InboxQuery),
        responses=InboxPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """What became of the jobs that your key submitted, or of all of yours, oldest first.

        `Prefer: wait=N` answers with the first event, or after N seconds, at most 50. The
        same again until you acknowledge it, so that nothing is lost if you stop in between.
        """
        asked = read(InboxQuery, request)
        try:
            page = inbox.read(
                request.user.pk,
                key_of(request),
                cursor=asked.cursor or None,
                kinds=asked.kinds or inbox.KINDS,
                limit=asked.limit,
            )
        except inbox.BadCursor as exc:
            error = FieldError(path=("cursor",), code="invalid_cursor", detail=str(exc))
            raise InvalidQuery([error]) from None
        body = {
            "events": [_told(item, request) for item in page.items],
            "cursor": page.cursor,
            "acknowledged": page.acknowledged,
            "has_more": page.has_more,
        }
        # For who waits in front of Django, and takes it off again.
        whose = {inbox.WHOSE: str(request.user.pk)} if "Prefer" in request.headers else {}
        return Response(body, headers=whose)


class AcknowledgeView(KnownQuery):
    scopes = {"POST": Scope.READ}

    @extend_schema(
        operation_id="acknowledge_events",
        request=AcknowledgementSerializer,
        responses=AcknowledgedSerializer,
    )
    def post(self, request: Request) -> Response:
        """Say that you have dealt with all events up to this cursor. It never goes back."""
        said = AcknowledgementSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        try:
            cursor = said.validated_data["cursor"]
            reached = inbox.acknowledge(request.user.pk, key_of(request), cursor)
        except inbox.BadCursor as exc:
            raise ValidationError({"cursor": str(exc)}) from None
        return Response({"acknowledged": reached})


def _told(item: InboxItem, request: Request) -> dict[str, Any]:
    """The event, and as much of its job as tells whether to look at it."""
    job = item.job
    told = events.to_wire(item.event, job)
    return {name: each for name, each in told.items() if name not in BULK} | {
        "job": {
            "id": str(job.pk),
            "name": job.name,
            "simulation": job.simulation,
            "tags": job.tags,
            "agent": job.agent,
            "state": job.state,
            "failure_kind": job.failure_kind,
            "summary": job.summary,
            "links": {"self": reverse("api:job", [job.pk], request=request)},
        }
    }
