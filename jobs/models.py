"""The tables: a job, its attempts, what happened to it, its files. Only `jobs.lifecycle` writes."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

import simulations
from simulations.structures.inchikeys import LEFT

from .batch_models import Batch
from .budget import Budget
from .file_models import HEX_DIGEST, StoredFile  # noqa: F401
from .key_models import ApiKey
from .log_epoch import LogEpoch  # noqa: F401
from .operator_models import (  # noqa: F401
    Announcement,
    AuditEntry,
    Maintenance,
)
from .owner_models import Allowance, IdempotencyKey  # noqa: F401
from .preset_models import Preset  # noqa: F401
from .profile_models import Profile  # noqa: F401
from .slurm_models import SlurmTask, SlurmWatch  # noqa: F401
from .states import ACTIVE, Consent, FailureKind, JobState, Priority, Queue, Reason
from .webhook_models import (  # noqa: F401
    JobWebhook,
    WebhookDelivery,
    WebhookEndpoint,
)

LONGEST_FORMULA = 500


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: Any) -> JobQuerySet:
        """The jobs that `user` may see: their own, or all for an administrator."""
        return self if user.is_superuser else self.filter(owner=user)

    def active(self) -> JobQuerySet:
        return self.unfinished(*ACTIVE)

    def unfinished(self, *states: str) -> JobQuerySet:
        """Those in one of these states that are not final, found by the index of what is not."""
        return self.filter(finished_at=None, state__in=states)

    def awaiting_approval(self) -> JobQuerySet:
        """By their reason too, which an index has."""
        found = self.unfinished(JobState.QUEUED)
        return found.filter(reason=Reason.AWAITING_APPROVAL, consent=Consent.AWAITED)

    def newest_first(self) -> JobQuerySet:
        return self.order_by("-created_at", "id")


class Job(models.Model):
    """One run of a simulation, from submission to its one final state."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="jobs")
    name = models.CharField(max_length=200, blank=True)
    tags = models.JSONField(default=list, blank=True)
    batch = models.ForeignKey(
        Batch, models.PROTECT, null=True, blank=True, related_name="jobs", db_index=False
    )
    simulation = models.CharField(max_length=100)
    params = models.JSONField()
    structure = models.JSONField(null=True, blank=True)
    # Of the one molecule that it is about, as `structure` has it; blank for all others.
    inchikey = models.CharField(max_length=27, blank=True, editable=False)
    # As `structure` has it, of a molecule, a crystal or a reaction: lists show it and find by it.
    formula = models.CharField(max_length=LONGEST_FORMULA, blank=True, editable=False)
    notes = models.JSONField(default=list, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    backend = models.CharField(max_length=20, default="rq")
    queue = models.CharField(max_length=10, default=Queue.CPU, editable=False)
    # Why there: what the submission asked for, and a sentence.
    placement = models.JSONField(default=dict, blank=True, editable=False)
    wall_time_limit_s = models.PositiveIntegerField()
    memory_limit_mib = models.PositiveIntegerField(null=True, blank=True)
    disk_limit_mib = models.PositiveIntegerField(null=True, blank=True)
    threads = models.PositiveSmallIntegerField(null=True, blank=True)
    estimate = models.JSONField(null=True, blank=True)

    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    reason = models.CharField(max_length=30, choices=Reason, blank=True)
    priority = models.SmallIntegerField(choices=Priority, default=Priority.NORMAL)
    attempt = models.PositiveIntegerField(default=1)
    max_attempts = models.PositiveIntegerField(default=3)
    retry_on = models.JSONField(default=list, blank=True)
    restarted_from = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="restarts"
    )
    not_before = models.DateTimeField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    progress = models.FloatField(default=0)
    message = models.CharField(max_length=300, blank=True)
    stage = models.CharField(max_length=100, blank=True)
    metrics = models.JSONField(default=dict, blank=True)
    result = models.JSONField(null=True, blank=True)
    summary = models.JSONField(null=True, blank=True)
    methods = models.JSONField(null=True, blank=True)
    provenance = models.JSONField(null=True, blank=True)
    failure_kind = models.CharField(max_length=20, choices=FailureKind, blank=True)
    error = models.JSONField(null=True, blank=True)
    key = models.ForeignKey(ApiKey, models.PROTECT, null=True, blank=True, related_name="jobs")
    agent = models.CharField(max_length=100, blank=True)
    purpose = models.CharField(max_length=500, blank=True)
    consent = models.CharField(max_length=10, choices=Consent, blank=True, editable=False)
    reserved_core_s = models.FloatField(default=0, editable=False)
    used_core_s = models.FloatField(default=0, editable=False)
    last_seq = models.PositiveIntegerField(default=0)
    request_id = models.CharField(max_length=100, blank=True, editable=False)
    files_removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    created_at = models.DateTimeField(default=timezone.now)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    reused_because = ""
    """Set where a submission was answered with this job instead of a new one."""

    class Meta:
        indexes = [
            # With its order, for whose sake SQLite would else look through all that they have.
            models.Index(fields=["owner", "fingerprint", "created_at", "id"], name="job_equal"),
            # With the name, so that what is called so is sought without a look at the rows.
            models.Index(fields=["owner", "-created_at", "id", "name"], name="job_owner_created"),
            models.Index(fields=["-created_at", "id", "name"], name="job_created"),
            models.Index(fields=["owner", "inchikey", "-created_at", "id"], name="job_of_molecule"),
            models.Index(fields=["owner", "formula", "-created_at", "id"], name="job_of_formula"),
            # The operators' list, by what is rare among a million.
            models.Index(fields=["state", "-created_at", "id"], name="job_state_created"),
            models.Index(
                fields=["failure_kind", "-created_at", "id"],
                name="job_failed_created",
                condition=models.Q(finished_at__isnull=False),
            ),
            # What ended of late, without a look at the rows.
            models.Index(
                fields=["-finished_at", "state", "failure_kind", "id"],
                name="job_ended_lately",
                condition=models.Q(finished_at__isnull=False),
            ),
            # All that /metrics reads of the past, without the large columns beside it.
            models.Index(
                fields=["simulation", "state", "failure_kind", "started_at", "finished_at"],
                name="job_ended",
            ),
            # What estimates are made from.
            models.Index(
                fields=["simulation", "-finished_at", "id"],
                name="job_comparable",
                condition=models.Q(state=JobState.SUCCEEDED, attempt=1, estimate__isnull=False),
            ),
            # SQLite takes a partial index only if a query names its condition without a parameter:
            # IS NULL does, `state IN (?, ?)` does not. See `JobQuerySet.unfinished`.
            models.Index(
                # In the order of the line; the rest of them tells without a look at the row which
                # may start, where thousands before it may not.
                fields=[
                    *("owner", "state", "-priority", "queued_at", "id"),
                    *("consent", "key", "backend", "not_before"),
                    *("queue", "simulation", "threads", "memory_limit_mib"),
                ],
                name="job_line",
                condition=models.Q(finished_at=None),
            ),
            models.Index(
                fields=["state", "reason", "queued_at"],
                name="job_not_ended",
                condition=models.Q(finished_at=None),
            ),
            # What waits for somebody's yes, or is silent, among thousands that are not.
            models.Index(
                fields=["owner", "reason", "-created_at", "id"],
                name="job_by_reason",
                condition=models.Q(finished_at=None),
            ),
            models.Index(
                fields=["key", "state"],
                name="job_of_key",
                condition=models.Q(finished_at=None, key__isnull=False),
            ),
            models.Index(
                fields=["batch", "state"],
                name="job_of_batch",
                condition=models.Q(batch__isnull=False),
            ),
            models.Index(
                fields=["finished_at"],
                name="job_with_files",
                condition=models.Q(finished_at__isnull=False, files_removed_at=None),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="job_state_valid", condition=models.Q(state__in=JobState.values)
            ),
            models.CheckConstraint(
                name="job_progress_is_a_fraction",
                condition=models.Q(progress__gte=0, progress__lte=1),
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.simulation} {self.short_id}"

    def get_absolute_url(self) -> str:
        return reverse("jobs:detail", args=[self.pk])

    @property
    def short_id(self) -> str:
        return str(self.pk)[:8]

    @property
    def priority_word(self) -> str:
        return Priority(self.priority).name.lower()

    @property
    def is_final(self) -> bool:
        return JobState(self.state).is_final

    @property
    def directory(self) -> Path:
        """Where the directories of its attempts lie."""
        return Path(settings.JOBS_ROOT) / str(self.pk)

    @property
    def files_kept_until(self) -> datetime | None:
        """When its files are removed; None: not yet known, or never."""
        days = settings.JOB_RETENTION_DAYS
        if days is None or self.finished_at is None or self.files_removed_at:
            return None
        return self.finished_at + timedelta(days=days)

    @property
    def budget(self) -> Budget:
        """What an attempt may use; a job of before there were such limits has the site's own."""
        return Budget(
            wall_time_s=self.wall_time_limit_s,
            memory_mib=self.memory_limit_mib,
            disk_mib=self.disk_limit_mib,
            threads=self.threads,
        ).settled()

    @property
    def awaits_approval(self) -> bool:
        return self.consent == Consent.AWAITED and not self.is_final

    @property
    def approval(self) -> str:
        """What was said of it, or that it is awaited; empty where nobody has to say (any more)."""
        return "" if self.consent == Consent.AWAITED and self.is_final else str(self.consent)

    @property
    def is_unconfirmed(self) -> bool:
        """Whether it still runs is not known."""
        return self.state == JobState.RUNNING and self.reason == Reason.UNCONFIRMED

    @property
    def is_cancelling(self) -> bool:
        """Asked to stop, and not yet known to have stopped."""
        return self.cancel_requested_at is not None and not self.is_final

    @property
    def title(self) -> str:
        """What a person calls this simulation; its bare name if it is no longer installed."""
        try:
            return simulations.get(self.simulation).title
        except KeyError:
            return self.simulation

    @property
    def is_unfiled(self) -> bool:
        """Whether its InChIKey is still to be worked out, of which no event will tell."""
        return not self.inchikey and (self.structure or {}).get("inchikey") == LEFT

    @property
    def called(self) -> str:
        """Its name; without one, what is simulated, and of which molecule."""
        return self.name or ", ".join(filter(None, [self.title, self.formula]))

    @property
    def told_apart(self) -> str:
        """The same where several are named: what has no name has its id beside it."""
        return self.name or f"{self.called} ({self.short_id})"

    @property
    def run_id(self) -> str:
        """The id under which a backend knows the current attempt."""
        return f"{self.pk}-{self.attempt}"

    def workdir(self, attempt: int) -> Path:
        """Each attempt has a directory of its own, so that a late writer spoils nothing."""
        return self.directory / str(attempt)


class Attempt(models.Model):
    """One try at running a job, kept for ever: who ran it, where, and how it ended."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    backend = models.CharField(max_length=20)
    native_id = models.CharField(max_length=100, blank=True)
    worker = models.CharField(max_length=200, blank=True)
    host = models.CharField(max_length=200, blank=True)
    pid = models.PositiveIntegerField(null=True, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    machine = models.CharField(max_length=100, blank=True)
    pid_started = models.BigIntegerField(null=True, blank=True)
    progress = models.FloatField(default=0)
    peak_memory_mib = models.FloatField(null=True, blank=True)
    cpu_seconds = models.FloatField(null=True, blank=True)
    outcome = models.CharField(max_length=20, blank=True)
    failure_kind = models.CharField(max_length=20, choices=FailureKind, blank=True)
    evidence = models.TextField(blank=True)
    details = models.JSONField(null=True, blank=True)
    traceback = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="attempt_number_unique"),
        ]
        indexes = [
            models.Index(fields=["outcome", "failure_kind"], name="attempt_ended"),
            models.Index(fields=["-started_at"], name="attempt_started"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} attempt {self.number}"


class JobEvent(models.Model):
    """One thing that happened to a job, numbered without a gap from 0."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=20)
    data = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "seq"], name="event_seq_unique_per_job"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.seq} {self.kind}"


class Artifact(models.Model):
    """A file that a job made, known by id; where it lies is nobody's business but ours."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey(Job, models.CASCADE, related_name="artifacts")
    attempt = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    title = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    key = models.CharField(max_length=500, blank=True, default="", editable=False)
    """In the bucket; empty: it lies where its attempt wrote it."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job", "attempt", "name"], name="artifact_name_unique_per_attempt"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.job_id}"

    @property
    def is_partial(self) -> bool:
        """What a run that was stopped had written by then: whole as a file, not as a result."""
        return self.job.state != JobState.SUCCEEDED

    @property
    def removed_at(self) -> datetime | None:
        return self.job.files_removed_at

    @property
    def path(self) -> Path:
        return self.job.workdir(self.attempt) / self.name
