"""Remove the files of jobs that ended long ago; show what that would be."""

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
        parser.add_argument("--dry-run", action="store_true", help="only show what would go")

    def handle(self, *args: Any, days: int | None, dry_run: bool, **options: Any) -> None:
        days = settings.JOB_RETENTION_DAYS if days is None else days
        if days is None:
            raise CommandError(
                "Files are kept for ever here. Say for how long with --days N, or set "
                "BACKPLANE_RETENTION_DAYS."
            )
        if days < 1:
            raise CommandError(f"--days is {days}; expected 1 or more.")
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
