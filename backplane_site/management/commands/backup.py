"""The whole site in one file: database, files of jobs, uploads; while it runs."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import QuerySet
from django.template.defaultfilters import filesizeformat

from backplane_site import archive, database_copy, truth
from jobs.models import Artifact, Job
from jobs.states import FINAL


class Command(BaseCommand):
    help = "Write database, files of jobs and uploads to FILE. The site may run meanwhile."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="ends in .tar.gz, or in .tar: larger, faster")
        parser.add_argument(
            "--with-secret-key",
            action="store_true",
            help="include the key that signs sessions; whoever has it can sign in as anybody",
        )

    def handle(self, *args: Any, file: Path, with_secret_key: bool, **options: Any) -> None:
        _check(file)
        left_out: list[str] = []
        try:
            with archive.writing(file) as writer:
                self._add_all(writer, left_out, with_secret_key)
                differing = _differing(writer.files)
                in_bucket = _kept(key__gt="").count()
                writer.finish(
                    made_at=datetime.now(UTC).isoformat(timespec="seconds"),
                    database=connection.vendor,
                    migrations=_migrations(),
                    counts={"jobs": Job.objects.count(), "files": len(writer.files)},
                    packages={name: version(name) for name in ("Django", "rq")},
                    left_out=left_out,
                    in_bucket=in_bucket,
                    differing=differing,
                )
        except (OSError, DatabaseError, database_copy.CannotCopy) as exc:
            raise CommandError(f"Nothing was backed up: {exc}") from exc
        for name in left_out:
            self.stderr.write(f"left out, for a job is writing it all the while: {name}")
        for name in differing:
            self.stderr.write(f"not as its job recorded it, see manage.py doctor: {name}")
        if in_bucket:
            self.stderr.write(
                f"{in_bucket} files of jobs are in the bucket {settings.S3_BUCKET or 'of before'} "
                "and not in here: have it keep versions, or copy it by its own tools."
            )
        size = filesizeformat(file.stat().st_size)
        self.stdout.write(f"{file}: {len(writer.files)} files, {size}. Try it: manage.py restore")

    def _add_all(self, writer: archive.Archive, left_out: list[str], with_secret_key: bool) -> None:
        ended = {str(pk) for pk in Job.objects.filter(state__in=FINAL).values_list("pk", flat=True)}
        # The database first: every file that it speaks of is there by then.
        with tempfile.TemporaryDirectory(dir=settings.VAR_DIR, prefix=".backup-") as scratch:
            copy = Path(scratch) / database_copy.name()
            database_copy.dump(copy)
            writer.add(copy, copy.name)
        for path in truth.files():
            name = path.relative_to(settings.VAR_DIR)
            is_still = name.parts[0] == settings.JOBS_ROOT.name and name.parts[1] in ended
            add = writer.add if is_still else writer.add_moving
            try:
                add(path, f"var/{name.as_posix()}")
            except (archive.Changing, FileNotFoundError):
                left_out.append(str(name))
        key = settings.VAR_DIR / truth.SECRET_KEY
        if with_secret_key and key.exists():
            writer.add(key, f"var/{truth.SECRET_KEY}")


def _check(file: Path) -> None:
    if not file.name.endswith(archive.SUFFIXES):
        raise CommandError(f"{file.name}: expected a name that ends in .tar.gz or .tar.")
    if file.exists():
        raise CommandError(f"{file} is there already; name another file.")
    if file.resolve().is_relative_to(settings.VAR_DIR):
        raise CommandError(f"{file} lies in what is backed up; name a file outside it.")
    if not file.parent.is_dir():
        raise CommandError(f"There is no folder {file.parent}.")


def _migrations() -> list[str]:
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in applied)


def _kept(**where: Any) -> QuerySet[Artifact]:
    return Artifact.objects.filter(job__files_removed_at=None, **where)


def _differing(files: dict[str, dict[str, Any]]) -> list[str]:
    """Files that a job has recorded, and that are missing from the backup or not the same in it."""
    found = []
    for artifact in _kept(key="").select_related("job").iterator():
        name = f"var/{artifact.path.relative_to(settings.VAR_DIR).as_posix()}"
        if files.get(name, {}).get("sha256") != artifact.sha256:
            found.append(name)
    return found
