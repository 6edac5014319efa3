"""The table of the files that people give as input."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

HEX_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class StoredFileQuerySet(models.QuerySet["StoredFile"]):
    def visible_to(self, user: Any) -> StoredFileQuerySet:
        """The files that `user` may see: their own, or all for an administrator."""
        return self if user.is_superuser else self.filter(owner=user)


class StoredFile(models.Model):
    """A file that somebody gave as input; `jobs.files` keeps it, and is all that writes here."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="files")
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    format = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = StoredFileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "sha256"], name="file_kept_once_per_owner"),
        ]
        indexes = [
            models.Index(fields=["sha256"], name="file_content"),
            models.Index(fields=["owner", "-created_at", "id"], name="file_owner_created"),
        ]

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def path_of(sha256: str) -> Path:
        """Where content lies, whoever gave it; a name that a user made up is no part of it."""
        digest = sha256 if HEX_DIGEST.fullmatch(sha256) else "none"
        return Path(settings.FILES_ROOT) / digest[:2] / digest

    @property
    def path(self) -> Path:
        return self.path_of(self.sha256)
