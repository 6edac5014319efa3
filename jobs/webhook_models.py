"""The rows of webhooks. Only `jobs.webhooks` writes them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone


class EventType(models.TextChoices):
    """What somebody can be told of, by the name that goes over the wire."""

    STARTED = "job.started", "A job started"
    REQUEUED = "job.requeued", "A job's attempt ended without a result; it waits for the next one"
    AWAITING_APPROVAL = "job.awaiting_approval", "A job waits for its owner's approval"
    SUCCEEDED = "job.succeeded", "A job succeeded"
    FAILED = "job.failed", "A job failed"
    CANCELLED = "job.cancelled", "A job was cancelled"
    BATCH_FINISHED = "batch.finished", "A batch is over: none of its jobs is on its way"


OF_JOBS = [each for each in EventType if each.startswith("job.")]
ENDS = [EventType.SUCCEEDED, EventType.FAILED, EventType.CANCELLED]
TEST = "webhook.test"


class DeliveryState(models.TextChoices):
    PENDING = "pending", "Waiting to be sent"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Given up"
    CANCELLED = "cancelled", "Cancelled"


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def visible_to(self, user: Any) -> WebhookEndpointQuerySet:
        """The endpoints that `user` may see: their own, or all for an administrator."""
        return self if user.is_superuser else self.filter(owner=user)


class WebhookEndpoint(models.Model):
    """Where a user is told of their jobs.

    One without a URL serves the webhooks of single jobs, each of which names its own: it holds the
    secret that signs them, and their log. A user has one of these at most, and so has each key.
    One that was made by a key hears of that key's jobs, and is nobody's business but its.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="webhooks")
    key = models.ForeignKey(
        "jobs.ApiKey", models.CASCADE, null=True, blank=True, related_name="webhooks"
    )
    url = models.CharField(max_length=2000, blank=True)
    events = models.JSONField(default=list)
    # In the clear: who signs must know it. It is shown once, when it is made.
    secret = models.CharField(max_length=100)
    old_secret = models.CharField(max_length=100, blank=True)
    old_secret_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_because = models.CharField(max_length=300, blank=True)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner"],
                condition=models.Q(url="", key=None),
                name="webhook_one_for_single_jobs",
            ),
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(url=""), name="webhook_one_for_jobs_of_a_key"
            ),
        ]

    def __str__(self) -> str:
        return self.url or "the webhooks of single jobs"

    @property
    def is_for_single_jobs(self) -> bool:
        return not self.url

    @property
    def is_active(self) -> bool:
        return self.disabled_at is None

    def secrets_at(self, now: datetime) -> list[str]:
        """Those that sign at this moment, the newest first: two while one replaces the other."""
        if self.old_secret and self.old_secret_until and now < self.old_secret_until:
            return [self.secret, self.old_secret]
        return [self.secret]


class JobWebhook(models.Model):
    """Where somebody asked to be told of this one job."""

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="of_jobs")
    job = models.ForeignKey("jobs.Job", models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=2000)
    events = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "job", "url"], name="webhook_once_per_job_and_url"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.url} of {self.job_id}"


class WebhookDelivery(models.Model):
    """One message to one endpoint, written in the transaction of the event that it tells of."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries")
    job = models.ForeignKey("jobs.Job", models.CASCADE, null=True, blank=True, related_name="+")
    # Empty: the endpoint's own.
    url = models.CharField(max_length=2000, blank=True)
    message_id = models.CharField(max_length=100)
    type = models.CharField(max_length=40)
    at = models.DateTimeField(default=timezone.now)
    data = models.JSONField(default=dict)

    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.PENDING)
    next_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    n_tries = models.PositiveSmallIntegerField(default=0)
    tries = models.JSONField(default=list, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "message_id", "url"], name="webhook_message_once"
            ),
        ]
        indexes = [
            # `next_at` is empty once there is nothing more to send.
            models.Index(
                fields=["next_at", "id"],
                name="webhook_due",
                condition=models.Q(next_at__isnull=False),
            ),
            models.Index(fields=["endpoint", "-at", "id"], name="webhook_log"),
            models.Index(fields=["ended_at"], name="webhook_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.type} to {self.target}"

    @property
    def target(self) -> str:
        return self.url or self.endpoint.url
