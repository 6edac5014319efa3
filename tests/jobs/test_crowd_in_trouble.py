"""What cannot be stored together, whoever takes long, and what fails on the way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import InterfaceError, OperationalError, close_old_connections

from backplane_site import crowd
from backplane_site.crowd import HELD_UP_S
from jobs import keys
from jobs.api import crowded
from jobs.lifecycle import crowd as storing
from jobs.models import Job
from jobs.states import Scope

from .crowding import SUM, Doors, ask

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@pytest.mark.parametrize("where", ["look_at_each", "insert_all", "read_each"])
def test_what_cannot_be_done_together_is_done_by_django(
    doors: Doors, monkeypatch: Any, where: str
) -> None:
    doors.taught()

    def fails(*args: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(storing if where == "insert_all" else crowded, where, fails)

    answers = doors.send_all([(SUM, "", {})] * 2)

    assert [each.status_code for each in answers] == [202, 202]
    assert len(doors.by_django) == 2
    assert Job.objects.count() == 3


def is_defect(*args: Any) -> None:
    raise LookupError("a defect of ours")


def is_away(*args: Any) -> None:
    raise InterfaceError("the connection is closed")


@pytest.mark.parametrize("where", ["_jobs_of", "admit_from", "insert_all"])
@pytest.mark.parametrize("fails", [is_defect, is_away])
def test_what_sinks_all_of_them_is_told_to_none_of_them(
    doors: Doors, monkeypatch: Any, where: str, fails: Callable[..., None]
) -> None:
    doors.taught()
    monkeypatch.setattr(storing, where, fails)

    answers = doors.send_all([(SUM, "", {})] * 2)

    assert [each.status_code for each in answers] == [202, 202]
    assert len(doors.by_django) == 2
    assert Job.objects.count() == 3


def test_what_may_have_been_stored_is_not_stored_again(doors: Doors, monkeypatch: Any) -> None:
    doors.taught()

    def fails(*args: Any) -> None:
        raise OperationalError("the connection was lost")

    monkeypatch.setattr(crowded.Sender, "tell", fails)

    answer = doors.send(SUM, X_Request_ID="mine")

    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-ID"] == answer.json()["request_id"] == "mine"
    assert answer.json()["code"] == "internal"
    assert doors.by_django == []
    assert Job.objects.count() == 2


def test_what_cannot_be_told_to_one_sender_is_told_to_the_others(
    doors: Doors, alice: Any, monkeypatch: Any
) -> None:
    _, text = keys.issue(owner=alice, name="crawler", scopes=[Scope.SUBMIT, Scope.READ])
    doors.taught().taught(by=text)
    tell = crowded.Sender.tell

    def tells(self: Any, jobs: Any) -> Any:
        if self.request.auth:
            raise LookupError("a defect of ours")
        return tell(self, jobs)

    monkeypatch.setattr(crowded.Sender, "tell", tells)

    answers = doors.send_all([(SUM, "", {}), (SUM, text, {}), (SUM, "", {})])

    assert [each.status_code for each in answers] == [202, 500, 202]
    assert doors.by_django == []
    assert Job.objects.count() == 5


def test_a_queue_that_is_away_loses_nothing(doors: Doors, monkeypatch: Any) -> None:
    doors.taught()

    def away(self: Any, tickets: Any) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr("jobs.dispatch.tickets.Writer.put_all", away)

    answers = doors.send_all([(SUM, "", {})] * 2)

    ids = [each.json()["id"] for each in answers]
    assert doors.by_django == []
    assert {job.reason for job in Job.objects.filter(pk__in=ids)} == {"queue_unreachable"}
    told = [each.json() for each in answers]
    assert [(each["reason"], each["last_seq"]) for each in told] == [("queue_unreachable", 2)] * 2


def test_who_has_left_has_a_job_all_the_same(doors: Doors) -> None:
    doors.taught()
    stored = threading.Event()
    held = threading.Event()
    doors.crowd._desk.submit(held.wait, 20)

    async def leaves() -> None:
        asking = asyncio.ensure_future(ask(doors.crowd, SUM, "", {}))
        while not doors.crowd._waiting:
            await asyncio.sleep(0)
        asking.cancel()
        held.set()
        await asyncio.to_thread(doors.crowd._desk.submit(stored.set).result)

    async_to_sync(leaves)()

    assert stored.is_set()
    assert Job.objects.count() == 2
    assert doors.send(SUM).status_code == 202


def test_a_structure_that_takes_long_holds_up_nobody(doors: Doors, monkeypatch: Any) -> None:
    doors.taught()
    molecule = {"simulation": "conformer_search", "params": {"structure": "CCO"}}
    begun, go_on = threading.Semaphore(0), threading.Event()
    look_at_each = crowded.look_at_each

    def slow(some: Any) -> None:
        if any(each.takes_a_reader for each in some):
            begun.release()
            assert go_on.wait(20)
        look_at_each(some)

    monkeypatch.setattr(crowded, "look_at_each", slow)
    with ThreadPoolExecutor(8) as others:
        looks = [
            others.submit(doors.send, molecule) for _ in range(doors.crowd._lookers._max_workers)
        ]
        for _ in looks:
            assert begun.acquire(timeout=20)
        assert doors.send(SUM).status_code == 202
        assert doors.by_django == []

        for name in doors.crowd._looks:
            doors.crowd._looks[name] -= 2 * HELD_UP_S
        late = doors.send({**molecule, "params": {"structure": "CCC"}})

        assert late.status_code == 202
        assert len(doors.by_django) == 1
        go_on.set()
        assert {each.result().status_code for each in looks} <= {200, 202}


def test_a_connection_that_cannot_be_given_back_holds_up_nobody(
    doors: Doors, monkeypatch: Any
) -> None:
    doors.taught()
    molecule = {"simulation": "conformer_search", "params": {"structure": "CCO"}, "reuse": False}

    def fails() -> None:
        close_old_connections()
        raise ValueError("the pool is closed")

    monkeypatch.setattr(crowd, "close_old_connections", fails)

    answers = [doors.send(each) for each in (SUM, molecule, SUM)]

    assert [each.status_code for each in answers] == [202] * 3
    assert doors.by_django == []


@pytest.mark.parametrize("threads", ["_desk", "_lookers"])
def test_what_finds_no_thread_is_djangos(doors: Doors, monkeypatch: Any, threads: str) -> None:
    doors.taught()
    molecule = {"simulation": "conformer_search", "params": {"structure": "CCO"}, "reuse": False}

    def fails(*args: Any) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(getattr(doors.crowd, threads), "submit", fails)
        assert async_to_sync(ask)(doors.crowd, molecule, "", {}).status_code == 202
        assert len(doors.by_django) == 1

    assert doors.send(molecule).status_code == 202
    assert len(doors.by_django) == 1


def test_who_stood_long_behind_structures_is_djangos(doors: Doors, monkeypatch: Any) -> None:
    doors.taught()
    molecule = {"simulation": "conformer_search", "params": {"structure": "CCO"}, "reuse": False}
    go_on = threading.Event()
    timer = threading.Timer(1.5 * HELD_UP_S, go_on.set)
    n_looks, looked = doors.crowd._lookers._max_workers, []
    look_at_each = crowded.look_at_each

    def slow(some: Any) -> None:
        looked.extend(some)
        if len(looked) == n_looks:
            timer.start()
        if len(looked) <= n_looks and any(each.takes_a_reader for each in some):
            assert go_on.wait(20)
        look_at_each(some)

    monkeypatch.setattr(crowded, "look_at_each", slow)

    answers = doors.send_all([(molecule, "", {})] * (n_looks + 3))

    timer.join()
    assert {each.status_code for each in answers} == {202}
    assert len(doors.by_django) == 3
    assert Job.objects.count() == 1 + n_looks + 3
