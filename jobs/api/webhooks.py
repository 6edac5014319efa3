"""Webhooks over REST: the endpoints of a user, and what was sent to them."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from pydantic import BaseModel, Field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from jobs.states import Scope
from jobs.webhook_models import DeliveryState, WebhookDelivery, WebhookEndpoint
from jobs.webhooks import endpoints

from . import conditions, query
from .base import KnownQuery
from .keyring import key_of
from .pagination import JobCursor
from .serializers import StrictSerializer
from .webhook_fields import EventsField, SecretField, WebhookURLField

SWITCHED_OFF = "Its owner switched it off."


class WebhookSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    """An endpoint, without its secret."""

    url = serializers.SerializerMethodField()
    events = EventsField()
    active = serializers.BooleanField(source="is_active")
    links = serializers.SerializerMethodField()

    class Meta:
        model = WebhookEndpoint
        fields = [
            "id", "url", "events", "active", "created_at", "disabled_at", "disabled_because",
            "old_secret_until", "links",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_url(self, endpoint: WebhookEndpoint) -> str | None:
        """Null: it serves the webhooks of single jobs, each of which names its own."""
        return endpoint.url or None

    def get_links(self, endpoint: WebhookEndpoint) -> dict[str, str]:
        names = {"self": "webhook", "deliveries": "webhook-deliveries"}
        request = self.context["request"]
        return {
            link: reverse(f"api:{name}", [endpoint.pk], request=request)
            for link, name in names.items()
        }


class WebhookWithSecretSerializer(WebhookSerializer):
    """When a secret is made; it is shown this once."""

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]
        read_only_fields = fields


class NewWebhookSerializer(StrictSerializer):
    url = WebhookURLField(allow_null=True)
    events = EventsField(required=False)
    secret = SecretField(required=False)


class WebhookChangeSerializer(StrictSerializer):
    url = WebhookURLField(required=False)
    events = EventsField(required=False)
    active = serializers.BooleanField(required=False)


class RotationSerializer(StrictSerializer):
    """For so long what is sent is signed with both."""

    overlap_s = serializers.IntegerField(
        min_value=0, max_value=endpoints.MOST_OVERLAP_S, required=False, default=endpoints.OVERLAP_S
    )
    secret = SecretField(required=False)


class TrySerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    status = serializers.IntegerField(allow_null=True)
    ms = serializers.IntegerField()
    error = serializers.CharField()


class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """One message, and each try to deliver it."""

    url = serializers.CharField(source="target")
    tries = TrySerializer(many=True)
    links = serializers.SerializerMethodField()

    class Meta:
        model = WebhookDelivery
        fields = [
            "id", "message_id", "type", "at", "job", "url", "data", "state", "next_at", "tries",
            "ended_at", "links",
        ]  # fmt: skip
        read_only_fields = fields

    def get_links(self, delivery: WebhookDelivery) -> dict[str, str]:
        args = [delivery.endpoint_id, delivery.pk]
        return {"replay": reverse("api:webhook-replay", args, request=self.context["request"])}


class DeliveryPageSerializer(serializers.Serializer[Any]):
    results = DeliverySerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class MissedSerializer(serializers.Serializer[Any]):
    replayed = serializers.IntegerField()


class DeliveryCursor(JobCursor):
    ordering = ("-at", "id")


State: Any = Literal[tuple(DeliveryState.values)]


class DeliveriesQuery(BaseModel, extra="forbid"):
    state: State | None = Field(None, description="What became of them.")
    job: UUID | None = Field(None, description="Of this job.")
    limit: int = Field(50, ge=1, le=500, description="Messages in one answer.")
    cursor: str = Field("", max_length=500, description="From `next` of the answer before.")


class WebhooksView(KnownQuery):
    scopes = {"POST": Scope.SUBMIT}

    @extend_schema(operation_id="list_webhooks", responses=WebhookSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Yours, the oldest first."""
        mine = _mine(request).filter(owner=request.user.pk).order_by("created_at", "id")
        return Response(WebhookSerializer(mine, many=True, context={"request": request}).data)

    @extend_schema(
        operation_id="create_webhook",
        request=NewWebhookSerializer,
        responses={201: WebhookWithSecretSerializer},
    )
    def post(self, request: Request) -> Response:
        """Be told of your jobs at a URL; null is for the webhooks of single jobs. The secret is
        shown this once."""
        asked = NewWebhookSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        wanted |= {"url": wanted["url"] or "", "key": key_of(request)}
        made = endpoints.create(owner=request.user, **wanted)
        return _with_secret(made, request, status.HTTP_201_CREATED)


