"""Who waits for SQLite's only write lock sleeps, longer each time it looks; sixteen threads that
sleep leave it unused for most of the time. Those of one process wait for each other here, and one
at a time waits for other processes.
"""

from __future__ import annotations

import os
import threading

from django.db.backends.sqlite3 import base

PATIENCE_S = 1.0
"""Nothing hangs on a turn: who has waited so long goes to SQLite, which has the last word."""

_turn = threading.Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    _has_turn = False

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
