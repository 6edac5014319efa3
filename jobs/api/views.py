"""REST v1: one call into the lifecycle each."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import FileResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

import simulations
from jobs import downloads, events, lifecycle
from jobs.models import Artifact, Job
from jobs.states import JobState

from .serializers import (
    EventPageSerializer,
    JobSerializer,
    JobSummarySerializer,
    SimulationSerializer,
    SubmissionSerializer,
    submission_schema,
)

EVENTS_A_PAGE = 500
RETRY_AFTER_S = 2


class JobsView(generics.ListAPIView[Job]):
    serializer_class = JobSummarySerializer

    def get_queryset(self) -> QuerySet[Job]:
        jobs = Job.objects.visible_to(self.request.user)
        wanted = self.request.query_params
        if state := wanted.get("state"):
            if state not in JobState.values:
                choices = ", ".join(JobState.values)
                raise ValidationError({"state": f"{state!r} is none of {choices}."})
            jobs = jobs.filter(state=state)
        if simulation := wanted.get("simulation"):
            jobs = jobs.filter(simulation=simulation)
        return jobs

    @extend_schema(
        operation_id="list_jobs",
        parameters=[
            OpenApiParameter("state", enum=JobState.values),
            OpenApiParameter("simulation", str),
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        operation_id="submit_job", request=submission_schema(), responses={202: JobSerializer}
    )
    def post(self, request: Request) -> Response:
        """Accept a job and answer with its id at once; it runs on its own."""
        submission = SubmissionSerializer(data=request.data)
        submission.is_valid(raise_exception=True)
        data = submission.validated_data
        limits = data.pop("limits", {})
        job = lifecycle.submit(
            owner=request.user, wall_time_limit_s=limits.get("wall_time_s"), **data
        )
        headers = {
            "Location": reverse("api:job", [job.pk], request=request),
            "Retry-After": str(RETRY_AFTER_S),
        }
        return _job_answer(job, request, status.HTTP_202_ACCEPTED, headers)


class JobView(APIView):
    @extend_schema(operation_id="get_job", responses=JobSerializer)
    def get(self, request: Request, job_id: UUID) -> Response:
        job = _visible_job(request, job_id)
        headers = {} if job.is_final else {"Retry-After": str(RETRY_AFTER_S)}
        return _job_answer(job, request, status.HTTP_200_OK, headers)


class JobCancelView(APIView):
    @extend_schema(operation_id="cancel_job", request=None, responses={202: JobSerializer})
    def post(self, request: Request, job_id: UUID) -> Response:
        """Ask a job to stop. It is `cancelled` once its process is known to be gone."""
        job = _visible_job(request, job_id)
        lifecycle.request_cancel(job, by=request.user)
        return _job_answer(job, request, status.HTTP_202_ACCEPTED)


class JobEventsView(APIView):
    @extend_schema(
        operation_id="list_job_events",
        parameters=[OpenApiParameter("after", int, description="The last `seq` that you have.")],
        responses=EventPageSerializer,
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        after = request.query_params.get("after", "0")
        if not events.is_seq(after):
            raise ValidationError({"after": "expected a whole number, the last seq that you have."})
        job = _visible_job(request, job_id)
        found = events.after(job, int(after), EVENTS_A_PAGE)
        body = {
            "events": [events.to_wire(event) for event in found],
            "last_seq": job.last_seq,
            "state": job.state,
        }
        return Response(body)


class ArtifactView(APIView):
    @extend_schema(operation_id="get_artifact", responses={(200, "*/*"): OpenApiTypes.BINARY})
    def get(self, request: Request, job_id: UUID, artifact_id: UUID) -> FileResponse:
        jobs = Job.objects.visible_to(request.user).filter(pk=job_id)
        artifact = get_object_or_404(
            Artifact.objects.select_related("job"), pk=artifact_id, job__in=jobs
        )
        return downloads.answer(artifact)


class SimulationsView(APIView):
    @extend_schema(operation_id="list_simulations", responses=SimulationSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(SimulationSerializer(simulations.all_simulations(), many=True).data)


def _visible_job(request: Request, job_id: UUID) -> Job:
    jobs = Job.objects.visible_to(request.user).prefetch_related("artifacts")
    return get_object_or_404(jobs, pk=job_id)


def _job_answer(
    job: Job, request: Request, code: int, headers: dict[str, str] | None = None
) -> Response:
    return Response(JobSerializer(job, context={"request": request}).data, code, headers=headers)
