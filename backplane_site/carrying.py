"""Every row of a site from one database to another, and the proof that they are the same.

Rows are read as the models read them and written column by column: nothing is saved, so that no
moment of a change and no number of a row is made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import connections, models, transaction

ROWS_AT_ONCE = 500
MADE_BY_MIGRATE = {"contenttypes.ContentType", "auth.Permission"}
"""What a database without a site has rows of all the same."""


class Differs(Exception):
    """What was written is not what was read."""


def tables() -> list[type[models.Model]]:
    """Those between two of our models too, and nothing that is not ours to keep."""
    found = apps.get_models(include_auto_created=True)
    return [model for model in found if model._meta.managed and not model._meta.proxy]


def occupied(alias: str) -> str:
    """A table there that has rows already; empty if none has."""
    there = connections[alias].introspection.table_names()
    for model in tables():
        is_theirs = model._meta.label not in MADE_BY_MIGRATE
        if is_theirs and model._meta.db_table in there and _rows(model, alias).exists():
            return model._meta.db_table
    return ""


def carry(source: str, target: str) -> Iterator[tuple[str, int]]:
    """Copy all, telling of each table and its rows; all of it or, should anything differ, nothing.

    :raises Differs: nothing was changed then.
    """
    with transaction.atomic(using=source), transaction.atomic(using=target):
        for model in tables():
            if model._meta.label in MADE_BY_MIGRATE:
                _rows(model, target).delete()
        # Keys to other tables are looked at when it ends: in any order they may come.
        for model in tables():
            yield model._meta.db_table, _copy(model, source, target)
        _number_on(target)
        for model in tables():
            _compare(model, source, target)


def _rows(model: type[models.Model], alias: str) -> models.QuerySet[Any]:
    return models.QuerySet(model, using=alias)


def _columns(model: type[models.Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if not field.generated]


def _copy(model: type[models.Model], source: str, target: str) -> int:
    connection, fields, n = connections[target], _columns(model), 0
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({places})"
    with connection.cursor() as cursor:
        for some in _in_portions(model, source):
            cursor.executemany(
                statement,
                [[f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields]
                 for row in some],
            )  # fmt: skip
            n += len(some)
    return n


def _in_portions(model: type[models.Model], alias: str) -> Iterator[list[Any]]:
    some: list[Any] = []
    for row in _rows(model, alias).iterator(chunk_size=ROWS_AT_ONCE):
        some.append(row)
        if len(some) == ROWS_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _number_on(alias: str) -> None:
    """The next row of each table gets the number after the last."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), tables()):
            cursor.execute(statement)


def _compare(model: type[models.Model], source: str, target: str) -> None:
    before, after = digest(model, source), digest(model, target)
    if before != after:
        raise Differs(
            f"{model._meta.db_table}: {before[0]} rows with digest {before[1][:12]} were read, "
            f"{after[0]} with {after[1][:12]} are there"
        )


def digest(model: type[models.Model], alias: str) -> tuple[int, str]:
    """How many rows, and a sum over what is in each: in whatever order a database has them."""
    fields, n, total = _columns(model), 0, 0
    for row in _rows(model, alias).iterator(chunk_size=ROWS_AT_ONCE):
        told = json.dumps([_plain(getattr(row, field.attname)) for field in fields])
        total += int.from_bytes(hashlib.sha256(told.encode()).digest(), "big")
        n += 1
    return n, f"{total % 2**256:064x}"


def _plain(value: Any) -> Any:
    """The same for what is the same: a JSON column keeps no order of keys, nor 1.0 apart from 1."""
    if isinstance(value, dict):
        return {str(key): _plain(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [*map(_plain, value)]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(float(value) + 0.0) if float(value) == value else repr(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value if isinstance(value, str | bool | None) else str(value)
