"""What is said to a submission beside the job itself."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from jobs import lifecycle
from jobs.models import Job

from . import conditions, submitting
from .addresses import address


def headers_of(job: Job, request: Request) -> dict[str, str]:
    """Where the job is and, while it is not over, when to ask for it."""
    headers = {"Location": address("api:job", [job.pk], request)}
    if not job.is_final:
        headers["Retry-After"] = str(conditions.retry_after_s(job))
    return headers


def reuse(job: Job, request: Request, body: Any = None) -> dict[str, Any]:
    """Whether the job is a new one.

    :param body: the submission that it answers, where one did.
    """
    return {
        "outcome": _outcome(job),
        "reason": job.reused_because or lifecycle.why_new(),
        **submitting.not_applied(job, body, request),
    }


def _outcome(job: Job) -> str:
    if not job.reused_because:
        return "new"
    return "hit" if job.is_final else "coalesced"
