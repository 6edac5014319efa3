"""Two transactions at the same moment, on PostgreSQL: one waits where the other holds a row."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from tests.stack import until


@contextmanager
def meanwhile(act: Callable[[], Any]) -> Iterator[list[Any]]:
    """Have another connection do it once the block is through and before it is committed.

    It comes as far as the first row that is locked here. What it gave or raised is in the list
    after the block.
    """
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time: nothing comes in between")
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(act())
        except Exception as exc:
            outcome.append(exc)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        yield outcome
        thread.start()
        until(lambda: outcome or _someone_waits(), "it waits, or is done")
    thread.join(30)


def _someone_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() is not None
