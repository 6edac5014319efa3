"""Submissions that are stored together are what Django would make of each, and told as it would."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync

from backplane_site.local_user import local_user
from jobs import fleet, keys, lifecycle
from jobs.key_models import ApiKey
from jobs.models import Allowance, Job, JobEvent
from jobs.states import Approval, Scope

from .crowding import PATH, SUM, Doors, ask, django

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

USUAL = (Scope.SUBMIT, Scope.READ)


@pytest.fixture
def agent(alice: Any) -> Callable[..., tuple[ApiKey, str]]:
    def agent(owner: Any = alice, scopes: Any = USUAL, **more: Any) -> tuple[ApiKey, str]:
        return keys.issue(owner=owner, scopes=scopes, **{"name": "crawler"} | more)

    return agent


def told(answer: httpx.Response) -> Any:
    """What is the same of any two jobs."""
    body = answer.json()
    text = json.dumps({**body, "created_at": "", "waiting": None}).replace(body["id"], "ID")
    headers = answer.headers.copy()
    headers["Location"] = headers["Location"].replace(body["id"], "ID")
    return answer.status_code, sorted(headers.multi_items()), json.loads(text), body["waiting"]


VARIED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "plain": ({}, {}),
    "with a name": ({"name": "Ångström", "tags": ["b", "a"], "purpose": "to see"}, {}),
    "low": ({"priority": "low"}, {}),
    "with limits": ({"limits": {"wall_time_s": 7, "memory_mib": 300}}, {}),
    "tried again": ({"retry": {"max_attempts": 3, "on": ["timeout"]}}, {}),
    "by an agent": ({}, {"X-Agent-Name": "crawler of molecules"}),
    "somewhere": ({"backend": "rq", "queue": "long"}, {}),
    "a molecule": ({"simulation": "conformer_search", "params": {"structure": "CCO"}}, {}),
}


@pytest.mark.parametrize("by_key", [False, True], ids=["local", "by a key"])
@pytest.mark.parametrize("how", VARIED)
def test_it_is_told_as_django_tells_it(
    doors: Doors, agent: Callable[..., tuple[ApiKey, str]], how: str, by_key: bool
) -> None:
    more, headers = VARIED[how]
    by = agent()[1] if by_key else ""
    body, named = SUM | more, headers | {"X-Request-ID": "the-same"}
    doors.taught(by=by)
    Job.objects.all().delete()  # its place in line is to be the same
    expected = async_to_sync(ask)(django, body, by, named)
    Job.objects.all().delete()

    answer = doors.send(body, by=by, **named)

    assert doors.by_django == []
    assert told(answer) == told(expected)


def test_many_at_once_are_each_their_senders(
    doors: Doors, agent: Callable[..., tuple[ApiKey, str]], alice: Any, bob: Any, redis: Any
) -> None:
    of_alice, of_bob = agent(), agent(owner=bob, name="other")
    doors.taught().taught(by=of_alice[1])
    Job.objects.all().delete()
    redis.flushall()
    senders = [
        ("", None, local_user()),
        (of_alice[1], of_alice[0], alice),
        (of_bob[1], of_bob[0], bob),
    ]
    asked = [
        (SUM | {"params": {"n": n + 1}}, senders[n % 3][0], {"X-Request-ID": f"the-{n}th"})
        for n in range(18)
    ]

    answers = doors.send_all(asked)

    assert doors.by_django == []
    jobs = [Job.objects.select_related("key").get(pk=each.json()["id"]) for each in answers]
    assert [job.params for job in jobs] == [{"n": n + 1} for n in range(18)]
    assert [job.owner for job in jobs] == [senders[n % 3][2] for n in range(18)]
    assert [job.key for job in jobs] == [senders[n % 3][1] for n in range(18)]
    assert [job.request_id for job in jobs] == [f"the-{n}th" for n in range(18)]
    assert [each.headers["X-Request-ID"] for each in answers] == [job.request_id for job in jobs]
    assert sorted(JobEvent.objects.values_list("job", "seq", "kind")) == sorted(
        (job.pk, 1, "submitted") for job in jobs
    )
    tickets = redis.lrange(f"rq:queue:{fleet.in_redis('cpu')}", 0, -1)
    assert sorted(each.decode() for each in tickets) == sorted(job.run_id for job in jobs)


FOR_DJANGO: dict[str, dict[str, str]] = {
    "a wish": {"Prefer": "wait=1"},
    "another type": {"Accept": "text/html"},
    "another content": {"Content-Type": "application/json; charset=latin-1"},
    "a cookie": {"Cookie": "sessionid=0123456789"},
    "a page of another site": {"Origin": "http://evil.example"},
    "a browser elsewhere": {"Sec-Fetch-Site": "cross-site"},
    "through a proxy": {"X-Forwarded-For": "203.0.113.7"},
    "another host": {"Host": "evil.example"},
    "a password": {"Authorization": "Basic unreadable"},
    "a key that is none": {"Authorization": "Bearer bp_00000000_" + 43 * "x"},
}


@pytest.mark.parametrize("why", FOR_DJANGO)
def test_what_is_asked_for_in_another_way_goes_to_django(doors: Doors, why: str) -> None:
    doors.taught()
    expected = async_to_sync(ask)(django, SUM, "", FOR_DJANGO[why])

    answer = doors.send(SUM, **FOR_DJANGO[why])

    assert len(doors.by_django) == 1
    assert answer.status_code == expected.status_code


NOT_PLAIN: dict[str, Any] = {
    "no JSON": b'{"simulation": ',
    "no object": [SUM],
    "a constant that JSON has not": b'{"simulation": "demo.sum_squares", "params": {"n": NaN}}',
    "half a letter": b'{"simulation": "demo.sum_squares", "params": {}, "name": "\\ud800"}',
    "a field too many": SUM | {"colour": "red"},
    "no such simulation": SUM | {"simulation": "alchemy"},
    "wrong params": SUM | {"params": {"n": -1}},
    "no molecule": {"simulation": "conformer_search", "params": {"structure": "not a molecule("}},
    "urgent": SUM | {"priority": "urgent"},
    "a file that is not there": {
        "simulation": "conformer_search", "params": {"structure": {"file": "sha256:" + 64 * "0"}},
    },
}  # fmt: skip


@pytest.mark.parametrize("what", NOT_PLAIN)
def test_what_is_refused_is_refused_by_django_and_harms_nobody(doors: Doors, what: str) -> None:
    doors.taught()
    named = {"X-Request-ID": "the-same"}
    expected = async_to_sync(ask)(django, NOT_PLAIN[what], "", named)
    n_before = Job.objects.count()

    refused, good = doors.send_all([(NOT_PLAIN[what], "", named), (SUM, "", {})])

    assert len(doors.by_django) == 1
    assert (refused.status_code, refused.content) == (expected.status_code, expected.content)
    assert refused.status_code >= 400
    assert good.status_code == 202
    assert Job.objects.count() == n_before + 1


def over_quota() -> None:
    Allowance.objects.update_or_create(user=local_user(), defaults={"max_queued": 1})


def closed() -> None:
    lifecycle.begin_maintenance(by=local_user(), reason="disks", accepts=False)


@pytest.mark.parametrize(("arrange", "code"), [(over_quota, 429), (closed, 503)])
def test_who_may_not_store_more_is_told_so(
    doors: Doors, arrange: Callable[[], None], code: int
) -> None:
    doors.taught()
    arrange()

    answers = doors.send_all([(SUM, "", {})] * 3)

    assert [each.status_code for each in answers] == [code] * 3
    assert Job.objects.count() == 1


def test_equal_ones_make_one_job(doors: Doors) -> None:
    doors.taught()
    body = {"simulation": "demo.sum_squares", "params": {"n": 77}}

    answers = doors.send_all([(body, "", {})] * 4)

    assert len({each.json()["id"] for each in answers}) == 1
    outcomes = sorted(each.json()["reuse"]["outcome"] for each in answers)
    assert outcomes == ["coalesced", "coalesced", "coalesced", "new"]
    assert len(doors.by_django) == 3
    assert doors.send(body).json()["reuse"]["outcome"] == "coalesced"


def test_each_is_counted_once(doors: Doors, settings: Any) -> None:
    settings.RATE_WRITES = "6/day"
    doors.taught()
    wrong = SUM | {"params": {"n": -1}}

    some = doors.send_all([(SUM, "", {}), (wrong, "", {}), (SUM, "", {}), (wrong, "", {})])
    more = doors.send_all([(SUM, "", {})] * 3)

    assert [each.status_code for each in some] == [202, 422, 202, 422]
    assert sorted(each.status_code for each in more) == [202, 429, 429]


def revoked(key: ApiKey) -> None:
    keys.revoke(key)


def blind(key: ApiKey) -> None:
    keys.change(key, scopes=[Scope.READ])


def limited(key: ApiKey) -> None:
    keys.change(key, max_queued=1)


@pytest.mark.parametrize(("change", "code"), [(revoked, 401), (blind, 403), (limited, 429)])
def test_a_key_opens_what_it_opens_now(
    doors: Doors, agent: Callable[..., Any], change: Callable[[ApiKey], None], code: int
) -> None:
    key, text = agent()
    doors.taught(by=text)

    change(key)

    assert doors.send(SUM, by=text).status_code == code
    assert Job.objects.count() == 1


def test_a_key_that_is_revoked_while_it_waits_stores_nothing(
    doors: Doors, agent: Callable[..., Any], monkeypatch: Any
) -> None:
    key, text = agent()
    doors.taught(by=text)
    submit_each = lifecycle.submit_each

    def late(*looked: Any) -> Any:
        keys.revoke(key)
        return submit_each(*looked)

    monkeypatch.setattr(lifecycle, "submit_each", late)

    assert doors.send(SUM, by=text).status_code == 401
    assert Job.objects.count() == 1


def test_one_that_waits_for_approval_is_djangos(doors: Doors, agent: Callable[..., Any]) -> None:
    _, text = agent(approval=Approval.ALWAYS)
    doors.send(SUM, by=text)

    answer = doors.send(SUM, by=text)

    assert answer.json()["approval"] == "awaited"
    assert len(doors.by_django) == 2


def test_a_key_that_may_not_look_gets_a_receipt(doors: Doors, agent: Callable[..., Any]) -> None:
    _, text = agent(scopes=[Scope.SUBMIT])
    doors.taught(by=text)
    expected = async_to_sync(ask)(django, SUM, text, {})

    answer = doors.send(SUM, by=text)

    assert doors.by_django == []
    assert answer.json().keys() == expected.json().keys()
    assert "params" not in answer.json()


def test_it_is_in_the_log_as_ever(
    doors: Doors, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    doors.taught()
    monkeypatch.setattr(logging.getLogger("backplane_site"), "propagate", True)
    monkeypatch.setattr(logging.getLogger("jobs"), "propagate", True)
    with (
        caplog.at_level(logging.INFO, "backplane_site.access"),
        caplog.at_level(logging.INFO, "jobs.lifecycle.crowd"),
    ):
        doors.send(SUM, X_Request_ID="mine")

    lines = [each.getMessage() for each in caplog.records]
    assert f"POST {PATH} 202" in lines
    assert any(each.startswith("accepted demo.sum_squares") for each in lines)
