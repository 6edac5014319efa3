"""The wire form of a batch, its items and its events."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from jobs import batches
from jobs.batch_models import Batch, BatchItem
from jobs.states import JobState

from .problems import pointer

COUNTED = [*JobState.values, "refused"]


class CountsSerializer(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, Any]:
        return {name: serializers.IntegerField() for name in COUNTED}


class FailFastSerializer(serializers.Serializer[Any]):
    max_failures = serializers.IntegerField(allow_null=True)
    stopped_at = serializers.DateTimeField(allow_null=True)


class FailureSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    job_id = serializers.UUIDField()
    kind = serializers.CharField(source="job.failure_kind")
    error = serializers.JSONField(source="job.error")


class _Listed(serializers.ListSerializer[Any]):
    """Many are asked for at once."""

    def to_representation(self, data: Any) -> list[Any]:
        known: Any = self.context
        known.setdefault("standings", {}).update(batches.standings(data))
        return super().to_representation(data)


class BatchSerializer(serializers.ModelSerializer[Batch]):
    """Where it stands. `progress` is the mean of its jobs; what has ended is at its end."""

    state = serializers.SerializerMethodField()
    counts = serializers.SerializerMethodField()
    n_awaiting_approval = serializers.SerializerMethodField()
    n_reused = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    over_in_s = serializers.SerializerMethodField()
    fail_fast = serializers.SerializerMethodField()
    first_failures = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    class Meta:
        model = Batch
        list_serializer_class = _Listed
        fields = [
            "id", "name", "tags", "simulations", "varied", "state", "n_items", "counts",
            "n_awaiting_approval", "n_reused", "progress", "over_in_s", "fail_fast",
            "first_failures", "last_seq", "created_at", "cancel_requested_at",
            "finished_at", "links",
        ]  # fmt: skip
        read_only_fields = fields

    def to_representation(self, instance: Batch) -> dict[str, Any]:
        known: Any = self.context
        standings = known.setdefault("standings", {})
        if instance.pk not in standings:
            standings |= batches.standings([instance])
        self._now: batches.Standing = standings[instance.pk]
        return super().to_representation(instance)

    def get_state(self, batch: Batch) -> str:
        """`running`, `cancelling`, `finished`, `cancelled`, or `stopped` by too many failures."""
        return batches.standing(batch)

    @extend_schema_field(CountsSerializer)
    def get_counts(self, batch: Batch) -> dict[str, int]:
        return self._now.counts.as_dict()

    def get_n_awaiting_approval(self, batch: Batch) -> int:
        """Of its queued jobs: nothing starts them until somebody says yes to each."""
        return self._now.n_awaiting_approval

    def get_n_reused(self, batch: Batch) -> int:
        """Items that an equal job answers, of before or of this batch."""
        return self._now.counts.outcomes[batches.Outcome.REUSED]

    def get_progress(self, batch: Batch) -> float:
        return self._now.counts.progress

    def get_over_in_s(self, batch: Batch) -> float | None:
        """At the pace so far; null where too few have ended to tell."""
        return self._now.over_in_s

    @extend_schema_field(FailFastSerializer)
    def get_fail_fast(self, batch: Batch) -> dict[str, Any]:
        return dict(FailFastSerializer(batch).data)

    @extend_schema_field(FailureSerializer(many=True))
    def get_first_failures(self, batch: Batch) -> list[Any]:
        return list(FailureSerializer(self._now.first_failures, many=True).data)

    def get_links(self, batch: Batch) -> dict[str, str]:
        def link(name: str) -> str:
            return reverse(name, [batch.pk], request=self.context["request"])

        jobs = reverse("api:jobs", request=self.context["request"])
        return {
            "self": link("api:batch"),
            "items": link("api:batch-items"),
            "events": link("api:batch-events"),
            "stream": link("api:batch-event-stream"),
            "results": link("api:batch-results"),
            "cancel": link("api:batch-cancel"),
            "resume": link("api:batch-resume"),
            "jobs": f"{jobs}?batch={batch.pk}",
            "page": link("batches:detail"),
        }


class SubmittedBatchSerializer(BatchSerializer):
    """The batch; its items tell what became of each thing that was asked for."""


def errors_of(item: BatchItem) -> list[dict[str, Any]]:
    """What was wrong with a refused item; pointers start at its submission."""
    return [
        {"pointer": pointer(error["path"])}
        | {name: error[name] for name in ("code", "detail", "fix", "position") if error.get(name)}
        for error in (item.refusal or {}).get("errors", [])
    ]


class ItemErrorSerializer(serializers.Serializer[Any]):
    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()
    fix = serializers.JSONField(required=False)
    position = serializers.IntegerField(required=False)


class ItemSerializer(serializers.ModelSerializer[BatchItem]):
    """One of the things that were asked for: its job, or why there is none."""

    job_id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField(source="job.name", default="")
    state = serializers.CharField(source="job.state", default=None)
    progress = serializers.FloatField(source="job.progress", default=None)
    failure_kind = serializers.CharField(source="job.failure_kind", default="")
    summary = serializers.JSONField(source="job.summary", default=None)
    errors = serializers.SerializerMethodField()  # type: ignore[assignment]
    links = serializers.SerializerMethodField()

    class Meta:
        model = BatchItem
        fields = [
            "index", "outcome", "job_id", "name", "state", "progress", "failure_kind", "summary",
            "errors", "links",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(ItemErrorSerializer(many=True))
    def get_errors(self, item: BatchItem) -> list[dict[str, Any]]:
        return errors_of(item)

    def get_links(self, item: BatchItem) -> dict[str, str]:
        if item.job_id is None:
            return {}
        return {"job": reverse("api:job", [item.job_id], request=self.context["request"])}


class ItemPageSerializer(serializers.Serializer[Any]):
    results = ItemSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    next_cursor = serializers.CharField(allow_null=True)


class BatchEventSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    kind = serializers.CharField()
    at = serializers.DateTimeField()
    state = serializers.CharField()
    progress = serializers.FloatField()
    counts = CountsSerializer()


class BatchEventPageSerializer(serializers.Serializer[Any]):
    events = BatchEventSerializer(many=True)
    last_seq = serializers.IntegerField()
    state = serializers.CharField()
