"""Ten thousand new rows in one statement, and a changed one by a statement composed once.

`bulk_create` composes an SQL text of every value anew, which for the fifty columns of a job takes
longer than all the rest of storing it. The rows get no key that the database would make up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connections, models, router

from jobs.prepared import as_stored

AS_THEY_ARE = frozenset({str, int, float, type(None)})
"""What a database takes as it is, unless it is to be JSON."""
FORMED = frozenset({UUID, datetime})
"""What each database takes in a form of its own, for which a field would first look for others."""
Write = Callable[[Any, Any], Any]
"""What a column takes, from a value and the connection."""


def insert_all(model: type[models.Model], rows: Iterable[Any]) -> None:
    """:param rows: what has the attributes of the model's columns, were it no instance of it."""
    connection = connections[router.db_for_write(model)]
    statement = _statement(model, connection.vendor)
    written = [(name, _as_before(write, connection)) for name, write in statement.fields]
    # All of them first: to make one may ask the database, which listens to nothing else in a copy.
    values = [[write(getattr(row, name)) for name, write in written] for row in rows]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql" and len(values) > 1:
            # Not a statement for each, which it would read and plan each time.
            with connection.wrap_database_errors, cursor.copy(statement.copy) as copy:
                for each in values:
                    copy.write_row(each)
        else:
            cursor.executemany(statement.insert, values)


def insert(row: models.Model) -> None:
    """As `save(force_insert=True)`, without a signal: nobody listens to those of a job.

    A key that the database makes up is told to the row, which no other of these functions does.
    """
    alias = router.db_for_write(type(row))
    connection = connections[alias]
    statement = _statement(type(row), connection.vendor)
    values = [write(getattr(row, name), connection) for name, write in statement.fields]
    with connection.cursor() as cursor:
        cursor.execute(statement.insert + statement.returning, values)
        if statement.returning:
            ((row.pk,),) = cursor.fetchall()
    row._state.adding, row._state.db = False, alias


def update_all(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """As `bulk_update`, which makes an expression for each value of each row."""
    if not rows:
        return
    model = type(rows[0])
    connection = connections[router.db_for_write(model)]
    quote = connection.ops.quote_name
    key: Any = model._meta.pk
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    assignments = ", ".join(f"{quote(field.column)} = %s" for field in fields)
    statement = (
        f"UPDATE {quote(model._meta.db_table)} SET {assignments} WHERE {quote(key.column)} = %s"
    )
    written = [(field.attname, _writer(field)) for field in [*fields, key]]
    with connection.cursor() as cursor:
        cursor.executemany(
            statement,
            [[write(getattr(row, name), connection) for name, write in written] for row in rows],
        )


def update_where(
    model: type[models.Model],
    where: Mapping[str, Any],
    fields: Mapping[str, Any],
    *,
    counted: str | None = None,
) -> int:
    """As `filter(**where).update(**fields)`, in SQL that is composed once for these names.

    :param where: a value for a field's own name, or several for one with `__in`.
    :param fields: values, none of them an expression.
    :param counted: a number that becomes one more.
    :returns: how many rows it changed.
    """
    asked = [_asked(name, value) for name, value in where.items()]
    if any(len(values) == 0 and not is_null for _, values, is_null in asked):
        return 0  # one of none
    shape = tuple((name, None if is_null else len(values)) for name, values, is_null in asked)
    connection = connections[router.db_for_write(model)]
    changing = _changing(model, shape, tuple(fields), counted)
    given = [*fields.values(), *(value for _, values, _ in asked for value in values)]
    with connection.cursor() as cursor:
        cursor.execute(
            changing.text,
            [
                write(value, connection)
                for write, value in zip(changing.written, given, strict=True)
            ],
        )
        return int(cursor.rowcount)


def _asked(name: str, value: Any) -> tuple[str, list[Any], bool]:
    """The field, the values of which it is to have one, and whether it is to have none at all."""
    if name.endswith("__in"):
        return name.removesuffix("__in"), list(value), False
    return (name, [], True) if value is None else (name, [value], False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Changing:
    """:param written: how each value is written, in their order."""

    text: str
    written: list[Write]


@cache
def _changing(
    model: type[models.Model],
    shape: tuple[tuple[str, int | None], ...],
    names: tuple[str, ...],
    counted: str | None,
) -> _Changing:
    """:param shape: what is asked of which field: one of so many values, or that it has none."""
    quote = connections[router.db_for_write(model)].ops.quote_name
    meta: Any = model._meta

    def field_of(name: str) -> Any:
        return meta.pk if name == "pk" else meta.get_field(name)

    def column(name: str) -> str:
        return str(quote(field_of(name).column))

    assignments = [f"{column(name)} = %s" for name in names]
    if counted:
        assignments.append(f"{column(counted)} = {column(counted)} + 1")
    asked = [
        f"{column(name)} IS NULL" if n is None else f"{column(name)} IN ({', '.join(['%s'] * n)})"
        for name, n in shape
    ]
    written = [*names, *(name for name, n in shape for _ in range(n or 0))]
    table, wanted = quote(meta.db_table), " AND ".join(asked)
    return _Changing(
        text=f"UPDATE {table} SET {', '.join(assignments)} WHERE {wanted}",
        written=[_writer(field_of(name)) for name in written],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statement:
    """:param fields: the attribute of each value, and how it is written.
    :param returning: asks for the key that the database makes up, if it does.
    """

    insert: str
    returning: str
    copy: str
    fields: list[tuple[str, Write]]


@cache
def _statement(model: type[models.Model], vendor: str) -> _Statement:
    fields = [
        field
        for field in model._meta.concrete_fields
        if not isinstance(field, models.AutoField | models.BigAutoField)
    ]
    quote = connections[router.db_for_write(model)].ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    table = quote(model._meta.db_table)
    key: Any = model._meta.pk
    return _Statement(
        insert=f"INSERT INTO {table} ({columns}) VALUES ({places})",
        returning="" if key in fields else f" RETURNING {quote(key.column)}",
        copy=f"COPY {table} ({columns}) FROM STDIN",
        fields=[(field.attname, _writer(field)) for field in fields],
    )


def _writer(field: Any) -> Write:
    prepared: Write = field.get_db_prep_save

    def plain(value: Any, connection: Any) -> Any:
        if type(value) in AS_THEY_ARE:
            return value
        formed = type(value) in FORMED
        return as_stored(value, connection) if formed else prepared(value, connection)

    def as_json(value: Any, connection: Any) -> Any:
        # A value that is an expression of the database Django has to look for in each.
        if type(value) in (dict, list):
            return connection.ops.adapt_json_value(value, field.encoder)
        return prepared(value, connection)

    return as_json if isinstance(field, models.JSONField) else plain


def _as_before(write: Write, connection: Any) -> Callable[[Any], Any]:
    """Most of a row is what the row before has: the very same object is not written anew."""
    last: Any = None
    written: Any = write(None, connection)

    def writes(value: Any) -> Any:
        nonlocal last, written
        if value is not last:
            last, written = value, write(value, connection)
        return written

    return writes
