"""The tables of a campaign: many jobs that were submitted as one. Only `jobs.lifecycle` writes."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

MOST_ITEMS = 10_000


class BatchQuerySet(models.QuerySet["Batch"]):
    def visible_to(self, user: Any) -> BatchQuerySet:
        """The batches that `user` may see: their own, or all for an administrator."""
        return self if user.is_superuser else self.filter(owner=user)

    def newest_first(self) -> BatchQuerySet:
        return self.order_by("-created_at", "id")


class Batch(models.Model):
    """Jobs that were submitted together; what became of each is told by its items.

    It is over once none of its jobs is on its way any more. What was resumed is open again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="batches")
    name = models.CharField(max_length=200, blank=True)
    tags = models.JSONField(default=list, blank=True)
    simulations = models.JSONField(default=list)
    varied = models.JSONField(default=list)
    n_items = models.PositiveIntegerField()
    max_failures = models.PositiveIntegerField(null=True, blank=True)
    last_seq = models.PositiveIntegerField(default=0)
    n_resumed = models.PositiveIntegerField(default=0, editable=False)

    created_at = models.DateTimeField(default=timezone.now)
    began_at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(default=timezone.now, editable=False)
    # Some of its jobs are not filed under their molecules yet.
    inchikeys_due_since = models.DateTimeField(null=True, blank=True, editable=False)
    stopped_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # How many of its items stand where, once that changes no more; a batch of before has none.
    ended_as = models.JSONField(null=True, blank=True, editable=False)

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "batches"
        indexes = [
            models.Index(fields=["owner", "-created_at", "id"], name="batch_owner_created"),
            models.Index(
                fields=["created_at"], name="batch_open", condition=models.Q(finished_at=None)
            ),
            models.Index(
                fields=["inchikeys_due_since"],
                name="batch_unfiled",
                condition=models.Q(inchikeys_due_since__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"batch {self.short_id}"

    def get_absolute_url(self) -> str:
        return reverse("batches:detail", args=[self.pk])

    @property
    def short_id(self) -> str:
        return str(self.pk)[:8]

    @property
    def is_over(self) -> bool:
        return self.finished_at is not None


class BatchItem(models.Model):
    """One of the things that were asked for, and the job that answers it, if one does."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        REUSED = "reused", "An equal job answers it"
        REFUSED = "refused", "Refused"

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="items")
    index = models.PositiveIntegerField()
    outcome = models.CharField(max_length=10, choices=Outcome)
    job = models.ForeignKey(
        "jobs.Job", models.PROTECT, null=True, blank=True, related_name="batch_items"
    )
    refusal = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "index"], name="item_index_unique_per_batch")
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} item {self.index}"


class BatchEvent(models.Model):
    """One thing that happened to a batch, numbered without a gap from 1."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=20)
    data = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "seq"], name="batch_event_seq_unique")
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} #{self.seq} {self.kind}"
