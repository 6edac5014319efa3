"""How what a site stands on is taken away from it, and given back."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg

from tests.stack import Stack, until

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


@contextmanager
def stopped(stack: Stack, database: str, processes: Sequence[psutil.Process]) -> Iterator[None]:
    """They stand still, none of them in the midst of a write: a lock of theirs would stop the rest.

    :raises AssertionError: they are never found outside one.
    """

    def all_of_them() -> bool:
        for each in processes:
            each.suspend()
        if may_write(stack, database):
            return True
        resume(processes)
        return False

    try:
        until(all_of_them, "they are stopped outside a write")
        yield
    finally:
        resume(processes)


def resume(processes: Sequence[psutil.Process]) -> None:
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            each.resume()


def may_write(stack: Stack, database: str) -> bool:
    """Whether nobody holds a lock for longer than a write takes."""
    if database:
        longer = "state = 'idle in transaction' AND state_change < now() - interval '0.2 s'"
        time.sleep(0.3)  # what is asked is how long they have held theirs
        with psycopg.connect(database) as connection:
            held = f"SELECT count(*) FROM pg_stat_activity WHERE {longer}"
            return connection.execute(held).fetchone() == (0,)
    with closing(sqlite3.connect(stack.var / "db.sqlite3", timeout=1)) as writer:
        try:
            writer.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        writer.rollback()
        return True


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


def with_a_clock(stack: Stack) -> Path:
    """All its processes will read the time through this file, which says how far it is off."""
    spec = find_spec("libfaketime")
    assert spec
    assert spec.origin
    library = Path(spec.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"
    clock = stack.var / "clock"
    set_clock(clock, "+0")
    stack.settings |= {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    return clock


def set_clock(clock: Path, offset_s: str) -> None:
    """In one step: nobody is to read a file that is empty yet."""
    new = clock.with_suffix(".new")
    new.write_text(offset_s)
    new.replace(clock)
