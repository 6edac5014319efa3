"""Keys over REST: made, looked at, ended. The text of one is told once, when it is made."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from jobs import keys, spending
from jobs.key_models import ApiKey
from jobs.states import Approval, Scope

from . import conditions
from .base import KnownQuery
from .choices import ChoiceField, ChoicesField
from .keyring import key_of
from .pagination import JobCursor
from .serializers import StrictSerializer

MOST_CORE_HOURS = 1e9


class BudgetSerializer(StrictSerializer):
    """What a key may use; null or left out: no limit but its owner's."""

    max_queued = serializers.IntegerField(
        min_value=0, max_value=10**6, allow_null=True, default=None
    )
    max_running = serializers.IntegerField(
        min_value=0, max_value=10**6, allow_null=True, default=None
    )
    core_hours = serializers.FloatField(
        min_value=0, max_value=MOST_CORE_HOURS, allow_null=True, default=None
    )
    core_hours_per_day = serializers.FloatField(
        min_value=0, max_value=MOST_CORE_HOURS, allow_null=True, default=None
    )
    deadline = serializers.DateTimeField(allow_null=True, default=None)
    approval = ChoiceField(Approval.values, default=str(Approval.NEVER))
    approval_above_core_hours = serializers.FloatField(
        min_value=0, max_value=MOST_CORE_HOURS, allow_null=True, default=None
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if getattr(self.root, "partial", False):
            return data  # with what the key has already it is looked at as a whole
        if (data["approval"] == Approval.ABOVE) != (data["approval_above_core_hours"] is not None):
            raise ValidationError(ABOVE_ALONE)
        return data


ABOVE_ALONE = {"approval_above_core_hours": "Goes with approval: above, and only with that."}


class NewKeySerializer(StrictSerializer):
    name = serializers.CharField(max_length=keys.AGENT_LENGTH)
    purpose = serializers.CharField(
        max_length=500, allow_blank=True, default="",
        help_text="What its jobs are for that do not say so themselves.",
    )  # fmt: skip
    scopes = ChoicesField(Scope.values)
    expires_at = serializers.DateTimeField(allow_null=True, default=None)
    budget = BudgetSerializer(required=False)

    def validate_expires_at(self, at: Any) -> Any:
        if at is not None and at <= timezone.now():
            raise ValidationError("It is over already; expected a moment to come.")
        return at


class KeyChangeSerializer(NewKeySerializer):
    """What is left out stays, in `budget` too; null is no limit. `scopes` only become fewer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, partial=True, **kwargs)

    def columns_for(self, key: ApiKey) -> dict[str, Any]:
        """What is to change of the key, by its columns.

        :raises ValidationError: the budget that it would have is none.
        """
        columns = dict(self.validated_data)
        budget = columns.pop("budget", {})
        if budget.get("approval", Approval.ABOVE) != Approval.ABOVE:
            budget.setdefault("approval_above_core_hours", None)
        try:
            BudgetSerializer().validate(budget_of(key) | budget)
        except ValidationError as exc:
            raise ValidationError({"budget": exc.detail}) from None
        return columns | budget


class KeySerializer(serializers.ModelSerializer[ApiKey]):
    budget = serializers.SerializerMethodField()
    used = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    class Meta:
        model = ApiKey
        fields = [
            "id", "name", "purpose", "prefix", "scopes", "created_at", "expires_at",
            "last_used_at", "revoked_at", "budget", "used", "links",
        ]  # fmt: skip
        read_only_fields = fields

    def get_budget(self, key: ApiKey) -> dict[str, Any]:
        return budget_of(key)

    def get_used(self, key: ApiKey) -> dict[str, float]:
        return spending.used(key)

    def get_links(self, key: ApiKey) -> dict[str, str]:
        return {"self": reverse("api:key", [key.pk], request=self.context["request"])}


def budget_of(key: ApiKey) -> dict[str, Any]:
    """As it was given; null: no limit but its owner's."""
    return dict(BudgetSerializer(key).data)


class MadeKeySerializer(KeySerializer):
    """The key, and the text that is told this once."""

    token = serializers.CharField()

    class Meta(KeySerializer.Meta):
        fields = [*KeySerializer.Meta.fields, "token"]
        read_only_fields = fields


class WhoSerializer(serializers.Serializer[Any]):
    """Who asks, and by which key; null where a person does."""

    user = serializers.CharField()
    key = KeySerializer(allow_null=True)


class KeysView(KnownQuery, generics.ListAPIView[ApiKey]):
    serializer_class = KeySerializer
    pagination_class: type[CursorPagination] = JobCursor
    scopes = {"GET": Scope.KEYS, "POST": Scope.KEYS}

    def get_queryset(self) -> QuerySet[ApiKey]:
        return _seen_by(self.request)

    @extend_schema(operation_id="list_keys")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Yours, newest first, without their secrets; asked with a key, itself and what it made."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        operation_id="create_key", request=NewKeySerializer, responses={201: MadeKeySerializer}
    )
    def post(self, request: Request) -> Response:
        """Make a key for an agent. Its `token` is in this answer and nowhere else, ever."""
        asked = NewKeySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        budget = data.pop("budget", {})
        scopes = [Scope(word) for word in data.pop("scopes")]
        key, text = keys.issue(
            owner=request.user, scopes=scopes, made_by=key_of(request), **data, **budget
        )
        told = KeySerializer(key, context={"request": request}).data | {"token": text}
        return Response(told, status.HTTP_201_CREATED, headers={"Location": told["links"]["self"]})


