"""Run as a program on a site of its own: a row of every model, or what is in all tables."""

from __future__ import annotations

import json
import sys
import uuid
from datetime import UTC, datetime
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection, models  # noqa: E402

from backplane_site import carrying  # noqa: E402
from jobs import lifecycle  # noqa: E402

TEXT = "Å, ü and 'quoted' \\ \n 漢"
MOMENT = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=UTC)
NUMBERS = {"b": 1.0, "a": [1, 1e22, -0.5, 1e-9, True, None], "c": {"x": TEXT, "e": -76.02679364}}


def fill() -> None:
    owner = get_user_model().objects.create_user("alice")
    job = lifecycle.submit(owner=owner, simulation="demo.sum_squares", params={"n": 7}, name=TEXT)
    lifecycle.start(job, 1, worker="gone:1", host="gone", pid=1)
    waiting = [model for model in carrying.tables() if not model._base_manager.exists()]
    # Those that others point to come first in the end, whatever the order here.
    for _ in range(len(waiting)):
        waiting = [model for model in waiting if not _made(model)]
    assert not waiting, waiting


def _made(model: type[models.Model]) -> bool:
    needed = [f for f in model._meta.concrete_fields if f.is_relation and not f.null]
    if not all(f.related_model._base_manager.exists() for f in needed):
        return False
    row = model(**{f.attname: _value(f) for f in model._meta.concrete_fields if _is_to_fill(f)})
    models.Model.save_base(row, raw=True, force_insert=True)
    return True


def _is_to_fill(field: Any) -> bool:
    if isinstance(field, models.AutoField) or field.generated:
        return False
    return not field.has_default() or isinstance(field, models.JSONField)


def _value(field: Any) -> Any:
    """Of its type, and as awkward as it may be."""
    if field.is_relation:
        return field.related_model._base_manager.values_list("pk", flat=True).first()
    if field.choices:
        return next(iter(dict(field.flatchoices)))
    by_type: dict[type, Any] = {
        models.JSONField: NUMBERS,
        models.DateTimeField: MOMENT,
        models.DateField: MOMENT.date(),
        models.UUIDField: uuid.uuid4(),
        models.BooleanField: True,
        models.FloatField: 0.1 + 0.2,
        models.IntegerField: 7,
        models.GenericIPAddressField: "::1",
    }
    for kind, value in by_type.items():
        if isinstance(field, kind):
            return value
    return TEXT[: field.max_length]


if __name__ == "__main__":
    if sys.argv[1:] == ["fill"]:
        fill()
    tables = {model._meta.db_table: model for model in carrying.tables()}
    found = {name: carrying.digest(model, "default") for name, model in tables.items()}
    sys.stdout.write(json.dumps({"vendor": connection.vendor, "tables": found}))
