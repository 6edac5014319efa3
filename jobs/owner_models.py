"""The tables of who submits: what they may have at once, and what they were answered."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone


class Allowance(models.Model):
    """What one user may have at once, and when a job of theirs was last given a worker.

    Its row is also the lock under which their jobs are counted.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="allowance"
    )
    max_queued = models.PositiveIntegerField(
        null=True, blank=True, help_text="Empty: as many as the site allows."
    )
    max_running = models.PositiveIntegerField(
        null=True, blank=True, help_text="Empty: as many as the site allows."
    )
    served_at = models.DateTimeField(null=True, blank=True, editable=False)
    # No more than so many wait or run, for none comes but under this lock. Null: count them.
    unfinished_at_most = models.PositiveIntegerField(null=True, editable=False)

    def __str__(self) -> str:
        return f"allowance of {self.user}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        # A form has read it without the lock, and would write it back.
        self.unfinished_at_most = None
        super().save(*args, **kwargs)


class IdempotencyKey(models.Model):
    """What a request under a client's key was answered, to be said again when it asks again."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    scope = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    body_sha256 = models.CharField(max_length=64)
    claim = models.UUIDField(default=uuid.uuid4)
    claimed_at = models.DateTimeField(default=timezone.now)
    # Of the server that acts under it, as with an attempt's worker.
    machine = models.CharField(max_length=100, blank=True)
    pid = models.PositiveIntegerField(null=True)
    pid_started = models.PositiveBigIntegerField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "scope", "key"], name="idempotency_key_unique")
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.owner_id}"
