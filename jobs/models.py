"""The tables: a job, its attempts, what happened to it, its files. Only `jobs.lifecycle` writes."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

import simulations

from .states import ACTIVE, FailureKind, JobState, Reason


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: Any) -> JobQuerySet:
        """The jobs that `user` may see: their own, or all for an administrator."""
        return self if user.is_superuser else self.filter(owner=user)

    def active(self) -> JobQuerySet:
        return self.filter(state__in=ACTIVE)

    def newest_first(self) -> JobQuerySet:
        return self.order_by("-created_at", "id")


class Job(models.Model):
    """One run of a simulation, from submission to its one final state."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="jobs")
    name = models.CharField(max_length=200, blank=True)
    tags = models.JSONField(default=list, blank=True)
    simulation = models.CharField(max_length=100)
    params = models.JSONField()
    structure = models.JSONField(null=True, blank=True)
    notes = models.JSONField(default=list, blank=True)
    backend = models.CharField(max_length=20, default="rq")
    wall_time_limit_s = models.PositiveIntegerField()

    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    reason = models.CharField(max_length=30, choices=Reason, blank=True)
    attempt = models.PositiveIntegerField(default=1)
    max_attempts = models.PositiveIntegerField(default=3)
    not_before = models.DateTimeField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    progress = models.FloatField(default=0)
    message = models.CharField(max_length=300, blank=True)
    stage = models.CharField(max_length=100, blank=True)
    metrics = models.JSONField(default=dict, blank=True)
    result = models.JSONField(null=True, blank=True)
    failure_kind = models.CharField(max_length=20, choices=FailureKind, blank=True)
    error = models.JSONField(null=True, blank=True)
    last_seq = models.PositiveIntegerField(default=0)

    created_at = models.DateTimeField(default=timezone.now)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["owner", "-created_at", "id"], name="job_owner_created"),
            models.Index(fields=["-created_at", "id"], name="job_created"),
            models.Index(
                fields=["state", "lease_expires_at"],
                name="job_active",
                condition=models.Q(state__in=ACTIVE),
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
    def is_final(self) -> bool:
        return JobState(self.state).is_final

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
    def run_id(self) -> str:
        """The id under which a backend knows the current attempt."""
        return f"{self.pk}-{self.attempt}"

    def workdir(self, attempt: int) -> Path:
        """Each attempt has a directory of its own, so that a late writer spoils nothing."""
        return Path(settings.JOBS_ROOT) / str(self.pk) / str(attempt)


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
    peak_memory_mib = models.FloatField(null=True, blank=True)
    outcome = models.CharField(max_length=20, blank=True)
    failure_kind = models.CharField(max_length=20, choices=FailureKind, blank=True)
    evidence = models.TextField(blank=True)
    traceback = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="attempt_number_unique"),
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

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job", "attempt", "name"], name="artifact_name_unique_per_attempt"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.job_id}"

    @property
    def path(self) -> Path:
        return self.job.workdir(self.attempt) / self.name
