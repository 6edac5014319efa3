"""A job that does nothing and says when, and the same where its start and its end are kept."""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from contextlib import closing
from functools import cache

DATABASE = "FLOOR_DATABASE"
"""The variable that names the file."""


def nothing(n: int) -> dict[str, float]:
    started_at = time.time()
    total = sum(i * i for i in range(1, n + 1))
    return {"total": total, "started_at": started_at, "finished_at": time.time()}


def kept(n: int) -> dict[str, float]:
    """Two transactions, each of one row."""
    job_id = str(uuid.uuid4())
    _write("INSERT INTO job VALUES (?, 'running')", job_id)
    told = nothing(n)
    _write("UPDATE job SET state = 'succeeded' WHERE id = ?", job_id)
    return told | {"finished_at": time.time()}


def _write(statement: str, job_id: str) -> None:
    connection = _connected(os.getpid())
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(statement, [job_id])


@cache
def _connected(pid: int) -> sqlite3.Connection:
    """:param pid: a process must not use the connection of its parent."""
    connection = sqlite3.connect(os.environ[DATABASE], timeout=20)
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


def create_table(path: str) -> None:
    """Before there are workers: nobody waits for who changes the journal of a new database."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE job (id TEXT PRIMARY KEY, state TEXT NOT NULL)")
