"""How what a site stands on is taken away from it, and given back."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import psycopg

from tests.stack import Stack

DISK_MIB = 64


@contextmanager
def locked(stack: Stack, database: str) -> Iterator[None]:
    """Nobody else can write."""
    if database:
        with psycopg.connect(database) as connection:
            connection.execute("LOCK TABLE jobs_job IN EXCLUSIVE MODE")
            yield
        return
    with closing(sqlite3.connect(stack.var / "db.sqlite3", timeout=60)) as intruder:
        intruder.execute("BEGIN EXCLUSIVE")
        yield
        intruder.rollback()


def fill(stack: Stack) -> None:
    """The disk under the work directories, to its last page."""
    filler = stack.var / "jobs" / "filler"
    with suppress(OSError):  # a job may be quicker, and have the last page
        filler.write_bytes(b"\0" * shutil.disk_usage(filler.parent).free)


def empty(stack: Stack) -> None:
    (stack.var / "jobs" / "filler").unlink(missing_ok=True)


@contextmanager
def small_disk(stack: Stack) -> Iterator[None]:
    """The work directories on a disk of their own, which a test may fill."""
    jobs = stack.var / "jobs"
    jobs.mkdir(mode=0o700)
    if not may_mount():
        yield
        return
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=700", "none", str(jobs)]
    subprocess.run(mount, check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(jobs)], check=True)
        shutil.rmtree(stack.var, ignore_errors=True)


def may_mount() -> bool:
    return os.getuid() == 0 and shutil.which("mount") is not None
