"""What was sent to a Slurm cluster, and how the watcher finds it. Only `jobs.watcher` writes it."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone

SILENT_AFTER = timedelta(seconds=90)
"""A watcher that has not looked for so long is none."""


class SlurmTask(models.Model):
    """One attempt of a job, as a job of Slurm's or a member of one of its arrays.

    Stored before Slurm is told of it: should the answer be lost, the token finds it again. Gone
    once Slurm has nothing more to do with it.
    """

    job = models.ForeignKey("jobs.Job", models.CASCADE, related_name="slurm_tasks")
    attempt = models.PositiveIntegerField()
    # Of all that was sent together; Slurm has it as the comment.
    token = models.CharField(max_length=60, db_index=True)
    member = models.PositiveIntegerField(default=0)
    # Blank until Slurm has told it.
    native_id = models.CharField(max_length=60, blank=True)
    sent_at = models.DateTimeField(default=timezone.now)
    # How far its files have been read.
    progress_read = models.PositiveBigIntegerField(default=0)
    log_read = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "attempt"], name="slurm_task_once_per_attempt"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id}-{self.attempt} as {self.native_id or self.token}"


class SlurmWatch(models.Model):
    """One row: when the watcher last looked, and what then was wrong, if anything."""

    looked_at = models.DateTimeField()
    trouble = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"looked at {self.looked_at:%H:%M:%S}: {self.trouble or 'all is well'}"

    @classmethod
    def what_is_wrong(cls) -> str:
        """A sentence; empty where Slurm is followed and answers."""
        watch = cls.objects.first()
        if watch is None or watch.looked_at < timezone.now() - SILENT_AFTER:
            return "no watcher runs; start it with: manage.py watch"
        return f"Slurm does not answer: {watch.trouble}" if watch.trouble else ""
