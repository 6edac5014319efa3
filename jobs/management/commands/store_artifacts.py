"""Bring to the bucket what lies in place: of before there was one, or while it was away."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from jobs import contents, local_copies, storage, storekeeper


class Command(BaseCommand):
    help = (
        "Bring the files of jobs that lie on this machine to BACKPLANE_S3_BUCKET. The site may run "
        "meanwhile; the files here stay, unless you say otherwise."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--remove-after-days",
            type=int,
            metavar="N",
            help="then remove here what the bucket has of jobs that ended N days ago, and uploads",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if storage.bucket() is None:
            raise CommandError("No bucket is named: set BACKPLANE_S3_BUCKET.")
        days = options["remove_after_days"]
        n_files = total_bytes = n_troubles = 0
        for told in storekeeper.bring_all():
            if told.trouble:
                n_troubles += 1
                self.stderr.write(f"{told.artifact.path}: {told.trouble}")
            else:
                n_files, total_bytes = n_files + 1, total_bytes + told.artifact.size_bytes
        try:
            n_uploads = contents.bring_all()
        except OSError as exc:
            raise CommandError(f"The uploads could not be brought: {exc}") from None
        size = filesizeformat(total_bytes)
        self.stdout.write(f"{n_files} files were brought: {size}; and {n_uploads} uploads.")
        if days is not None:
            self.stdout.write(f"{local_copies.remove(days)} copies were removed here.")
        if n_troubles:
            raise CommandError(f"{n_troubles} files could not be brought; see above.")
