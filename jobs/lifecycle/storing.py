"""Ten thousand new rows in one statement.

`bulk_create` composes an SQL text of every value anew, which for the fifty columns of a job takes
longer than all the rest of storing it. The rows get no key that the database would make up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import connections, models, router

AS_THEY_ARE = frozenset({str, int, float, type(None)})
"""What a database takes as it is, unless it is to be JSON."""


def insert_all(model: type[models.Model], rows: Iterable[Any]) -> None:
    connection = connections[router.db_for_write(model)]
    fields = [
        field
        for field in model._meta.concrete_fields
        if not isinstance(field, models.AutoField | models.BigAutoField)
    ]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    table = quote(model._meta.db_table)
    written = [(field.attname, _writer(field, connection)) for field in fields]
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({columns}) VALUES ({places})",
            [[write(getattr(row, name)) for name, write in written] for row in rows],
        )


def insert(row: models.Model) -> None:
    """As `save(force_insert=True)`, without a signal: nobody listens to those of a job."""
    insert_all(type(row), [row])
    row._state.adding, row._state.db = False, router.db_for_write(type(row))


def _writer(field: Any, connection: Any) -> Callable[[Any], Any]:
    def prepared(value: Any) -> Any:
        return field.get_db_prep_save(value, connection)

    def plain(value: Any) -> Any:
        return value if type(value) in AS_THEY_ARE else prepared(value)

    return _as_before(prepared if isinstance(field, models.JSONField) else plain)


def _as_before(write: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Most of a row is what the row before has: the very same object is not written anew."""
    last: Any = None
    written: Any = write(None)

    def writes(value: Any) -> Any:
        nonlocal last, written
        if value is not last:
            last, written = value, write(value)
        return written

    return writes