class WebhookView(KnownQuery):
    scopes = {"PATCH": Scope.SUBMIT, "DELETE": Scope.SUBMIT}

    @extend_schema(operation_id="get_webhook", responses=WebhookSerializer)
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """Where it sends to, what it is told of, and whether it is on; not its secret."""
        return _answer(_visible(request, webhook_id), request)

    @extend_schema(
        operation_id="change_webhook",
        request=WebhookChangeSerializer,
        responses={200: WebhookSerializer},
    )
    def patch(self, request: Request, webhook_id: UUID) -> Response:
        """Another URL or other events; or switch it off, or on again."""
        endpoint = _visible(request, webhook_id)
        asked = WebhookChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        conditions.refuse_unless(request, tag_of(endpoint), "webhook")
        wanted = dict(asked.validated_data)
        active = wanted.pop("active", endpoint.is_active)
        endpoints.change(endpoint, **wanted)
        if active and not endpoint.is_active:
            endpoints.enable(endpoint)
        elif endpoint.is_active and not active:
            endpoints.disable(endpoint, SWITCHED_OFF)
        return _answer(endpoint, request)

    @extend_schema(operation_id="delete_webhook", responses={204: None})
    def delete(self, request: Request, webhook_id: UUID) -> Response:
        """Nothing is sent there any more, and its log is gone."""
        endpoint = _visible(request, webhook_id)
        conditions.refuse_unless(request, tag_of(endpoint), "webhook")
        endpoints.remove(endpoint)
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookRotateView(KnownQuery):
    scopes = {"POST": Scope.SUBMIT}

    @extend_schema(
        operation_id="rotate_webhook_secret",
        request=RotationSerializer,
        responses={200: WebhookWithSecretSerializer},
    )
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """A new secret, shown this once; for a while the old one signs as well."""
        endpoint = _visible(request, webhook_id)
        asked = RotationSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        endpoints.rotate(endpoint, **asked.validated_data)
        return _with_secret(endpoint, request, status.HTTP_200_OK)


class WebhookTestView(KnownQuery):
    scopes = {"POST": Scope.SUBMIT}

    @extend_schema(operation_id="test_webhook", request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Send a message of the type `webhook.test`; `deliveries` tells what came of it."""
        return _delivery(endpoints.test(_visible(request, webhook_id)), request)


class WebhookReplayMissedView(KnownQuery):
    scopes = {"POST": Scope.SUBMIT}

    @extend_schema(
        operation_id="replay_missed_deliveries", request=None, responses={202: MissedSerializer}
    )
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Send again whatever did not arrive, under the same ids."""
        replayed = endpoints.replay_missed(_visible(request, webhook_id))
        return Response({"replayed": replayed}, status.HTTP_202_ACCEPTED)


class WebhookDeliveriesView(KnownQuery):
    @extend_schema(
        operation_id="list_deliveries",
        parameters=query.parameters(DeliveriesQuery),
        responses=DeliveryPageSerializer,
    )
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """What was sent and what is to be sent, newest first; kept for a month."""
        asked = query.read(DeliveriesQuery, request)
        found = _visible(request, webhook_id).deliveries.select_related("endpoint")
        wanted = {"state": asked.state, "job": asked.job}
        found = found.filter(**{name: value for name, value in wanted.items() if value})
        cursor = DeliveryCursor()
        page = cursor.paginate_queryset(found, request, self)
        told = DeliverySerializer(page or [], many=True, context={"request": request})
        return cursor.get_paginated_response(told.data)


class WebhookReplayView(KnownQuery):
    scopes = {"POST": Scope.SUBMIT}

    @extend_schema(
        operation_id="replay_delivery", request=None, responses={202: DeliverySerializer}
    )
    def post(self, request: Request, webhook_id: UUID, delivery_id: UUID) -> Response:
        """Send it again, whatever came of it, under the same id."""
        sent = _visible(request, webhook_id).deliveries.select_related("endpoint")
        delivery = get_object_or_404(sent, pk=delivery_id)
        endpoints.replay(delivery)
        return _delivery(delivery, request)


def _mine(request: Request) -> QuerySet[WebhookEndpoint]:
    """A key knows what was made with it, and nothing else."""
    found = WebhookEndpoint.objects.visible_to(request.user)
    key = key_of(request)
    return found.filter(key=key) if key else found


def _visible(request: Request, webhook_id: UUID) -> WebhookEndpoint:
    return get_object_or_404(_mine(request), pk=webhook_id)


def tag_of(endpoint: WebhookEndpoint) -> str:
    """Which version it is: of what may be changed of it."""
    return conditions.tag_of(endpoint.url, endpoint.events, endpoint.is_active)


def _answer(endpoint: WebhookEndpoint, request: Request) -> Response:
    told = WebhookSerializer(endpoint, context={"request": request}).data
    return Response(told, headers={"ETag": tag_of(endpoint)})


def _with_secret(endpoint: WebhookEndpoint, request: Request, code: int) -> Response:
    told = WebhookWithSecretSerializer(endpoint, context={"request": request}).data
    return Response(told, code, headers={"Location": told["links"]["self"]})


def _delivery(delivery: WebhookDelivery, request: Request) -> Response:
    told = DeliverySerializer(delivery, context={"request": request}).data
    return Response(told, status.HTTP_202_ACCEPTED)