class KeyView(KnownQuery):
    scopes = {"GET": Scope.KEYS, "PATCH": Scope.KEYS, "DELETE": Scope.KEYS}

    @extend_schema(operation_id="get_key", responses=KeySerializer)
    def get(self, request: Request, key_id: UUID) -> Response:
        """What it opens, when it was last used, and what is left of its budget."""
        return _answer(get_object_or_404(_seen_by(request), pk=key_id), request)

    @extend_schema(
        operation_id="change_key", request=KeyChangeSerializer, responses={200: KeySerializer}
    )
    def patch(self, request: Request, key_id: UUID) -> Response:
        """Another name or purpose, fewer scopes, another budget or end. What it loses is lost, for
        good, to the keys that it made as well. With a key: those that it made, and not itself."""
        seen = _seen_by(request)
        get_object_or_404(seen, pk=key_id)
        asked = KeyChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        with keys.held(key_id) as key:
            conditions.refuse_unless(request, tag_of(key), "key")
            keys.change(key, by=key_of(request), **asked.columns_for(key))
        return _answer(key, request)

    @extend_schema(operation_id="revoke_key", responses={204: None})
    def delete(self, request: Request, key_id: UUID) -> Response:
        """End a key, and those that were made with it. What it has submitted goes on."""
        keys.revoke(get_object_or_404(_seen_by(request), pk=key_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class TicketSerializer(serializers.Serializer[Any]):
    ticket = serializers.CharField()
    expires_in_s = serializers.IntegerField()


class TicketsView(KnownQuery):
    scopes = {"POST": Scope.READ}

    @extend_schema(operation_id="create_ticket", request=None, responses={201: TicketSerializer})
    def post(self, request: Request) -> Response:
        """For a browser's websocket, which takes no header: `?ticket=`, within a minute."""
        ticket = keys.ticket(request.user, key_of(request))
        told = {"ticket": ticket, "expires_in_s": keys.TICKET_LASTS_S}
        return Response(told, status.HTTP_201_CREATED)


class WhoView(KnownQuery):
    # Whatever else a key opens, it may ask what it is.
    permission_classes = [IsAuthenticated]

    @extend_schema(operation_id="get_me", responses=WhoSerializer)
    def get(self, request: Request) -> Response:
        """Who you are here, what your key opens, and what is left of its budget."""
        who = {"user": request.user.get_username(), "key": key_of(request)}
        return Response(WhoSerializer(who, context={"request": request}).data)


def tag_of(key: ApiKey) -> str:
    """Which version of the key it is: of what may be changed of it, not of what it has used."""
    ends = [key.expires_at, key.revoked_at]
    return conditions.tag_of(key.name, key.purpose, key.scopes, *ends, budget_of(key))


def _answer(key: ApiKey, request: Request) -> Response:
    told = KeySerializer(key, context={"request": request}).data
    return Response(told, headers={"ETag": tag_of(key)})


def _seen_by(request: Request) -> QuerySet[ApiKey]:
    """A person's keys; to a key itself and what it made."""
    found = ApiKey.objects.visible_to(request.user)
    if (key := key_of(request)) is None:
        return found
    return found.filter(pk=key.pk) | found.filter(made_by=key)
