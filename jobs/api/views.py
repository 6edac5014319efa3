"""REST v1: one call into the lifecycle each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import downloads, equality, events, lifecycle, mending
from jobs.budget import Budget
from jobs.models import Artifact, Job
from jobs.outlook import InsideLock, Outlook
from jobs.states import JobState, Scope
from jobs.webhooks import endpoints as webhooks

from . import conditions, idempotency, listing, receipts, submitting, telling
from .base import KnownQuery
from .keyring import origin_of
from .query import EventsQuery, ListQuery, Shape, parameters, read
from .serializers import (
    ChangeSerializer,
    EventPageSerializer,
    JobPageSerializer,
    JobSerializer,
    NearestSerializer,
    RestartSerializer,
    RunAgainSerializer,
    SubmittedSerializer,
)
from .submission_schema import submission_schema

EVENTS_A_PAGE = 500
WHOLE = Shape()


class JobsView(KnownQuery):
    scopes = {"POST": Scope.SUBMIT}

    @extend_schema(
        operation_id="list_jobs", parameters=parameters(ListQuery), responses=JobPageSerializer
    )
    def get(self, request: Request) -> Response:
        """Yours, newest first."""
        return listing.answer(request)

    @extend_schema(
        operation_id="submit_job",
        parameters=parameters(Shape),
        request=submission_schema(),
        responses={
            202: SubmittedSerializer,
            200: OpenApiResponse(SubmittedSerializer, "An equal job has succeeded: its result."),
        },
    )
    def post(self, request: Request) -> Response:
        """Accept a job and answer with its id at once; it runs on its own."""
        telling.wanted(request)  # refused before anything is done
        return _submit(request, request.data)


class JobView(KnownQuery):
    scopes = {"PATCH": Scope.CANCEL}

    @extend_schema(operation_id="get_job", parameters=parameters(Shape), responses=JobSerializer)
    def get(self, request: Request, job_id: UUID) -> Response:
        """State, why it waits, progress, newest quantities, result or error, attempts, files."""
        outlook = Outlook()
        if answer := conditions.not_modified(request, job_id, outlook):
            return answer
        shape = telling.wanted(request)
        job = telling.visible_job(request, job_id)
        return _job_answer(job, request, status.HTTP_200_OK, shape, outlook)

    @extend_schema(
        operation_id="change_job", request=ChangeSerializer, responses={200: JobSerializer}
    )
    def patch(self, request: Request, job_id: UUID) -> Response:
        """Give a job that still waits another priority."""
        job = telling.visible_job(request, job_id)
        change = ChangeSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        with conditions.unchanged(request, job):
            lifecycle.set_priority(
                job,
                change.validated_data["priority"],
                by=request.user,
                origin=origin_of(request),
            )
        return _job_answer(job, request, status.HTTP_200_OK)


class JobCancelView(KnownQuery):
    scopes = {"POST": Scope.CANCEL}

    @extend_schema(operation_id="cancel_job", request=None, responses={202: JobSerializer})
    def post(self, request: Request, job_id: UUID) -> Response:
        """Ask a job to stop. It is `cancelled` once its process is known to be gone."""
        job = telling.visible_job(request, job_id)
        try:
            with conditions.unchanged(request, job):
                lifecycle.request_cancel(job, by=request.user, origin=origin_of(request))
        except lifecycle.IllegalTransition:
            if job.state != JobState.CANCELLED:  # asked twice, it is what was asked for
                raise
        return _job_answer(job, request, status.HTTP_202_ACCEPTED)


class JobRunAgainView(KnownQuery):
    scopes = {"POST": Scope.SUBMIT}

    @extend_schema(
        operation_id="run_job_again",
        parameters=parameters(Shape),
        request=RunAgainSerializer,
        responses={202: SubmittedSerializer, 200: SubmittedSerializer},
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """A new job with the same input, from the beginning; or with `patch`, a JSON merge patch,
        applied to the submission that made it, as `explain` proposes one."""
        telling.wanted(request)
        job = telling.visible_job(request, job_id)
        patch = submitting.patch_in(request)
        if patch is None:
            again = partial(lifecycle.run_again, job, owner=request.user, origin=origin_of(request))
            return _new_job(request, again)
        body = mending.patched(submitting.body_of(job), patch)
        return _submit(request, body)


class JobRestartView(KnownQuery):
    scopes = {"POST": Scope.SUBMIT}

    @extend_schema(
        operation_id="restart_job",
        parameters=parameters(Shape),
        request=RestartSerializer,
        responses={202: SubmittedSerializer},
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """A new job that goes on from where this one was stopped, with more time, say."""
        telling.wanted(request)
        asked = RestartSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        limits = Budget(**asked.validated_data.get("limits", {}))
        job = telling.visible_job(request, job_id)
        by: dict[str, Any] = {"owner": request.user, "origin": origin_of(request)}
        return _new_job(request, partial(lifecycle.restart, job, limits=limits, **by))


class JobNearestView(KnownQuery):
    @extend_schema(operation_id="get_nearest_job", responses=NearestSerializer)
    def get(self, request: Request, job_id: UUID) -> Response:
        """Why the job was computed anew: the most similar one before it, and what differs."""
        found = equality.nearest(telling.visible_job(request, job_id))
        return Response(NearestSerializer(found, context={"request": request}).data)


class JobEventsView(KnownQuery):
    @extend_schema(
        operation_id="list_job_events",
        parameters=parameters(EventsQuery),
        responses=EventPageSerializer,
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        """What happened to it, oldest first, at most 500 at once: go on with `after`."""
        query = read(EventsQuery, request)
        job = telling.visible_job(request, job_id)
        found = events.after(job, query.after, EVENTS_A_PAGE)
        body = {
            "events": [events.to_wire(event, job) for event in found],
            "last_seq": job.last_seq,
            "state": job.state,
        }
        return Response(body)


class ArtifactView(KnownQuery):
    @extend_schema(operation_id="get_artifact", responses={(200, "*/*"): OpenApiTypes.BINARY})
    def get(self, request: Request, job_id: UUID, artifact_id: UUID) -> HttpResponseBase:
        """A file that the job made, whole or in part; `ETag` and `Repr-Digest` are its SHA-256."""
        jobs = Job.objects.visible_to(request.user).filter(pk=job_id)
        artifact = get_object_or_404(
            Artifact.objects.select_related("job"), pk=artifact_id, job__in=jobs
        )
        return downloads.answer(artifact, request._request)


def _submitted(
    job: Job, request: Request, body: Any = None, outlook: Outlook | None = None
) -> Response:
    """202 while there is something to wait for; 200 with a result that was there already."""
    code = status.HTTP_200_OK if job.is_final else status.HTTP_202_ACCEPTED
    reuse = receipts.reuse(job, request, body)
    told = telling.of(job, telling.wanted(request), request, outlook, reuse=reuse)
    return Response(told, code, headers=receipts.headers_of(job, request))


def _submit(request: Request, body: Any) -> Response:
    wanted = submitting.asked(request, body)
    webhook = wanted.pop("webhook", None)

    def attach(job: Job) -> None:
        if webhook:
            webhooks.attach(job, key=wanted["origin"].key, **webhook)

    return _new_job(request, partial(lifecycle.submit, **wanted), attach, body)


def _new_job(
    request: Request,
    make: Callable[..., Job],
    also: Callable[[Job], None] = lambda job: None,
    body: Any = None,
) -> Response:
    """The answer to what makes a job, the same when it is asked for again under its key.

    :param body: the submission that asked for it, where one did.
    """

    def act(keep: idempotency.Keep) -> Response:
        def accepted(job: Job) -> None:
            also(job)
            keep(lambda: _submitted(job, request, body, InsideLock()))

        return _submitted(make(also=accepted), request, body)

    return idempotency.once(request, act)


def _job_answer(
    job: Job,
    request: Request,
    code: int,
    shape: Shape = WHOLE,
    outlook: Outlook | None = None,
) -> Response:
    outlook = outlook or Outlook()
    headers = conditions.headers_of(job, outlook)
    return Response(telling.of(job, shape, request, outlook), code, headers=headers)
