"""The tables of agents: their keys, what they used, and what awaits them in an inbox."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from .states import Approval, Scope


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def visible_to(self, user: Any) -> ApiKeyQuerySet:
        """The keys that `user` may see: their own, or all for an administrator."""
        return self if user.is_superuser else self.filter(owner=user)

    def usable(self) -> ApiKeyQuerySet:
        """Those that open something now."""
        lasting = models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now())
        return self.filter(lasting, revoked_at=None, owner__is_active=True)


class ApiKey(models.Model):
    """With what an agent acts for a person. `jobs.keys` makes and ends them, and nobody else."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_keys")
    name = models.CharField("agent's name", max_length=100)
    purpose = models.CharField(
        max_length=500, blank=True, help_text="What its jobs are for that do not say so themselves."
    )
    prefix = models.CharField(max_length=20, unique=True, editable=False)
    secret_sha256 = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=list)
    made_by = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, editable=False, related_name="made"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="From then on it opens nothing. Empty: never."
    )
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    max_queued = models.PositiveIntegerField(
        null=True, blank=True, help_text="Jobs that wait at once. Empty: as many as its owner may."
    )
    max_running = models.PositiveIntegerField(
        null=True, blank=True, help_text="Jobs that run at once. Empty: as many as its owner may."
    )
    core_hours = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="In all, each hour times the threads. Empty: no limit.",
    )
    core_hours_per_day = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="A day of UTC; what is over waits for the next. Empty: no limit.",
    )
    deadline = models.DateTimeField(
        null=True, blank=True, help_text="From then on it submits nothing, and nothing starts."
    )
    approval = models.CharField(max_length=10, choices=Approval, default=Approval.NEVER)
    approval_above_core_hours = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="By the estimate's upper end; a job without an estimate is above it.",
    )
    acknowledged = models.PositiveBigIntegerField(default=0, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        indexes = [models.Index(fields=["owner", "-created_at", "id"], name="key_owner_created")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and not self.has_expired

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def has_a_budget(self) -> bool:
        """Whether it may do less than its owner in any way but its scopes and its expiry."""
        limits = (
            self.max_queued, self.max_running, self.core_hours, self.core_hours_per_day,
            self.deadline,
        )  # fmt: skip
        return self.approval != Approval.NEVER or any(each is not None for each in limits)

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes


class KeyUsage(models.Model):
    """The processor time that the jobs of a key took on one day of UTC."""

    key = models.ForeignKey(ApiKey, models.CASCADE, related_name="usage")
    day = models.DateField()
    core_seconds = models.FloatField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "day"], name="usage_once_per_key_and_day")
        ]

    def __str__(self) -> str:
        return f"{self.key_id} on {self.day}: {self.core_seconds:.0f} core-seconds"


class Follower(models.Model):
    """A key that was answered with a job of another's, and so wants to hear how that one ends."""

    key = models.ForeignKey(ApiKey, models.CASCADE, related_name="+")
    job = models.ForeignKey("jobs.Job", models.CASCADE, related_name="followers")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "job"], name="follower_once_per_job")]

    def __str__(self) -> str:
        return f"{self.key_id} follows {self.job_id}"


class Inbox(models.Model):
    """How far a person's events are numbered, and up to where the person has seen them.

    Its row is the lock under which they are numbered.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    last_number = models.PositiveBigIntegerField(default=0)
    acknowledged = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"inbox of {self.user_id}"


class InboxItem(models.Model):
    """An event of the kind that somebody waits for; its number says when it was first there."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.ForeignKey(ApiKey, models.CASCADE, null=True, related_name="+")
    job = models.ForeignKey("jobs.Job", models.CASCADE, related_name="+")
    event = models.OneToOneField("jobs.JobEvent", models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    number = models.PositiveBigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "number"], name="inbox_number_once_per_owner")
        ]
        indexes = [
            models.Index(
                fields=["owner", "id"], name="inbox_unnumbered", condition=models.Q(number=None)
            ),
            models.Index(fields=["key", "number"], name="inbox_of_key"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.job_id}"
