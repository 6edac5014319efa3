"""REST v1: one call into the lifecycle each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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
from jobs import downloads, equality, events, lifecycle
from jobs.budget import Budget
from jobs.models import Artifact, Job
from jobs.states import FailureKind, JobState

from . import idempotency
from .serializers import (
    ChangeSerializer,
    EventPageSerializer,
    JobSerializer,
    JobSummarySerializer,
    NearestSerializer,
    RestartSerializer,
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
            jobs = jobs.filter(simulation=_canonical(simulation))
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
        limits = Budget(**data.pop("limits", {}))
        retry = data.pop("retry", {})

        def submit(keep: idempotency.Keep) -> Response:
            job = lifecycle.submit(
                owner=request.user,
                limits=limits,
                max_attempts=retry.get("max_attempts"),
                retry_on=[FailureKind(kind) for kind in retry.get("on", ())],
                also=lambda job: keep(_submitted(job, request)),
                **data,
            )
            return _submitted(job, request)

        return idempotency.once(request, submit)


class JobView(APIView):
    @extend_schema(operation_id="get_job", responses=JobSerializer)
    def get(self, request: Request, job_id: UUID) -> Response:
        job = _visible_job(request, job_id)
        headers = {} if job.is_final else {"Retry-After": str(RETRY_AFTER_S)}
        return _job_answer(job, request, status.HTTP_200_OK, headers)

    @extend_schema(
        operation_id="change_job", request=ChangeSerializer, responses={200: JobSerializer}
    )
    def patch(self, request: Request, job_id: UUID) -> Response:
        """Give a job that still waits another priority."""
        job = _visible_job(request, job_id)
        change = ChangeSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        lifecycle.set_priority(job, change.validated_data["priority"], by=request.user)
        return _job_answer(job, request, status.HTTP_200_OK)


class JobCancelView(APIView):
    @extend_schema(operation_id="cancel_job", request=None, responses={202: JobSerializer})
    def post(self, request: Request, job_id: UUID) -> Response:
        """Ask a job to stop. It is `cancelled` once its process is known to be gone."""
        job = _visible_job(request, job_id)
        try:
            lifecycle.request_cancel(job, by=request.user)
        except lifecycle.IllegalTransition:
            if job.state != JobState.CANCELLED:  # asked twice, it is what was asked for
                raise
        return _job_answer(job, request, status.HTTP_202_ACCEPTED)


class JobRunAgainView(APIView):
    @extend_schema(operation_id="run_job_again", request=None, responses={202: JobSerializer})
    def post(self, request: Request, job_id: UUID) -> Response:
        """A new job with the same input, from the beginning."""
        return _new_job(request, partial(lifecycle.run_again, _visible_job(request, job_id)))


class JobRestartView(APIView):
    @extend_schema(
        operation_id="restart_job", request=RestartSerializer, responses={202: JobSerializer}
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """A new job that goes on from where this one was stopped, with more time, say."""
        asked = RestartSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        limits = Budget(**asked.validated_data.get("limits", {}))
        job = _visible_job(request, job_id)
        return _new_job(request, partial(lifecycle.restart, job, limits=limits))


class JobNearestView(APIView):
    @extend_schema(operation_id="get_nearest_job", responses=NearestSerializer)
    def get(self, request: Request, job_id: UUID) -> Response:
        """Why the job was computed anew: the most similar one before it, and what differs."""
        found = equality.nearest(_visible_job(request, job_id))
        return Response(NearestSerializer(found, context={"request": request}).data)


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


def _submitted(job: Job, request: Request) -> Response:
    """202 while there is something to wait for; 200 with a result that was there already."""
    headers = {"Location": reverse("api:job", [job.pk], request=request)}
    if not job.is_final:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    code = status.HTTP_200_OK if job.is_final else status.HTTP_202_ACCEPTED
    answer = _job_answer(job, request, code, headers)
    answer.data["reuse"] = {
        "outcome": _reuse_outcome(job),
        "reason": job.reused_because or "No equal job of yours has succeeded or is on its way.",
    }
    return answer


def _reuse_outcome(job: Job) -> str:
    if not job.reused_because:
        return "new"
    return "hit" if job.is_final else "coalesced"


def _canonical(simulation: str) -> str:
    """The name that jobs are stored under; one that is no longer installed is its own."""
    try:
        return simulations.get(simulation).name
    except KeyError:
        return simulation


def _visible_job(request: Request, job_id: UUID) -> Job:
    jobs = Job.objects.visible_to(request.user).prefetch_related("artifacts")
    return get_object_or_404(jobs, pk=job_id)


def _new_job(request: Request, make: Callable[..., Job]) -> Response:
    """The answer to what makes a job of an old one, the same when it is asked for again."""

    def act(keep: idempotency.Keep) -> Response:
        job = make(owner=request.user, also=lambda job: keep(_submitted(job, request)))
        return _submitted(job, request)

    return idempotency.once(request, act)


def _job_answer(
    job: Job, request: Request, code: int, headers: dict[str, str] | None = None
) -> Response:
    return Response(JobSerializer(job, context={"request": request}).data, code, headers=headers)
