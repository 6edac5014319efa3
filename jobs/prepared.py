"""A query of Django's, put into SQL once and asked again with other values.

To compose the SQL of whose turn it is takes Django ten times as long as the database takes to
answer it, and it is the same text each time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID
from weakref import WeakSet

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import QuerySet
from django.db.models.query import get_related_populators


class Prepared:
    """:param make: makes the query of the values by their names.
    :param examples: a value for each that is nowhere else in the query: by it they are found.
    """

    _known: ClassVar[WeakSet[Prepared]] = WeakSet()

    def __init__(self, make: Callable[..., QuerySet[Any, Any]], **examples: Any) -> None:
        self._make = make
        self._examples = examples
        self._known.add(self)

    @classmethod
    def compose_all(cls) -> None:
        """Put all that this process knows into SQL: those that are forked from it have it then."""
        with transaction.atomic():  # which a lock asks for that is never taken
            for each in list(cls._known):
                each.compose()

    def compose(self) -> None:
        self._sql  # noqa: B018

    def rows(self, **values: Any) -> list[Any]:
        sql, params = self._sql
        # Django's `connection` looks for that of its thread anew with each attribute.
        own = connections[DEFAULT_DB_ALIAS]
        given = {name: as_stored(value, own) for name, value in values.items()}
        with own.cursor() as cursor:
            cursor.execute(sql, [given[p.name] if isinstance(p, _Place) else p for p in params])
            return cursor.fetchall()

    @cached_property
    def _sql(self) -> tuple[str, list[Any]]:
        # Once for a process: whichever thread comes first, and all of them make the same of it.
        query = self._make(**self._examples).query
        sql, params = query.get_compiler(connection=connection).as_sql()
        places = {as_stored(value): _Place(name) for name, value in self._examples.items()}
        found = [places.get(param, param) if _is_plain(param) else param for param in params]
        self._refuse_unless_all_are_there(found, places)
        return sql, found

    @staticmethod
    def _refuse_unless_all_are_there(found: list[Any], places: Mapping[Any, _Place]) -> None:
        there = {param.name for param in found if isinstance(param, _Place)}
        if missing := {place.name for place in places.values()} - there:
            raise ValueError(f"the query does not ask for {', '.join(sorted(missing))}")


class PreparedModel(Prepared):
    """Rows of a model, and what is read with them (`select_related`): also the columns, and how
    each is read, are looked up once."""

    def all(self, **values: Any) -> list[Any]:
        return [self._made(list(row)) for row in self.rows(**values)]

    def get(self, **values: Any) -> Any:
        """:raises ObjectDoesNotExist: that of the model."""
        found = self.rows(**values)
        if not found:
            raise self._model.DoesNotExist(f"{self._model.__name__} matching query does not exist.")
        return self._made(list(found[0]))

    def compose(self) -> None:
        super().compose()
        self._columns  # noqa: B018

    def _made(self, row: list[Any]) -> Any:
        columns = self._columns
        own = connections[DEFAULT_DB_ALIAS]
        for at, (convert_each, expression) in columns.converters.items():
            for convert in convert_each:
                row[at] = convert(row[at], expression, own)
        names = columns.names
        made = self._model.from_db(own.alias, names, row[: len(names)])
        for related in columns.related:
            related.populate(row, made)
        return made

    @cached_property
    def _columns(self) -> _Columns:
        compiler = self._make(**self._examples).query.get_compiler(connection=connection)
        compiler.setup_query()
        own = compiler.klass_info["select_fields"]
        assert own == [*range(len(own))], "the model's own columns come first"
        return _Columns(
            names=[compiler.select[at][0].target.attname for at in own],
            converters=compiler.get_converters([column for column, *_ in compiler.select]),
            related=get_related_populators(  # type: ignore[call-arg]  # as Django 5.2 has it
                compiler.klass_info, compiler.select, connection.alias
            ),
        )

    @cached_property
    def _model(self) -> Any:
        return self._make(**self._examples).model


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """:param names: of the model's own, which come first.
    :param converters: by their place, of all that are read.
    :param related: what makes the models that are read with it.
    """

    names: list[str]
    converters: dict[int, Any]
    related: list[Any]


class _Place:
    """Where a value goes."""

    def __init__(self, name: str) -> None:
        self.name = name


def _is_plain(param: Any) -> bool:
    return isinstance(param, str | int | datetime | date | UUID)


def as_stored(value: Any, own: Any = connection) -> Any:
    """:param own: the connection of this thread."""
    if isinstance(value, datetime):
        return own.ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return own.ops.adapt_datefield_value(value)
    if isinstance(value, UUID):
        return value if own.features.has_native_uuid_field else value.hex
    return value


def as_id(stored: Any) -> UUID:
    """A column of ids, as a driver gives it."""
    return stored if isinstance(stored, UUID) else UUID(stored)


def as_json(stored: Any) -> Any:
    """A column of JSON, as a driver gives it."""
    return json.loads(stored) if isinstance(stored, str) else stored


def as_moment(stored: Any) -> Any:
    """A column of moments, as a driver gives it; SQLite's have no zone, and are in UTC."""
    at = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


class Example:
    """Values that no query has."""

    BACKEND = "an example of a backend"
    WORD = "an example of a word"
    ID = UUID(int=0x1234567890)
    NUMBER = -20_001
    OTHER_NUMBER = -20_002
    COUNT = 20_003
    DAY = date(1001, 1, 1)
    MOMENTS = tuple(datetime(1002 + n, 1, 1, tzinfo=UTC) for n in range(4))
