"""Links to one file that need no credentials and expire: for a browser, a viewer, a colleague."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core import signing
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.crypto import constant_time_compare
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from jobs import downloads
from jobs.models import Artifact, Job
from jobs.states import Scope

from .base import KnownQuery
from .serializers import StrictSerializer

DEFAULT_S = 3600
MOST_S = 7 * 24 * 3600
SIGNER = signing.Signer(salt="jobs.artifact")


class LinkExpired(exceptions.APIException):
    status_code = status.HTTP_410_GONE
    default_code = "link_expired"
    default_detail = "This link has expired. Ask for a new one where you got it."


class LifetimeSerializer(StrictSerializer):
    expires_in_s = serializers.IntegerField(
        min_value=1, max_value=MOST_S, required=False, default=DEFAULT_S
    )


class SignedLinkSerializer(serializers.Serializer[Any]):
    url = serializers.URLField()
    expires_at = serializers.DateTimeField()


class ArtifactLinkView(KnownQuery):
    scopes = {"POST": Scope.READ}

    @extend_schema(
        operation_id="sign_artifact_url",
        request=LifetimeSerializer,
        responses={201: SignedLinkSerializer},
    )
    def post(self, request: Request, job_id: UUID, artifact_id: UUID, **kwargs: Any) -> Response:
        """A link that whoever has it may fetch this one file by, until it expires."""
        jobs = Job.objects.visible_to(request.user).filter(pk=job_id)
        artifact = get_object_or_404(Artifact, pk=artifact_id, job__in=jobs)
        wish = LifetimeSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        until = int(time.time()) + wish.validated_data["expires_in_s"]
        query = urlencode({"until": until, "signature": _signature(artifact_id, str(until))})
        url = reverse("api:signed-artifact", [artifact.pk], request=request)
        told = {"url": f"{url}?{query}", "expires_at": datetime.fromtimestamp(until, UTC)}
        return Response(SignedLinkSerializer(told).data, status.HTTP_201_CREATED)


class SignedArtifactView(KnownQuery):
    authentication_classes = []
    permission_classes = []

    @extend_schema(
        operation_id="get_signed_artifact",
        parameters=[
            OpenApiParameter("until", int, required=True, description="As the link has it."),
            OpenApiParameter("signature", str, required=True, description="As the link has it."),
        ],
        responses={(200, "*/*"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, artifact_id: UUID, **kwargs: Any) -> HttpResponseBase:
        """The file that the link was made for."""
        until = request.query_params.get("until", "")
        given = request.query_params.get("signature", "")
        if not constant_time_compare(given, _signature(artifact_id, until)):
            raise exceptions.NotFound
        if time.time() > int(until):
            raise LinkExpired
        artifact = get_object_or_404(Artifact.objects.select_related("job"), pk=artifact_id)
        return downloads.answer(artifact, request._request)


def _signature(artifact_id: UUID, until: str) -> str:
    return SIGNER.signature(f"{artifact_id}:{until}")
