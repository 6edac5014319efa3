"""The wire form of a job, and of what may be submitted."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, RootModel, create_model
from rest_framework import serializers
from rest_framework.reverse import reverse

import simulations
from jobs.models import Artifact, Job
from jobs.states import Reason

MAX_TAGS = 50


class ArtifactSerializer(serializers.ModelSerializer[Artifact]):
    url = serializers.SerializerMethodField()

    class Meta:
        model = Artifact
        fields = ["id", "name", "title", "media_type", "size_bytes", "sha256", "attempt", "url"]

    def get_url(self, artifact: Artifact) -> str:
        args = [artifact.job_id, artifact.pk]
        return reverse("api:artifact", args, request=self.context["request"])


class JobSummarySerializer(serializers.ModelSerializer[Job]):
    """What a list shows: everything but the bulk."""

    reason = serializers.SerializerMethodField()
    reason_text = serializers.SerializerMethodField()
    cancelling = serializers.BooleanField(source="is_cancelling")
    links = serializers.SerializerMethodField()

    class Meta:
        model = Job
        fields = [
            "id", "simulation", "name", "tags", "state", "reason", "reason_text", "cancelling",
            "progress", "stage", "message", "metrics", "failure_kind", "attempt", "max_attempts",
            "last_seq", "created_at", "started_at", "finished_at", "links",
        ]  # fmt: skip
        read_only_fields = fields

    def get_reason(self, job: Job) -> str | None:
        return job.reason or None

    def get_reason_text(self, job: Job) -> str | None:
        return Reason(job.reason).label if job.reason else None

    def get_links(self, job: Job) -> dict[str, str]:
        def link(name: str) -> str:
            return reverse(name, [job.pk], request=self.context["request"])

        return {
            "self": link("api:job"),
            "events": link("api:job-events"),
            "cancel": link("api:job-cancel"),
            "page": link("jobs:detail"),
        }


class JobSerializer(JobSummarySerializer):
    """Everything: input as it was understood, result or error, files."""

    artifacts = ArtifactSerializer(many=True)

    class Meta(JobSummarySerializer.Meta):
        fields = [
            *JobSummarySerializer.Meta.fields,
            "params", "structure", "notes", "wall_time_limit_s", "result", "error", "artifacts",
        ]  # fmt: skip
        read_only_fields = fields


class EventSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    kind = serializers.CharField()
    at = serializers.DateTimeField()
    state = serializers.CharField()
    reason = serializers.CharField()
    progress = serializers.FloatField()
    message = serializers.CharField()
    stage = serializers.CharField()
    points = serializers.ListField(required=False)
    log = serializers.CharField(required=False)


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
    wall_time_s = serializers.IntegerField(min_value=1, max_value=30 * 24 * 3600, required=False)


class TagsField(serializers.ListField):
    """Counted first: two hundred thousand tags are not looked at one by one."""

    child = serializers.CharField(max_length=100)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, list) and len(data) > MAX_TAGS:
            raise serializers.ValidationError(f"At most {MAX_TAGS} tags; these are {len(data)}.")
        return super().to_internal_value(data)


class SubmissionSerializer(StrictSerializer):
    simulation = serializers.CharField(max_length=100)
    params = serializers.DictField()
    name = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    tags = TagsField(required=False, default=list)
    limits = LimitsSerializer(required=False)


class SimulationSerializer(serializers.Serializer[Any]):
    """What agents read before they submit: each simulation with the schemas of both its ends."""

    name = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    version = serializers.CharField()
    available = serializers.BooleanField()
    stages = serializers.ListField(child=serializers.CharField())
    params_schema = serializers.SerializerMethodField()
    result_schema = serializers.SerializerMethodField()

    def get_params_schema(self, sim: simulations.Simulation) -> dict[str, Any]:
        return sim.Params.model_json_schema()

    def get_result_schema(self, sim: simulations.Simulation) -> dict[str, Any]:
        return sim.Result.model_json_schema()


class Limits(BaseModel):
    wall_time_s: int | None = Field(None, ge=1, title="Wall time, s")


def submission_schema() -> type[BaseModel]:
    """One body per simulation, told apart by its name: what the OpenAPI document shows."""
    bodies = [
        create_model(
            f"{sim.Params.__name__.removesuffix('Params')}Submission",
            simulation=(Literal[sim.name], ...),  # type: ignore[arg-type]
            params=(sim.Params, ...),
            name=(str, ""),
            tags=(list[str], []),
            limits=(Limits | None, None),
        )
        for sim in simulations.all_simulations()
    ]
    union: Any = Annotated[reduce(or_, bodies), Field(discriminator="simulation")]
    return create_model("Submission", __base__=RootModel[union])
