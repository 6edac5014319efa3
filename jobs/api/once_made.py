"""Serializers that are made once for a thread, and what reads each of their fields."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from rest_framework import serializers
from rest_framework.fields import Field, SkipField
from rest_framework.relations import PKOnlyObject

Read = Callable[[Any], Any]

_ready = threading.local()
"""Those of this thread. To make one takes longer than to tell ten jobs by it."""


def told_by(
    kind: type[serializers.Serializer[Any]], told: Iterable[Any], context: dict[str, Any]
) -> list[dict[str, Any]]:
    """As `kind(told, many=True, context=context).data`."""
    teller = getattr(_ready, kind.__name__, None)
    if teller is None:
        teller = Teller(kind())
        setattr(_ready, kind.__name__, teller)
    teller.serializer._context = context
    try:
        return [teller.tell(each) for each in told]
    finally:
        teller.serializer._context = {}


class Teller:
    """Tells as its serializer does, which looks up anew, for each field of each row, how it is
    read."""

    def __init__(self, serializer: serializers.Serializer[Any]) -> None:
        self.serializer = serializer

    def tell(self, each: Any) -> dict[str, Any]:
        told = {}
        for name, read in self._fields:
            try:
                told[name] = read(each)
            except SkipField:
                continue  # it has nothing to say of this one
        return told

    @cached_property
    def _fields(self) -> list[tuple[str, Read]]:
        return [(str(each.field_name), _reader(each)) for each in self.serializer._readable_fields]


def _reader(field: Any) -> Read:
    if type(field) is serializers.SerializerMethodField:
        method: Read = getattr(field.parent, str(field.method_name))
        return method
    is_plain = type(field).get_attribute is Field.get_attribute and len(field.source_attrs) == 1
    return _by_name(field) if is_plain else _by_itself(field)


def _by_name(field: Any) -> Read:
    """One attribute, and nothing to call."""
    (name,) = field.source_attrs
    by_itself, shown = _by_itself(field), field.to_representation

    def read(each: Any) -> Any:
        try:
            value = getattr(each, name)
        except Exception:
            return by_itself(each)  # which knows what is meant
        if value is None:
            return None
        return by_itself(each) if callable(value) else shown(value)

    return read


def _by_itself(field: Any) -> Read:
    def read(each: Any) -> Any:
        value = field.get_attribute(each)
        is_none = (value.pk if isinstance(value, PKOnlyObject) else value) is None
        return None if is_none else field.to_representation(value)

    return read
