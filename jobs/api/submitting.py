"""A submission's body: read, and written again from a job that came of one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from jobs import lifecycle, mending
from jobs.budget import Budget
from jobs.models import Job
from jobs.placement import AUTO, Asked
from jobs.states import FailureKind, Priority
from simulations import Busy, FieldError, InvalidParams, UnknownSimulation

from .keyring import may_look, origin_of
from .problems import InvalidSubmission, field_errors, translate
from .serializers import RunAgainSerializer, SubmissionSerializer

KEEPS_ITS_OWN = (
    'The job was there before and keeps what it has: send "reuse": false to have a new one with '
    "yours."
)


def asked(request: Request, body: Any) -> dict[str, Any]:
    """What `lifecycle.submit` takes.

    :raises InvalidSubmission: it is none, by all that is wrong with it, in its params too.
    """
    submission = read(body)
    if not submission.is_valid():
        raise _all_that_is_wrong(submission, request, body)
    return asked_by(request, submission)


def asked_by(request: Request, submission: SubmissionSerializer) -> dict[str, Any]:
    """As `asked`, of one that is valid."""
    data = dict(submission.validated_data)
    retry = data.pop("retry", {})
    return {
        "place": Asked.of(backend=data.pop("backend"), queue=data.pop("queue")),
        "owner": request.user,
        "origin": origin_of(request, data.pop("purpose")),
        "limits": Budget(**data.pop("limits", {})),
        "max_attempts": retry.get("max_attempts"),
        "retry_on": [FailureKind(kind) for kind in retry.get("on", ())],
        **data,
    }


_ready = threading.local()


def read(body: Any) -> SubmissionSerializer:
    """A body that is still to be looked at, by fields that this thread made before: to make them
    takes longer than to look.

    They depend on what the site allows, which is set for as long as it runs.
    """
    submission = SubmissionSerializer(data=body)
    allowed = (repr(settings.JOB_MOST), tuple(settings.BACKENDS))
    if getattr(_ready, "allowed", None) != allowed:
        _ready.allowed, _ready.fields = allowed, submission.fields
    else:
        submission.__dict__["fields"] = _ready.fields
    return submission


def _all_that_is_wrong(
    submission: SubmissionSerializer, request: Request, body: Any
) -> InvalidSubmission:
    errors = field_errors(ValidationError(submission.errors))
    readable = isinstance(body, dict) and not submission.errors.keys() & {"simulation", "params"}
    wrong = _wrong_params(request, body) if readable else []
    return InvalidSubmission([*errors, *wrong], mending.of_errors(wrong))


def _wrong_params(request: Request, body: dict[str, Any]) -> Sequence[FieldError]:
    """What is wrong with the simulation and its params, as far as that can be told now."""
    if not {"simulation", "params"} <= body.keys():
        return []
    try:
        lifecycle.prepare(
            owner=request.user, simulation=str(body["simulation"]), params=body["params"]
        )
    except (InvalidParams, UnknownSimulation) as exc:
        translated = translate(exc)
        assert isinstance(translated, InvalidSubmission)
        return translated.errors
    except Busy:
        pass  # what is known by now is told, and is enough to refuse it
    return []


def not_applied(job: Job, body: Any, request: Request) -> dict[str, Any]:
    """What the sender said of the job beside its input, and an equal one that was there has not.

    To who may not look, everything that was said: what that job has is not theirs to know.
    """
    said = body if job.reused_because and isinstance(body, dict) else {}
    has = {
        "name": job.name,
        "tags": sorted(job.tags),
        "purpose": job.purpose,
        "priority": job.priority_word,
        "backend": job.backend,
        "queue": job.queue,
    }
    given = {name: said[name] for name in has if said.get(name) not in (None, "", [], AUTO)}
    if "tags" in given:
        given["tags"] = sorted(given["tags"])
    differ = [name for name, value in given.items() if not may_look(request) or value != has[name]]
    return {"not_applied": differ, "not_applied_text": KEEPS_ITS_OWN if differ else None}


def patch_in(request: Request) -> dict[str, Any] | None:
    """The patch of a request that may have no body at all."""
    if int(request.META.get("CONTENT_LENGTH") or 0) == 0:
        return None
    given = RunAgainSerializer(data=request.data)
    given.is_valid(raise_exception=True)
    patch: dict[str, Any] | None = given.validated_data.get("patch")
    return patch


def body_of(job: Job) -> dict[str, Any]:
    """What would make the same job again."""
    budget = job.budget
    return {
        "simulation": job.simulation,
        "params": job.params,
        "name": job.name,
        "tags": job.tags,
        "purpose": job.purpose,
        # Urgent is the staff's to give, and was given for the one job.
        "priority": Priority(min(job.priority, Priority.HIGH)).name.lower(),
        "limits": {
            "wall_time_s": budget.wall_time_s,
            "memory_mib": budget.memory_mib,
            "disk_mib": budget.disk_mib,
            "threads": budget.threads,
        },
        "retry": {"max_attempts": job.max_attempts, "on": job.retry_on},
        **Asked.for_(job).said(),
    }
