"""Submissions under a key, stored together: none is done twice, each is said again as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync

from jobs import keys
from jobs.api import idempotency
from jobs.models import IdempotencyKey, Job
from jobs.states import Scope

from .crowding import SUM, Doors, ask, django

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

MINE = {"Idempotency-Key": "mine"}


def is_replayed(answer: httpx.Response) -> bool:
    return answer.headers.get(idempotency.REPLAYED) == "true"


def test_it_is_done_once_and_said_again_as_it_was(doors: Doors) -> None:
    doors.taught()

    first = doors.send(SUM, **MINE)
    assert doors.by_django == []
    again = doors.send(SUM, **MINE)
    by_django = async_to_sync(ask)(django, SUM, "", MINE)

    assert (first.status_code, is_replayed(first)) == (202, False)
    assert first.json()["waiting"]["place"] == 2
    for each in (again, by_django):
        assert (each.status_code, is_replayed(each)) == (202, True)
        assert each.json() == first.json()
        assert each.headers["Location"] == first.headers["Location"]
        assert each.headers["Retry-After"] == first.headers["Retry-After"]
    assert Job.objects.count() == 2


def test_what_is_kept_is_what_django_keeps(doors: Doors) -> None:
    doors.taught()
    Job.objects.all().delete()
    async_to_sync(ask)(django, SUM, "", {"Idempotency-Key": "one"})
    Job.objects.all().delete()
    doors.send(SUM, **{"Idempotency-Key": "two"})

    one, two = IdempotencyKey.objects.order_by("key")

    assert doors.by_django == []
    same = ("owner_id", "scope", "body_sha256", "machine", "pid", "pid_started", "status")
    for name in same:
        assert getattr(one, name) == getattr(two, name), name
    assert one.headers.keys() == two.headers.keys()
    assert one.body.keys() == two.body.keys()
    assert one.body["waiting"] == two.body["waiting"]


def test_two_of_one_key_at_once_are_one(doors: Doors) -> None:
    doors.taught()

    answers = doors.send_all([(SUM, "", MINE), (SUM, "", MINE), (SUM, "", {})])

    assert [each.status_code for each in answers] == [202, 202, 202]
    assert sorted(map(is_replayed, answers)) == [False, False, True]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert Job.objects.count() == 3
    assert len(doors.by_django) == 1


def test_two_agents_may_number_their_requests_alike(
    doors: Doors, alice: Any, local_and_key: Callable[[], str]
) -> None:
    text = local_and_key()
    doors.taught().taught(by=text)

    answers = doors.send_all([(SUM, "", MINE), (SUM, text, MINE)])

    assert len({each.json()["id"] for each in answers}) == 2
    assert doors.by_django == []


@pytest.fixture
def local_and_key(alice: Any) -> Callable[[], str]:
    usual = [Scope.SUBMIT, Scope.READ]
    return lambda: keys.issue(owner=alice, name="crawler", scopes=usual)[1]


REFUSED: dict[str, tuple[dict[str, Any], dict[str, str], int]] = {
    "another body": (SUM | {"params": {"n": 4}}, MINE, 422),
    "no key": (SUM, {"Idempotency-Key": ""}, 400),
    "a long key": (SUM, {"Idempotency-Key": 256 * "k"}, 400),
}


@pytest.mark.parametrize("how", REFUSED)
def test_what_is_no_repetition_is_refused_by_django(doors: Doors, how: str) -> None:
    doors.taught()
    doors.send(SUM, **MINE)
    body, named, code = REFUSED[how]

    answer = doors.send(body, **named)

    assert answer.status_code == code
    assert len(doors.by_django) == 1
    assert Job.objects.count() == 2


def test_an_answer_that_is_said_again_is_no_pattern_for_others(doors: Doors) -> None:
    async_to_sync(ask)(django, SUM, "", MINE)

    assert is_replayed(doors.send(SUM, **MINE))
    others = [doors.send(SUM) for _ in range(2)]

    assert [is_replayed(each) for each in others] == [False, False]
    assert len(doors.by_django) == 2


def test_one_that_was_asked_meanwhile_harms_nobody(doors: Doors, monkeypatch: Any) -> None:
    doors.taught()
    before = async_to_sync(ask)(django, SUM, "", MINE)
    monkeypatch.setattr(idempotency, "known", lambda asked: set())

    again, other = doors.send_all([(SUM, "", MINE), (SUM, "", {})])

    assert is_replayed(again)
    assert again.json() == before.json()
    assert other.status_code == 202
    assert Job.objects.count() == 3
    assert len(doors.by_django) == 2
