"""The table of the presets that people keep for themselves."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class Preset(models.Model):
    """Settings of a simulation that somebody wants again. `jobs.presets` writes it, nobody else."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="presets")
    simulation = models.CharField(max_length=100)
    name = models.CharField(max_length=60)
    params = models.JSONField(default=dict)
    for_everybody = models.BooleanField(
        default=False,
        help_text="Offered on everybody's form, not on its owner's alone. Its owner may still "
        "change or remove it.",
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "simulation", "name"], name="preset_named_once_per_owner"
            ),
        ]

    def __str__(self) -> str:
        return self.name
