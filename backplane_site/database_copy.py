"""The whole database as one file and back, by its own tools: consistent while everything runs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.db import connection

NAMES = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}


class CannotCopy(Exception):
    """Says what is missing, or what the database's own tool said."""


def name() -> str:
    """:raises CannotCopy: there is no way to copy a database of this kind."""
    if connection.vendor not in NAMES:
        raise CannotCopy(f"Only SQLite and PostgreSQL can be copied, not {connection.vendor}.")
    return NAMES[connection.vendor]


def dump(to: Path) -> None:
    """:raises CannotCopy: pg_dump is not installed, or did not succeed."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with closing(sqlite3.connect(to)) as copy:
            # All pages in one step: one moment, and writers go on meanwhile.
            connection.connection.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
    else:
        _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={to}")


def load(copy: Path) -> None:
    """Put it in the place of the database that is there.

    :raises CannotCopy: pg_restore is not installed, or did not succeed.
    """
    if connection.vendor == "sqlite":
        connection.close()
        database = Path(connection.settings_dict["NAME"])
        for suffix in ("-wal", "-shm"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        copy.replace(database)
    else:
        connection.close()
        _run(
            "pg_restore", "--clean", "--if-exists", "--no-owner", "--no-privileges",
            "--exit-on-error", "--single-transaction", str(copy),
        )  # fmt: skip


def _run(tool: str, *arguments: str) -> None:
    path = shutil.which(tool)
    if path is None:
        raise CannotCopy(f"{tool} is not installed; on Debian: apt-get install postgresql-client")
    given = connection.settings_dict
    settings = {
        "PGHOST": given["HOST"],
        "PGPORT": str(given["PORT"]),
        "PGUSER": given["USER"],
        # In the environment, where no list of processes shows it.
        "PGPASSWORD": given["PASSWORD"],
    }
    argv = [path, f"--dbname={given['NAME']}", *arguments]
    env = {**os.environ, **{name: value for name, value in settings.items() if value}}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotCopy(f"{tool} failed: {done.stderr.strip()}")
