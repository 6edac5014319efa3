"""Remove the files of jobs that ended long ago, and unused uploads; show what that would be."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from jobs import retention


class Command(BaseCommand):
    help = "Remove the files of jobs that ended long ago. Their input, result and events stay."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, help="default: BACKPLANE_RETENTION_DAYS")
        parser.add_argument(
            "--uploads",
            type=int,
            metavar="DAYS",
            help="uploads that no job refers to; default: BACKPLANE_UPLOAD_RETENTION_DAYS",
        )
        parser.add_argument("--dry-run", action="store_true", help="only show what would go")

    def handle(
        self, *args: Any, days: int | None, uploads: int | None, dry_run: bool, **options: Any
    ) -> None:
        days = settings.JOB_RETENTION_DAYS if days is None else days
        uploads = settings.UPLOAD_RETENTION_DAYS if uploads is None else uploads
        if days is None and uploads is None:
            raise CommandError(
                "Files are kept for ever here. Say for how long with --days N or --uploads N, or "
                "set BACKPLANE_RETENTION_DAYS or BACKPLANE_UPLOAD_RETENTION_DAYS."
            )
        for name, given in (("--days", days), ("--uploads", uploads)):
            if given is not None and given < 1:
                raise CommandError(f"{name} is {given}; expected 1 or more.")
        if days is not None:
            self._prune_jobs(days, dry_run)
        if uploads is not None:
            self._prune_uploads(uploads, dry_run)

    def _prune_uploads(self, days: int, dry_run: bool) -> None:
        n_files = 0
        for stored in retention.prune_uploads(days, dry_run=dry_run):
            size = filesizeformat(stored.size_bytes)
            self.stdout.write(f"{stored.pk}  given {stored.created_at:%Y-%m-%d}  {size}")
            n_files += 1
        if not dry_run:
            retention.sweep_contents()
        word = "would be removed" if dry_run else "were removed"
        self.stdout.write(f"{n_files} uploads that no job refers to {word}.")

    def _prune_jobs(self, days: int, dry_run: bool) -> None:
        n_jobs = total_bytes = 0
        for removal in retention.prune(days, dry_run=dry_run):
            job, size = removal.job, filesizeformat(removal.size_bytes)
            self.stdout.write(f"{job.pk}  ended {job.finished_at:%Y-%m-%d}  {size}")
            n_jobs += 1
            total_bytes += removal.size_bytes
        if not dry_run:
            retention.sweep()
        word = "would be removed" if dry_run else "were removed"
        self.stdout.write(f"The files of {n_jobs} jobs {word}: {filesizeformat(total_bytes)}.")
