"""Who waits for SQLite's only write lock sleeps, longer each time it looks; sixteen threads that
sleep leave it unused for most of the time. Those of one process wait for each other here, and one
at a time waits for other processes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import lru_cache

from django.db.backends.sqlite3 import base

PATIENCE_S = 1.0
"""Nothing hangs on a turn: who has waited so long goes to SQLite, which has the last word."""

_turn = threading.Lock()


class Cursor(base.SQLiteCursorWrapper):
    def convert_query(self, query: str, *, param_names: Sequence[str] | None = None) -> str:
        if param_names is None:
            return _in_its_words(query)
        return str(super().convert_query(query, param_names=param_names))


@lru_cache(maxsize=500)
def _in_its_words(query: str) -> str:
    """Most of what is asked was asked before: to look through two thousand letters for the places
    of values takes longer than to ask."""
    return base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")


class DatabaseWrapper(base.DatabaseWrapper):
    _has_turn = False

    def create_cursor(self, name: str | None = None) -> Cursor:
        cursor: Cursor = self.connection.cursor(factory=Cursor)
        return cursor

    def _start_transaction_under_autocommit(self) -> None:
        self._has_turn = _turn.acquire(timeout=PATIENCE_S)
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._end_turn()
            raise

    def commit(self) -> None:
        try:
            super().commit()
        finally:
            self._end_turn()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self._end_turn()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._end_turn()

    def _end_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            _turn.release()


def _begin_anew() -> None:
    """Of the threads of its parent a fork has none: whoever has the turn never gives it back."""
    global _turn
    _turn = threading.Lock()


os.register_at_fork(after_in_child=_begin_anew)
