"""Yes or no to a job that waits for it."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import lifecycle
from jobs.models import Job
from jobs.outlook import Outlook
from jobs.states import Scope

from . import conditions, telling
from .base import KnownQuery
from .keyring import origin_of
from .query import Shape
from .serializers import JobSerializer, StrictSerializer


class RejectionSerializer(StrictSerializer):
    why = serializers.CharField(max_length=500, default="", allow_blank=True)


class ApproveView(KnownQuery):
    scopes = {"POST": Scope.APPROVE}

    @extend_schema(operation_id="approve_job", request=None, responses=JobSerializer)
    def post(self, request: Request, job_id: UUID) -> Response:
        """Let a job start that waits for approval. A key has no say on its own jobs."""
        job = _job(request, job_id)
        with conditions.unchanged(request, job):
            lifecycle.approve(job, by=request.user, origin=origin_of(request))
        return _told(job, request)


class RejectView(KnownQuery):
    scopes = {"POST": Scope.APPROVE}

    @extend_schema(operation_id="reject_job", request=RejectionSerializer, responses=JobSerializer)
    def post(self, request: Request, job_id: UUID) -> Response:
        """Cancel a job that waits for approval, and say why."""
        said = RejectionSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        job = _job(request, job_id)
        why = said.validated_data["why"]
        with conditions.unchanged(request, job):
            lifecycle.reject(job, by=request.user, why=why, origin=origin_of(request))
        return _told(job, request)


def _job(request: Request, job_id: UUID) -> Job:
    return get_object_or_404(Job.objects.visible_to(request.user), pk=job_id)


def _told(job: Job, request: Request) -> Response:
    outlook = Outlook()
    headers = conditions.headers_of(job, outlook)
    return Response(telling.of(job, Shape(), request, outlook), headers=headers)
