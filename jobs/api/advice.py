"""Before a job: would this be taken, and how to mend it? After it: why is it as it is?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from jobs import lifecycle, mending
from jobs.checking import Verdict, check
from jobs.explaining import Action, explain, why_anew
from jobs.models import Job
from jobs.states import Scope
from simulations import InvalidParams, UnknownSimulation

from . import problems, submitting, telling
from .base import KnownQuery
from .keyring import key_of
from .serializers import (
    JobSerializer,
    JobSummarySerializer,
    NearestSerializer,
)
from .submission_schema import submission_schema

WRONG = (
    problems.InvalidSubmission, exceptions.ValidationError, exceptions.ParseError, InvalidParams,
    UnknownSimulation, lifecycle.NotAllowed,
)  # fmt: skip
"""What a submission is refused for that is its own fault."""
PATHS = {
    "approve_job": ("POST", "api:job-approve"),
    "cancel_job": ("POST", "api:job-cancel"),
    "change_job": ("PATCH", "api:job"),
    "reject_job": ("POST", "api:job-reject"),
    "restart_job": ("POST", "api:job-restart"),
    "run_job_again": ("POST", "api:job-run-again"),
}


class ProblemItemSerializer(serializers.Serializer[Any]):
    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()
    fix = serializers.DictField(required=False)


class SameSerializer(serializers.Serializer[Any]):
    """What a submission with `reuse` would be answered with."""

    outcome = serializers.ChoiceField(["new", "hit", "coalesced"])
    reason = serializers.CharField()
    job = JobSummarySerializer(allow_null=True)


class PlanSerializer(JobSerializer):
    """The job that a submission would make."""

    class Meta(JobSerializer.Meta):
        fields = [
            "simulation", "name", "tags", "priority", "placement", "params", "structure", "notes",
            "estimate", "limits", "retry",
        ]  # fmt: skip
        read_only_fields = fields


class OutlookSerializer(serializers.Serializer[Any]):
    queued = serializers.IntegerField()
    max_queued = serializers.IntegerField()
    running = serializers.IntegerField()
    max_running = serializers.IntegerField(allow_null=True)
    awaits_approval = serializers.BooleanField()
    place = serializers.IntegerField()
    starts_in_s = serializers.DictField(child=serializers.FloatField(), allow_null=True)


class VerdictSerializer(serializers.Serializer[Any]):
    """Whether it would be accepted, each thing that is wrong, and what it is understood as."""

    ok = serializers.BooleanField()
    errors = ProblemItemSerializer(many=True)  # type: ignore[assignment]
    patch = serializers.DictField(
        allow_null=True, help_text="A JSON merge patch on the submission: all the mends in one."
    )
    patch_suffices = serializers.BooleanField(
        allow_null=True, help_text="Tried: with the patch nothing is wrong."
    )
    job = PlanSerializer(allow_null=True)
    same = SameSerializer(allow_null=True)
    outlook = OutlookSerializer(allow_null=True)


class ActionSerializer(serializers.Serializer[Any]):
    operation = serializers.ChoiceField(list(PATHS))
    method = serializers.CharField()
    url = serializers.URLField()
    body = serializers.DictField(allow_null=True)
    why = serializers.CharField()


class AnewSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    nearest = NearestSerializer()


class ExplanationSerializer(serializers.Serializer[Any]):
    """Cause and evidence, and what may be done: by hand (`hints`) or by a program (`patch`,
    `actions`)."""

    id = serializers.UUIDField()
    state = serializers.CharField()
    cause = serializers.CharField()
    text = serializers.CharField()
    evidence = serializers.DictField()
    hints = serializers.ListField(child=serializers.CharField())
    patch = serializers.DictField(allow_null=True)
    actions = ActionSerializer(many=True)
    computed_anew = AnewSerializer()


class CheckView(KnownQuery):
    scopes = {"POST": Scope.READ}

    @extend_schema(
        operation_id="check_job", request=submission_schema(), responses=VerdictSerializer
    )
    def post(self, request: Request) -> Response:
        """Try a submission without making a job: what is wrong with it and how to mend that, what
        it is understood as, what it takes, and whether its answer is there already."""
        body = request.data
        try:
            verdict = _check(request, body)
        except WRONG as exc:
            return Response(_refused(request, body, exc))
        return Response(_accepted(request, verdict))


class JobExplainView(KnownQuery):
    @extend_schema(operation_id="explain_job", responses=ExplanationSerializer)
    def get(self, request: Request, job_id: UUID) -> Response:
        """Why it waits, failed, was cancelled or was computed anew, and what may be done."""
        job = telling.visible_job(request, job_id)
        found = explain(job)
        body = {
            "id": job.pk,
            "state": job.state,
            **asdict(found),
            "actions": [
                _action(request, job, each) for each in found.actions if _may(request, each)
            ],
            "computed_anew": why_anew(job),
        }
        return Response(ExplanationSerializer(body, context={"request": request}).data)


def _check(request: Request, body: Any) -> Verdict:
    wanted = submitting.asked(request, body)
    wanted.pop("webhook", None)
    return check(**wanted)


def _accepted(request: Request, verdict: Verdict) -> dict[str, Any]:
    context = {"request": request}
    errors = []
    if verdict.refusal:
        refusal = problems.translate(verdict.refusal)
        code = problems.code_of(refusal) if refusal else "refused"
        errors = [{"pointer": "", "code": code, "detail": str(verdict.refusal)}]
    same: dict[str, Any] = {"outcome": "new", "reason": why_anew(verdict.job).text, "job": None}
    if verdict.same:
        outcome = "hit" if verdict.same.is_final else "coalesced"
        reason = lifecycle.why_reused(verdict.same)
        same = {"outcome": outcome, "reason": reason, "job": verdict.same}
    return {
        "ok": not errors,
        "errors": errors,
        "patch": None,
        "patch_suffices": None,
        "job": PlanSerializer(verdict.job, context=context).data,
        "same": SameSerializer(same, context=context).data,
        "outlook": verdict.standing,
    }


def _refused(request: Request, body: Any, exc: Exception) -> dict[str, Any]:
    refusal = problems.translate(exc)
    assert refusal is not None
    patch = getattr(refusal, "patch", None)
    return {
        "ok": False,
        "errors": problems.items(refusal)
        or [{"pointer": "", "code": problems.code_of(refusal), "detail": str(refusal.detail)}],
        "patch": patch,
        "patch_suffices": _suffices(request, mending.patched(body, patch)) if patch else None,
        "job": None,
        "same": None,
        "outlook": None,
    }


def _suffices(request: Request, body: Any) -> bool:
    try:
        _check(request, body)
    except WRONG:
        return False
    return True


def _may(request: Request, action: Action) -> bool:
    """Whether a key that asks may say yes or no: another scope opens that."""
    key = key_of(request)
    takes_consent = action.operation in {"approve_job", "reject_job"}
    return key is None or not takes_consent or key.may(Scope.APPROVE)


def _action(request: Request, job: Job, action: Action) -> dict[str, Any]:
    method, name = PATHS[action.operation]
    return {**asdict(action), "method": method, "url": reverse(name, [job.pk], request=request)}
