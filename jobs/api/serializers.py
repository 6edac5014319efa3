"""The wire form of a job, and of what may be submitted."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

import simulations
from jobs import lifecycle, references
from jobs.abilities import needs
from jobs.budget import LEAST
from jobs.models import Artifact, Attempt, Job
from jobs.outlook import Outlook
from jobs.placement import AUTO
from jobs.states import (
    RETRIED,
    RETRIED_IF_ASKED,
    FailureKind,
    JobState,
    Priority,
    Reason,
)
from jobs.webhook_models import OF_JOBS

from .addresses import address
from .choices import ChoiceField
from .once_made import told_by
from .placing import BackendField, PlacementSerializer, QueueField
from .webhook_fields import EventsField, WebhookURLField

MAX_TAGS = 50


class ArtifactSerializer(serializers.ModelSerializer[Artifact]):
    url = serializers.SerializerMethodField()
    partial = serializers.BooleanField(source="is_partial")  # type: ignore[assignment]
    expired_at = serializers.DateTimeField(source="removed_at", allow_null=True)

    class Meta:
        model = Artifact
        fields = [
            "id", "name", "title", "media_type", "size_bytes", "sha256", "attempt", "partial",
            "expired_at", "url",
        ]  # fmt: skip

    def get_url(self, artifact: Artifact) -> str:
        args = [artifact.job_id, artifact.pk]
        return address("api:artifact", args, self.context["request"])


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    """One try: who made it, and how it ended. Its traceback is for operators, in the admin."""

    failure_kind = serializers.ChoiceField(FailureKind.choices, allow_blank=True)

    class Meta:
        model = Attempt
        fields = [
            "number", "outcome", "worker", "host", "pid", "started_at", "heartbeat_at", "ended_at",
            "progress", "failure_kind", "evidence", "details", "peak_memory_mib", "cpu_seconds",
        ]  # fmt: skip


class JobSummarySerializer(serializers.ModelSerializer[Job]):
    """What a list shows: everything but the bulk."""

    key = serializers.CharField(source="key.prefix", default=None, allow_null=True)
    failure_kind = serializers.ChoiceField(FailureKind.choices, allow_blank=True)
    approval = serializers.SerializerMethodField()
    priority = serializers.CharField(source="priority_word")
    reason = serializers.SerializerMethodField()
    reason_text = serializers.SerializerMethodField()
    cancelling = serializers.BooleanField(source="is_cancelling")
    links = serializers.SerializerMethodField()

    class Meta:
        model = Job
        fields = [
            "id", "simulation", "name", "tags", "key", "agent", "purpose", "approval",
            "priority", "state", "reason", "reason_text",
            "cancelling", "progress", "stage", "message", "metrics", "failure_kind", "attempt",
            "max_attempts", "summary", "last_seq", "created_at", "started_at", "finished_at",
            "links",
        ]  # fmt: skip
        read_only_fields = fields

    def get_approval(self, job: Job) -> str | None:
        """`awaited`, `given` or `refused`; null where nobody has to say yes (any more)."""
        return job.approval or None

    def get_reason(self, job: Job) -> str | None:
        return job.reason or None

    def get_reason_text(self, job: Job) -> str | None:
        return Reason(job.reason).label if job.reason else None

    def get_links(self, job: Job) -> dict[str, str]:
        def link(name: str) -> str:
            return address(name, [job.pk], self.context["request"])

        return {
            "self": link("api:job"),
            "events": link("api:job-events"),
            "result": link("api:job-result"),
            "explain": link("api:job-explain"),
            "cancel": link("api:job-cancel"),
            "page": link("jobs:detail"),
        }


def _was_never_tried(job: Job) -> bool:
    """It waits for its first attempt, and so has none, nor what one would leave."""
    return job.state == JobState.QUEUED and job.attempt == 1


class NoteSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class JobSerializer(JobSummarySerializer):
    """Everything: input as it was understood, result or error, files."""

    artifacts = serializers.SerializerMethodField()
    attempts = serializers.SerializerMethodField()
    limits = serializers.SerializerMethodField()
    retry = serializers.SerializerMethodField()
    files_kept_until = serializers.DateTimeField(allow_null=True)
    waiting = serializers.SerializerMethodField()
    placement = serializers.SerializerMethodField()
    notes = serializers.SerializerMethodField()

    class Meta(JobSummarySerializer.Meta):
        fields = [
            *JobSummarySerializer.Meta.fields,
            "waiting", "placement", "params", "structure", "notes", "estimate", "wall_time_limit_s",
            "limits", "retry", "restarted_from", "attempts",
            "result", "methods", "provenance", "error", "artifacts", "files_kept_until",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(ArtifactSerializer(many=True))
    def get_artifacts(self, job: Job) -> list[dict[str, Any]]:
        if _was_never_tried(job):
            return []
        return told_by(ArtifactSerializer, job.artifacts.all(), {**self.context})

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, job: Job) -> list[dict[str, Any]]:
        if _was_never_tried(job):
            return []
        attempts = sorted(job.attempts.all(), key=attrgetter("number"))
        return told_by(AttemptSerializer, attempts, {})

    def get_limits(self, job: Job) -> dict[str, int]:
        """What each attempt may use, the site's own share where the submission named none."""
        return job.budget.told()

    def get_retry(self, job: Job) -> dict[str, Any]:
        """After which kinds of failure it is tried again, and how often without getting further."""
        kinds = sorted(str(kind) for kind in RETRIED)
        return {"max_attempts": job.max_attempts, "on": [*kinds, *job.retry_on]}

    def get_links(self, job: Job) -> dict[str, str]:
        """Those of a summary, its log and its stream of events, and what may be done with it now
        that it has ended."""
        links = super().get_links(job)
        more = {"log": "api:job-log", "stream": "api:job-event-stream"}
        if job.is_final:
            more["run_again"] = "api:job-run-again"
        if job.is_final and not lifecycle.why_no_restart(job):
            more["restart"] = "api:job-restart"
        request = self.context["request"]
        return links | {word: address(name, [job.pk], request) for word, name in more.items()}

    def get_reason(self, job: Job) -> str | None:
        """While it waits, that of `waiting`: what was stored may have changed since."""
        waits = self._outlook.why(job)
        return waits.reason if waits else super().get_reason(job)

    def get_reason_text(self, job: Job) -> str | None:
        waits = self._outlook.why(job)
        return waits.text if waits else super().get_reason_text(job)

    @extend_schema_field(PlacementSerializer)
    def get_placement(self, job: Job) -> dict[str, Any]:
        """Where it runs, why there, and what a worker must have to take it."""
        why = job.placement.get("why", "")
        return {"backend": job.backend, "queue": job.queue, "why": why, "needs": needs(job)}

    @extend_schema_field(NoteSerializer(many=True))
    def get_notes(self, job: Job) -> list[dict[str, Any]]:
        """What to know of it: first of the submission, then of the run, each once."""
        said = [*(job.notes or []), *((job.result or {}).get("notes") or [])]
        once = {(each.get("code"), each.get("message")): each for each in reversed(said)}
        return [*reversed(once.values())]

    @property
    def _outlook(self) -> Outlook:
        context: Any = self.context
        outlook: Outlook = context.setdefault("outlook", Outlook())
        return outlook

    def get_waiting(self, job: Job) -> dict[str, Any] | None:
        """Why it waits, and about the how-manieth it is to start; null once it does not wait."""
        outlook = self._outlook
        explained = outlook.why(job)
        if explained is None:
            return None
        return explained.told() | {"starts_in_s": outlook.starts_in_s(job)}


