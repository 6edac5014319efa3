"""Fills the tables with jobs that have ended: copies of those there are, with all that is theirs.

The database makes them by itself, column by column as the models have them: only keys are new,
every moment lies so many minutes earlier, and a fingerprint is its own, as of jobs that differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from statistics import mean
from typing import Any
from uuid import UUID

CHUNK = 20_000
"""Jobs that are made in one transaction."""
PLACES = 1000
NEW_ID = {"sqlite": "lower(hex(randomblob(16)))", "postgresql": "gen_random_uuid()"}
ID = {"sqlite": "char(32)", "postgresql": "uuid"}
DIGEST = {
    "sqlite": "copied.id || copied.id",
    "postgresql": "repeat(replace(copied.id::text, '-', ''), 2)",
}
EARLIER = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', source.{name}, '-' || copied.i || ' minutes')",
    "postgresql": "source.{name} - copied.i * interval '1 minute'",
}
NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n "
    "WHERE i < {last}) SELECT i FROM n",
    "postgresql": "SELECT i FROM generate_series({first}, {last}) AS n(i)",
}
QUICKLY = {
    # What a crash would cost is another fill; the site is down meanwhile.
    "sqlite": ["PRAGMA synchronous = OFF", "PRAGMA cache_size = -1000000"],
    # No look at a row that is known to be there, for each of them.
    "postgresql": ["SET session_replication_role = replica", "SET synchronous_commit = off"],
}
GONE = ["DROP TABLE IF EXISTS copied", "DROP TABLE IF EXISTS places"]


def places(events: Mapping[Any, int], each: float, n: int = PLACES) -> list[Any]:
    """Which job is copied in which place, so that all have about so many events on average.

    :param events: how many each of them has.
    """
    light = [job for job in events if events[job] <= each]
    heavy = [job for job in events if events[job] > each]
    if not light or not heavy:
        return [job for _, job in zip(range(n), cycle(events), strict=False)]
    few, many = (mean(events[job] for job in some) for some in (light, heavy))
    share = (each - few) / (many - few)
    turns = {True: cycle(heavy), False: cycle(light)}
    return [next(turns[int((k + 1) * share) > int(k * share)]) for k in range(n)]


class Copies:
    """What fills: `grow` as often as wanted, each time further back into the past.

    :param of: the jobs that are copied, in turn.
    :param already: how many copies there are.
    """

    def __init__(self, of: Sequence[Any], already: int = 0) -> None:
        from django.db import connection

        self._vendor = connection.vendor
        self._n = already
        self._of = of

    def grow(self, n: int, shown: Any) -> list[str]:
        """So many more; returns some of those that are copies of `shown`."""
        found: list[str] = []
        self._prepare()
        for first in range(self._n + 1, self._n + n + 1, CHUNK):
            last = min(first + CHUNK, self._n + n + 1) - 1
            found += self._fill(first, last, shown)
        self._n += n
        self._run(*GONE)
        return found

    def hurry(self) -> None:
        """For as long as this connection lasts, and in no transaction."""
        self._run(*QUICKLY[self._vendor])

    def _prepare(self) -> None:
        from jobs.models import Job

        key = ID[self._vendor]
        self._run(*GONE)
        self._run(f"CREATE TEMP TABLE places (place integer PRIMARY KEY, source {key})")
        self._run(f"CREATE TEMP TABLE copied (id {key} PRIMARY KEY, source {key}, i integer)")
        from django.db import connection

        rows = [
            (n, Job._meta.pk.get_db_prep_value(job, connection)) for n, job in enumerate(self._of)
        ]
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO places VALUES (%s, %s)", rows)

    def _fill(self, first: int, last: int, shown: Any) -> list[str]:
        from django.db import connection, transaction

        from jobs.models import Job

        with transaction.atomic():
            self._run("DELETE FROM copied")
            numbers = NUMBERS[self._vendor].format(first=first, last=last)
            self._run(
                f"INSERT INTO copied SELECT {NEW_ID[self._vendor]}, places.source, n.i "
                f"FROM ({numbers}) AS n JOIN places ON places.place = n.i % {len(self._of)}"
            )
            self._run(*statements(self._vendor))
        key = Job._meta.pk.get_db_prep_value(shown, connection)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM copied WHERE source = %s ORDER BY random() LIMIT 20", [key]
            )
            return [str(UUID(str(row[0]))) for row in cursor.fetchall()]

    @staticmethod
    def _run(*sql: str) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            for each in sql:
                cursor.execute(each)


def statements(vendor: str) -> Iterator[str]:
    """That copy what is named in `copied`: the job, then what hangs on it."""
    from jobs.models import Artifact, Attempt, Job, JobEvent

    yield _copy(Job, "id", vendor)
    for model in (Attempt, Artifact, JobEvent):
        # In the order of the keys, as their index has it.
        yield _copy(model, "job_id", vendor) + " ORDER BY copied.id"
    yield """
        INSERT INTO jobs_inboxitem (owner_id, key_id, job_id, event_id, kind)
        SELECT source.owner_id, source.key_id, copied.id, made.id, source.kind
        FROM copied CROSS JOIN jobs_inboxitem AS source CROSS JOIN jobs_jobevent AS told
        CROSS JOIN jobs_jobevent AS made
        WHERE source.job_id = copied.source AND told.id = source.event_id
        AND made.job_id = copied.id AND made.seq = told.seq
    """


def _copy(model: Any, by: str, vendor: str) -> str:
    values = {
        field.column: _value(field, vendor)
        for field in model._meta.concrete_fields
        if not field.get_internal_type().endswith("AutoField")
    } | {by: "copied.id"}
    columns = ", ".join(f'"{name}"' for name in values)
    # In this order: SQLite keeps to it, and knows nothing of how large the two are.
    return (
        f"INSERT INTO {model._meta.db_table} ({columns}) SELECT {', '.join(values.values())} "
        f"FROM copied CROSS JOIN {model._meta.db_table} AS source "
        f"WHERE source.{by} = copied.source"
    )


def _value(field: Any, vendor: str) -> str:
    if field.get_internal_type() == "DateTimeField":
        return EARLIER[vendor].format(name=field.column)
    if field.primary_key:
        return NEW_ID[vendor]
    if field.column == "fingerprint":
        return DIGEST[vendor]
    return f'source."{field.column}"'
