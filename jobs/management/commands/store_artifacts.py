"""Bring to the bucket what lies in place: of before there was one, or while it was away."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from jobs import storage, storekeeper


class Command(BaseCommand):
    help = (
        "Bring the files of jobs that lie on this machine to BACKPLANE_S3_BUCKET. The site may run "
        "meanwhile; the files here stay."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        if storage.bucket() is None:
            raise CommandError("No bucket is named: set BACKPLANE_S3_BUCKET.")
        n_files = total_bytes = n_troubles = 0
        for told in storekeeper.bring_all():
            if told.trouble:
                n_troubles += 1
                self.stderr.write(f"{told.artifact.path}: {told.trouble}")
            else:
                n_files, total_bytes = n_files + 1, total_bytes + told.artifact.size_bytes
        self.stdout.write(f"{n_files} files were brought: {filesizeformat(total_bytes)}.")
        if n_troubles:
            raise CommandError(f"{n_troubles} files could not be brought; see above.")
