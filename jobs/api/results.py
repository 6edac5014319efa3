"""What a job has found, and nothing else: for whoever knows what was asked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from jobs.models import Job
from jobs.outlook import Outlook
from jobs.states import JobState

from . import conditions, telling
from .base import KnownQuery
from .query import Part, parameters, read
from .serializers import JobSummarySerializer
from .shape import fitted, picked, tree_of


class NoResult(exceptions.APIException):
    """The job has ended, and not with a result."""

    status_code = status.HTTP_409_CONFLICT

    def __init__(self, job: Job) -> None:
        self.job = job
        words = (job.error or {}).get("detail") or f"The job was {JobState(job.state)}."
        why = f"/api/v1/jobs/{job.pk}/explain says why, and what may be done."
        super().__init__(f"{words} {why}", f"job_{job.state}")


class JobResultView(KnownQuery):
    @extend_schema(
        operation_id="get_job_result",
        parameters=parameters(Part),
        responses={
            200: OpenApiResponse(OpenApiTypes.OBJECT, "As `result_schema` of the simulation says."),
            202: OpenApiResponse(JobSummarySerializer, "It is not over yet."),
        },
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        """The result alone: `202` while there is none yet, `409` where there will be none."""
        part = read(Part, request)
        job = telling.visible_job(request, job_id)
        if job.state == JobState.SUCCEEDED:
            return Response(_result(job, part, request))
        if job.is_final:
            raise NoResult(job)
        body = JobSummarySerializer(job, context={"request": request}).data
        return Response(
            body, status.HTTP_202_ACCEPTED, headers=conditions.headers_of(job, Outlook())
        )


def _result(job: Job, part: Part, request: Request) -> dict[str, Any]:
    result = job.result or {}
    telling.refuse_unknown(part, [*result], "This result")
    found = picked(result, tree_of(part.fields))
    if part.max_bytes is None:
        return found
    return fitted(found, part.max_bytes, reverse("api:job-result", [job.pk], request=request))
