"""The tables of the operators: what they did, what they tell everybody, whether the site rests."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils import timezone


class NeverChanges(Exception):
    """What is in the audit log stays as it was written."""

    def __init__(self) -> None:
        super().__init__("The audit log is only ever added to.")


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise NeverChanges

    def delete(self) -> NoReturn:
        raise NeverChanges


class AuditEntry(models.Model):
    """One thing that an operator did: who, when, what, on which search, to how many, and why.

    Of what takes a while there are two: what was to be done, written before it began, and what
    came of it, which names the first one.
    """

    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="audit_entries"
    )
    action = models.CharField(max_length=100)
    target = models.TextField(blank=True, help_text="The search, or the thing, that it was done to")
    n = models.PositiveIntegerField("how many", null=True)
    reason = models.CharField(max_length=500, blank=True)
    details = models.JSONField(default=dict)
    outcome_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="outcomes")

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        default_permissions = ("view",)
        indexes = [models.Index(fields=["-at", "id"], name="audit_at")]

    def __str__(self) -> str:
        return f"{self.action} by {self.by}, {self.at:%Y-%m-%d %H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise NeverChanges
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NeverChanges


class Level(models.TextChoices):
    INFO = "info", "For information"
    WARNING = "warning", "Warning"
    ERROR = "error", "Something is broken"


class Announcement(models.Model):
    """What every page says at its top, from one moment to another."""

    text = models.CharField(max_length=500)
    level = models.CharField(max_length=10, choices=Level, default=Level.INFO)
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(
        null=True, blank=True, help_text="Empty: until somebody takes it down."
    )

    def __str__(self) -> str:
        return self.text


class Maintenance(models.Model):
    """The switch by which the site comes to rest: one row; on while `since` says since when.

    Only `jobs.lifecycle` writes it.
    """

    since = models.DateTimeField(null=True)
    accepts = models.BooleanField(default=True)
    message = models.CharField(max_length=500, blank=True)
    until = models.DateTimeField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name_plural = "maintenance"
        default_permissions = ("change",)

    def __str__(self) -> str:
        return f"maintenance since {self.since:%Y-%m-%d %H:%M}" if self.since else "no maintenance"
