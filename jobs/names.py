"""What jobs are called, found by three letters in a row, wherever in the name they stand.

Only which of a million may be meant: whoever asks compares the name as well. PostgreSQL has its
own index for that, by its extension `pg_trgm`. SQLite has a full-text table beside the jobs, which
triggers fill; they go with the table that they watch when a migration remakes it. So `mend` follows
each migration. Where neither can be had, each name is looked at.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder

SHORTEST = 3
MOST_TRIPLES = 20
MOST_LOOKED_AT = 200
"""Of so many jobs each is looked at. Where more may be meant the list is read from its top until a
page is full: of a million, both take some hundredths of a second then."""

MADE_BY = ("jobs", "0018_names_by_triples")
OLDEST_WITH_TRIPLES = (3, 34)
MAKE = """
    CREATE VIRTUAL TABLE names_of_jobs USING fts5(
        name, job_id UNINDEXED, tokenize = 'trigram', detail = 'none', columnsize = 0
    )
"""
FILL = "INSERT INTO names_of_jobs (name, job_id) SELECT name, id FROM jobs_job WHERE name <> ''"
TRIGGERS = {
    "job_is_named": """
        CREATE TRIGGER job_is_named AFTER INSERT ON jobs_job WHEN NEW.name <> ''
        BEGIN INSERT INTO names_of_jobs (name, job_id) VALUES (NEW.name, NEW.id); END
    """,
    # The old name stays beside it, as that of a removed job does: who finds the job by that
    # compares what it is called now.
    "job_is_renamed": """
        CREATE TRIGGER job_is_renamed AFTER UPDATE OF name ON jobs_job
        WHEN NEW.name <> OLD.name AND NEW.name <> ''
        BEGIN INSERT INTO names_of_jobs (name, job_id) VALUES (NEW.name, NEW.id); END
    """,
}
KEPT = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'jobs_job'"
FOUND = "SELECT job_id FROM names_of_jobs WHERE names_of_jobs MATCH %s LIMIT %s"
BEGINS_SO = "SELECT id FROM jobs_job WHERE id BETWEEN %s AND %s LIMIT %s"

# Whoever may make anything in a database may have this extension, which PostgreSQL trusts.
MAY_HAVE = """
    SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') OR EXISTS (
        SELECT FROM pg_available_extension_versions
        WHERE name = 'pg_trgm' AND trusted AND has_database_privilege(current_database(), 'CREATE')
    )
"""
WHERE_IT_IS = """
    SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace AS n ON n.oid = extnamespace
    WHERE extname = 'pg_trgm'
"""
# Of what Django asks for `icontains`.
INDEX = "CREATE INDEX job_named ON jobs_job USING gin (UPPER(name::text) {}.gin_trgm_ops)"


def may_be_called(text: str, ids: tuple[UUID, UUID] | None = None) -> list[UUID] | None:
    """All jobs that have this in their name, and some more; None: too many, or it cannot be told.

    PostgreSQL sees by itself when its index helps.

    :param ids: or whose id lies in between.
    """
    if connection.vendor != "sqlite" or len(text) < SHORTEST or "\0" in text:
        return None
    with connection.cursor() as cursor:
        if not _is_kept(cursor):
            return None
        found = _some(cursor, FOUND, _all_of(text))
        if ids and len(found) <= MOST_LOOKED_AT:
            found |= _some(cursor, BEGINS_SO, *(each.hex for each in ids))
    return [*found] if len(found) <= MOST_LOOKED_AT else None


def _all_of(text: str) -> str:
    """Asks for its triples, side by side: those across two of them would tell hardly more."""
    starts = [*range(0, len(text) - 3, 3)[:MOST_TRIPLES], len(text) - 3]
    triples = dict.fromkeys(text[at : at + 3] for at in starts)
    return " AND ".join(f'"{each.replace(chr(34), chr(34) * 2)}"' for each in triples)


def _some(cursor: Any, sql: str, *words: str) -> set[UUID]:
    """One more than are looked at, if there are so many."""
    cursor.execute(sql, [*words, MOST_LOOKED_AT + 1])
    return {UUID(job_id) for (job_id,) in cursor.fetchall()}


def _is_kept(cursor: Any) -> bool:
    """Whether all names are in the table: with a trigger missing it would be behind."""
    cursor.execute(KEPT)
    return {*TRIGGERS} <= {name for (name,) in cursor.fetchall()}


def mend(using: str, **_: Any) -> None:
    """Make what finds names where a part of it is missing; after every migration."""
    there = connections[using]
    if MADE_BY not in MigrationRecorder(there).applied_migrations():
        return
    with transaction.atomic(using=using), there.cursor() as cursor:
        if there.vendor == "sqlite":
            _mend_sqlite(there, cursor)
        elif there.vendor == "postgresql":
            _mend_postgresql(cursor)


def _mend_sqlite(there: Any, cursor: Any) -> None:
    is_able = _is_able(there, cursor)
    if is_able == _is_kept(cursor):
        return
    leave(cursor)
    if is_able:
        for statement in ("DROP TABLE IF EXISTS names_of_jobs", MAKE, FILL, *TRIGGERS.values()):
            cursor.execute(statement)


def _is_able(there: Any, cursor: Any) -> bool:
    """SQLite is built without full-text search, too, and older ones know no triples."""
    cursor.execute("SELECT count(*) FROM pragma_module_list WHERE name = 'fts5'")
    is_there = bool(cursor.fetchone()[0])
    return is_there and there.Database.sqlite_version_info >= OLDEST_WITH_TRIPLES


def leave(cursor: Any) -> None:
    """Without a trigger nobody asks the table, which only a SQLite that knows it could remove."""
    for name in TRIGGERS:
        cursor.execute(f"DROP TRIGGER IF EXISTS {name}")


def _mend_postgresql(cursor: Any) -> None:
    cursor.execute(f"SELECT to_regclass('job_named') IS NULL AND ({MAY_HAVE})")
    if cursor.fetchone()[0]:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        cursor.execute(WHERE_IT_IS)
        cursor.execute(INDEX.format(*cursor.fetchone()))
