"""One small look at a job in SQL of our own: whether it is theirs who ask, and which version it is.

For answers that are said again as long as nothing has changed: what tells so must take less than
to make them. Whoever gets `None` asks Django, which knows why.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hmac import compare_digest
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection
from django.utils import timezone

from .key_models import ApiKey
from .keys import FORM, USE_NOTED_EVERY, digest
from .models import Attempt, Job
from .prepared import as_moment
from .states import Scope

OF_JOB = (
    "j.state, j.last_seq, j.attempt, COALESCE(j.started_at, j.queued_at), j.inchikey, j.batch_id"
)
OF_ATTEMPT = "a.heartbeat_at, a.ended_at, a.outcome, a.progress, a.peak_memory_mib, a.cpu_seconds"
"""What is told of an attempt and changes without an event."""
BY_NAME = """
SELECT {columns} FROM {job} j
JOIN {user} u ON u.id = j.owner_id
LEFT JOIN {attempt} a ON a.job_id = j.id AND a.number = j.attempt
WHERE j.id = ? AND u.username = ?
"""
BY_KEY = """
SELECT {columns}, k.secret_sha256, CAST(k.scopes AS text) FROM {job} j
JOIN {user} u ON u.id = j.owner_id
JOIN {key} k ON k.owner_id = u.id
LEFT JOIN {attempt} a ON a.job_id = j.id AND a.number = j.attempt
WHERE j.id = ? AND k.prefix = ? AND u.is_active AND k.revoked_at IS NULL
AND (k.expires_at IS NULL OR k.expires_at > ?) AND k.last_used_at > ?
"""
"""A key whose use has to be noted is not among them."""
STANDING = "SELECT j.last_seq, j.state FROM {job} j WHERE j.id = ?"

First = Callable[[str, list[Any]], Sequence[Any] | None]
"""Gives the first row."""


@dataclass(frozen=True, slots=True)
class Seen:
    """:param since: when it was started, or queued.
    :param is_filed: False: it may still be to be filed under its molecule, which is no event.
    :param version: whatever of it is told and may change, as one value to compare.
    """

    state: str
    seq: int
    attempt: int
    since: datetime
    is_filed: bool
    version: tuple[Any, ...]


class Question(NamedTuple):
    """:param text: that of the key by which somebody asks, or the name of the user who does."""

    job_id: str
    text: str
    is_key: bool


def at_once(question: Question) -> Seen | None:
    """What can be told without waiting for anything. None: nothing, or not like that."""
    if connection.vendor != "sqlite":
        return None
    try:
        # Here and now: to go to a thread and back takes longer than the answer.
        return _told(question, lambda template, params: _in_file()(_sql(template, "?"), params))
    except sqlite3.Error:
        return None


def standing(job_id: str) -> tuple[int, str] | None:
    """Its last event and its state, where that can be told without waiting for anything: of one
    that somebody waits for, and that runs, at each of its events."""
    if connection.vendor != "sqlite":
        return None
    try:
        row = _in_file()(_sql(STANDING, "?"), [job_id.replace("-", "")])
    except sqlite3.Error:
        return None
    return (row[0], row[1]) if row else None


async def ask(question: Question) -> Seen | None:
    """A job of the user's own, or of the owner of a key that may look. None: ask Django."""
    if connection.vendor == "sqlite":
        return at_once(question)
    try:
        return await asyncio.to_thread(_told, question, _by_django)
    except DatabaseError:
        return None


def _told(question: Question, first: First) -> Seen | None:
    job_id = question.job_id.replace("-", "")
    if not question.is_key:
        row = first(BY_NAME, [job_id, question.text])
        return _seen(row) if row else None
    match = FORM.fullmatch(question.text)
    if match is None:
        return None
    now = timezone.now()
    row = first(BY_KEY, [job_id, match[1], _at(now), _at(now - USE_NOTED_EVERY)])
    if row is None:
        return None
    *told, secret_sha256, scopes = row
    is_it = compare_digest(secret_sha256, digest(question.text))
    return _seen(told) if is_it and f'"{Scope.READ}"' in scopes else None


def _seen(row: Sequence[Any]) -> Seen:
    state, seq, attempt, since, inchikey, batch, *_ = row
    is_filed = bool(inchikey) or batch is None
    return Seen(state, seq, attempt, as_moment(since), is_filed, tuple(row))


def _at(moment: datetime) -> Any:
    """As the database has it."""
    return connection.ops.adapt_datetimefield_value(moment)


@cache
def _sql(template: str, placeholder: str) -> str:
    tables: dict[str, Any] = {
        "job": Job,
        "user": get_user_model(),
        "attempt": Attempt,
        "key": ApiKey,
    }
    names = {name: model._meta.db_table for name, model in tables.items()}
    sql = template.format(columns=f"{OF_JOB}, {OF_ATTEMPT}", **names)
    return sql.replace("?", placeholder)


@cache
def _in_file() -> First:
    """A connection that only reads, and waits for nobody."""
    address = f"file:{_quoted(str(connection.settings_dict['NAME']))}?mode=ro"
    file = sqlite3.connect(
        address, uri=True, timeout=0, isolation_level=None, check_same_thread=False
    )

    def first(sql: str, params: list[Any]) -> Sequence[Any] | None:
        # All of them: a statement that has not come to its end would hold up a checkpoint.
        rows = file.execute(sql, params).fetchall()
        return rows[0] if rows else None

    return first


def _quoted(path: str) -> str:
    for special in "%?#":
        path = path.replace(special, f"%{ord(special):02x}")
    return path


def _by_django(template: str, params: list[Any]) -> Sequence[Any] | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_sql(template, "%s"), params)
            found: Sequence[Any] | None = cursor.fetchone()
            return found
    finally:
        connection.close()
