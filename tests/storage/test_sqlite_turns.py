"""The threads of one process take turns at SQLite's write lock."""

from __future__ import annotations

import os
import threading

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, connections, transaction

from backplane_site.sqlite import base

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite alone"),
]


def users() -> int:
    return get_user_model().objects.count()


def test_a_turn_lasts_as_long_as_its_transaction() -> None:
    with transaction.atomic():
        assert base._turn.locked()
        with transaction.atomic():
            get_user_model().objects.create(username="ada")
        assert base._turn.locked()

    assert not base._turn.locked()
    assert users() == 1


def test_a_turn_ends_with_what_is_rolled_back() -> None:
    with transaction.atomic():
        get_user_model().objects.create(username="ada")
        transaction.set_rollback(True)

    assert not base._turn.locked()
    assert users() == 0


def test_a_turn_ends_with_its_connection() -> None:
    another = connections.create_connection("default")
    another.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    assert base._turn.locked()

    another.close()

    assert not base._turn.locked()


def test_who_waits_has_the_turn_as_soon_as_it_is_given_back() -> None:
    begun, done = threading.Event(), threading.Event()

    def write() -> None:
        begun.set()
        with transaction.atomic():
            done.set()
        connection.close()

    with transaction.atomic():
        other = threading.Thread(target=write)
        other.start()
        assert begun.wait(10)
        assert not done.is_set()
    other.join(10)

    assert done.is_set()
    assert not base._turn.locked()


def test_nobody_waits_for_ever_for_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "PATIENCE_S", 0.01)

    with base._turn, transaction.atomic():
        get_user_model().objects.create(username="ada")

    assert users() == 1
    assert not base._turn.locked()


def test_a_fork_does_not_wait_for_a_thread_of_its_parent() -> None:
    with base._turn:
        if (child := os.fork()) == 0:
            os._exit(int(base._turn.locked()))
        assert os.waitpid(child, 0)[1] == 0
    assert not base._turn.locked()
