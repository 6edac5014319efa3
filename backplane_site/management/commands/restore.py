"""A whole site from a backup, into an empty BACKPLANE_VAR; its jobs then go on."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from backplane_site import archive, database_copy, truth
from backplane_site.quiet import nothing_runs
from jobs import artifacts, lifecycle, log_epoch
from jobs.models import Job
from jobs.states import JobState


class Command(BaseCommand):
    help = "Put the site back that FILE holds. Stop everything first; start it again afterwards."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--force", action="store_true", help="move what is there aside, and put this in place"
        )

    def handle(self, *args: Any, file: Path, force: bool, **options: Any) -> None:
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        with nothing_runs():
            _refuse_what_is_there(force)
            try:
                self._restore(file, force)
            except archive.BadArchive as exc:
                raise CommandError(f"Nothing was changed. {file} cannot be used: {exc}") from None
            except database_copy.CannotCopy as exc:
                raise CommandError(str(exc)) from None

    def _restore(self, file: Path, force: bool) -> None:
        with tempfile.TemporaryDirectory(dir=settings.VAR_DIR, prefix=truth.STAGING) as scratch:
            staged = Path(scratch)
            manifest = archive.unpack(file, staged)
            _check(manifest)
            if force:
                self._move_aside()
            database_copy.load(staged / database_copy.name())
            for path in (staged / "var").glob("*"):
                path.replace(settings.VAR_DIR / path.name)
        call_command("migrate", verbosity=0, interactive=False)
        log_epoch.begin()
        n_running = _hand_over(manifest["made_at"])
        self.stdout.write(
            f"Restored {Job.objects.count()} jobs and {len(manifest['files'])} files as of "
            f"{manifest['made_at']}. {n_running} were running then; they go on from their last "
            "checkpoint once the site is started."
        )

    def _move_aside(self) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        aside = settings.VAR_DIR / f"{truth.REPLACED}{stamp}"
        aside.mkdir(mode=0o700)
        if connection.vendor != "sqlite" and _has_rows():
            database_copy.dump(aside / database_copy.name())
        connection.close()
        for path in truth.entries():
            path.replace(aside / path.name)
        self.stdout.write(f"What was here is now in {aside}")


def _check(manifest: dict[str, Any]) -> None:
    if manifest.get("in_bucket") and not settings.S3_BUCKET:
        raise archive.BadArchive(
            f"{manifest['in_bucket']} files of its jobs are in a bucket: set BACKPLANE_S3_BUCKET, "
            "and what else names it, to the one that the site had."
        )
    if manifest["database"] != connection.vendor:
        raise archive.BadArchive(
            f"It holds a {manifest['database']} database, and DATABASE_URL names a "
            f"{connection.vendor} one."
        )
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    if newer := sorted(set(manifest["migrations"]) - known):
        raise archive.BadArchive(
            f"It was made by a newer version: {newer[0]} is not known here. Install that version."
        )


def _refuse_what_is_there(force: bool) -> None:
    if not force and (there := truth.entries() or _has_rows()):
        what = settings.VAR_DIR if isinstance(there, list) else "the database"
        raise CommandError(
            f"There is a site in {what} already. Set BACKPLANE_VAR to an empty folder, or say "
            "--force to have what is there moved aside."
        )


def _has_rows() -> bool:
    """Asked without making a database file where there is none."""
    if connection.vendor == "sqlite" and not Path(connection.settings_dict["NAME"]).exists():
        return False
    is_there = Job._meta.db_table in connection.introspection.table_names()
    return is_there and Job.objects.exists()


def _hand_over(made_at: str) -> int:
    """Their workers are those of another time: no attempt of theirs has failed, all go on."""
    evidence = f"The site was restored from a backup of {made_at}, when it was running."
    running = list(Job.objects.filter(state=JobState.RUNNING))
    for job in running:
        files = artifacts.collect(job.workdir(job.attempt))
        lifecycle.hand_over(job, job.attempt, evidence, files)
    return len(running)
