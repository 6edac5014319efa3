"""A whole site from SQLite to PostgreSQL: every row, and the proof that none differs."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import dj_database_url
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from backplane_site import carrying
from backplane_site.quiet import nothing_runs

TARGET = "target"
NAMED_BY = "NEW_DATABASE_URL"
"""A variable, for whoever is on this machine may read a command line, and it holds a password."""


class Command(BaseCommand):
    help = (
        f"Copy the site's SQLite database to the empty PostgreSQL database that {NAMED_BY} names. "
        "Stop the site first. The SQLite database stays as it is."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        url = _target_url()
        with nothing_runs():
            _refuse_unready_source()
            try:
                self._move(url)
            except (DatabaseError, carrying.Differs) as exc:
                raise CommandError(f"Nothing was moved: {exc}") from exc
            finally:
                _forget_target()

    def _move(self, url: str) -> None:
        _name_target(url)
        if table := carrying.occupied(TARGET):
            raise CommandError(f"{NAMED_BY} has rows in {table} already: name an empty database.")
        _migrate(url)
        n_rows = 0
        for table, n in carrying.carry("default", TARGET):
            self.stdout.write(f"{n:>10,}  {table}")
            n_rows += n
        self.stdout.write(
            f"{n_rows:,} rows are the same in both. Set DATABASE_URL to what {NAMED_BY} was, and "
            "start the site. Files stay where they are."
        )


def _target_url() -> str:
    url = os.environ.get(NAMED_BY, "")
    engine = dj_database_url.parse(url)["ENGINE"] if url else ""
    if engine != "django.db.backends.postgresql":
        raise CommandError(f"{NAMED_BY} must be set: postgres://user:password@host/name")
    if connection.vendor != "sqlite":
        raise CommandError("The site is not on SQLite: DATABASE_URL names another database.")
    return url


def _refuse_unready_source() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError("The site's database is of an older version: manage.py migrate first.")


def _name_target(url: str) -> None:
    wanted = {**settings.DATABASES, TARGET: dj_database_url.parse(url)}
    connections.databases[TARGET] = connections.configure_settings(wanted)[TARGET]


def _forget_target() -> None:
    if TARGET in connections.databases:
        connections[TARGET].close()
        del connections[TARGET], connections.databases[TARGET]


def _migrate(url: str) -> None:
    """In a process of its own: migrations that fill columns fill those of the site's database."""
    argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), "migrate", "--verbosity", "0"]
    env = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "backplane_site.settings"}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandError(f"The tables could not be made: {done.stderr.strip()[-2000:]}")