class JobPageSerializer(serializers.Serializer[Any]):
    """One answer's worth of jobs, and where the next begins; both null at the end."""

    results = JobSummarySerializer(many=True)
    next = serializers.URLField(allow_null=True)
    next_cursor = serializers.CharField(allow_null=True)
    unknown_ids = serializers.ListField(child=serializers.CharField(), required=False)


class ReuseSerializer(serializers.Serializer[Any]):
    """:param not_applied: of what was sent with it, that which the job that was there has not."""

    outcome = serializers.ChoiceField(["new", "hit", "coalesced"])
    reason = serializers.CharField()
    not_applied = serializers.ListField(child=serializers.CharField())
    not_applied_text = serializers.CharField(allow_null=True)


class SubmittedSerializer(JobSerializer):
    """The job, and whether it is a new one."""

    reuse = ReuseSerializer()

    class Meta(JobSerializer.Meta):
        fields = [*JobSerializer.Meta.fields, "reuse"]
        read_only_fields = fields


class DifferenceSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    here = serializers.JSONField()
    there = serializers.JSONField()


class NearestSerializer(serializers.Serializer[Any]):
    """The job that a submission was nearly equal to; empty where there is none."""

    nearest = JobSummarySerializer(source="job", allow_null=True)
    differences = DifferenceSerializer(many=True)


class EventSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    kind = serializers.CharField()
    at = serializers.DateTimeField()
    state = serializers.CharField()
    reason = serializers.CharField()
    progress = serializers.FloatField()
    message = serializers.CharField()
    stage = serializers.CharField()
    agent = serializers.CharField(required=False)
    purpose = serializers.CharField(required=False)
    points = serializers.ListField(required=False)
    log = serializers.CharField(required=False)
    evidence = serializers.CharField(required=False)
    details = serializers.DictField(required=False)


class EventPageSerializer(serializers.Serializer[Any]):
    events = EventSerializer(many=True)
    last_seq = serializers.IntegerField()
    state = serializers.CharField()


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses what it does not know: a misspelt limit would be no limit."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := data.keys() - self.fields.keys()):
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {name: [f"There is no such field; expected {known}."] for name in [*unknown][:20]},
                "unknown_field",
            )
        return super().to_internal_value(data)


class LimitsSerializer(StrictSerializer):
    """What one attempt may use, each within what the site allows."""

    def get_fields(self) -> dict[str, Any]:
        most = settings.JOB_MOST
        return {
            name: serializers.IntegerField(min_value=least, max_value=most[name], required=False)
            for name, least in LEAST.items()
        }


class RetrySerializer(StrictSerializer):
    max_attempts = serializers.IntegerField(
        min_value=1, max_value=settings.JOB_MOST_ATTEMPTS, required=False
    )
    on = serializers.ListField(
        child=ChoiceField(sorted(str(kind) for kind in RETRIED_IF_ASKED)),
        required=False,
        max_length=len(RETRIED_IF_ASKED),
    )


class RunAgainSerializer(StrictSerializer):
    patch = serializers.DictField(
        required=False, help_text="A JSON merge patch (RFC 7396) on the submission."
    )


class RestartSerializer(StrictSerializer):
    limits = LimitsSerializer(required=False)


class TagsField(serializers.ListField):
    """Counted first: two hundred thousand tags are not looked at one by one."""

    child = serializers.CharField(max_length=100)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, list) and len(data) > MAX_TAGS:
            raise serializers.ValidationError(f"At most {MAX_TAGS} tags; these are {len(data)}.")
        return super().to_internal_value(data)


class PriorityField(ChoiceField):
    """A word on the wire, a number inside."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=list(Priority.words()), **options)

    def to_internal_value(self, data: Any) -> Any:
        return Priority.words()[super().to_internal_value(data)]


class ChangeSerializer(StrictSerializer):
    priority = PriorityField()


class JobWebhookSerializer(StrictSerializer):
    """Where to tell of this one job."""

    url = WebhookURLField()
    events = EventsField(OF_JOBS, required=False)


class SubmissionSerializer(StrictSerializer):
    simulation = serializers.CharField(max_length=100)
    params = serializers.DictField()
    name = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    tags = TagsField(required=False, default=list)
    purpose = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)
    priority = PriorityField(required=False, default=Priority.NORMAL)
    backend = BackendField(required=False, default=AUTO)
    queue = QueueField(required=False, default=AUTO)
    limits = LimitsSerializer(required=False)
    retry = RetrySerializer(required=False)
    reuse = serializers.BooleanField(required=False, default=True)
    webhook = JobWebhookSerializer(required=False)


class PresetSerializer(serializers.Serializer[Any]):
    """Params that go well together, under a name."""

    key = serializers.CharField()
    title = serializers.CharField()
    words = serializers.CharField()
    params = serializers.DictField()


class SimulationSerializer(serializers.Serializer[Any]):
    """What agents read before they submit: each simulation with the schemas of both its ends."""

    name = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    version = serializers.CharField()
    available = serializers.BooleanField()
    stages = serializers.ListField(child=serializers.CharField())
    presets = PresetSerializer(many=True)
    params_schema = serializers.SerializerMethodField()
    result_schema = serializers.SerializerMethodField()

    def get_params_schema(self, sim: simulations.Simulation) -> dict[str, Any]:
        return references.in_schema(sim.Params.model_json_schema())

    def get_result_schema(self, sim: simulations.Simulation) -> dict[str, Any]:
        return sim.Result.model_json_schema()
