"""Which of the files under BACKPLANE_VAR a site is made of, and which only serve its running."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection

from jobs.heritage import SCRATCH_NAME
from simulations.workdir import PREVIOUS_NAME

SECRET_KEY = "secret_key"
REPLACED = "replaced-"
STAGING = ".restoring-"
PASSING = {"redis", "redis.sock", "up.lock", "watch.lock", "slurm", "demo", SECRET_KEY}
"""Made anew when it is needed; the queue is made up again from the database."""


def entries() -> list[Path]:
    """What lies under BACKPLANE_VAR and belongs to the site, its database included."""
    return sorted(path for path in settings.VAR_DIR.iterdir() if not _is_passing(path))


def files() -> Iterator[Path]:
    """Its plain files, but for the database."""
    for entry in entries():
        if not _is_database(entry):
            found = sorted(entry.rglob("*")) if entry.is_dir() else [entry]
            yield from (path for path in found if _is_ours(path))


def _is_passing(path: Path) -> bool:
    is_scratch = path.name.startswith((REPLACED, ".")) or path.suffix in {".log", ".sock"}
    return path.name in PASSING or is_scratch


def _is_database(path: Path) -> bool:
    if connection.vendor != "sqlite":
        return False
    database = Path(connection.settings_dict["NAME"]).name
    return path.name in {database, f"{database}-wal", f"{database}-shm", f"{database}-journal"}


def _is_ours(path: Path) -> bool:
    """No link, no socket, and not the view of other files that a run that goes on was given."""
    inner = path.relative_to(settings.VAR_DIR).parts
    return stat.S_ISREG(path.lstat().st_mode) and not {PREVIOUS_NAME, SCRATCH_NAME} & {*inner}
