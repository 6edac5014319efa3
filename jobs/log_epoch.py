"""Which log of events the numbers belong to: a restored site counts on from an older one.

A page that knows a later `seq` of the log that was replaced would take other events for known.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone


class LogEpoch(models.Model):
    """One log, from when it took the place of another; the first of a site has no row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    began_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"from {self.began_at:%Y-%m-%d %H:%M}"


def current() -> str:
    newest = LogEpoch.objects.order_by("-began_at", "id").values_list("pk", flat=True).first()
    return str(newest) if newest else "first"


def begin() -> None:
    """From now on it is another log: who has read the old one reads the new one from the start."""
    LogEpoch.objects.create()
