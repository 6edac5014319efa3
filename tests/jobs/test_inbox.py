"""The inbox: nothing that happened while an agent was away is lost, whatever commits when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from jobs import inbox, keys, lifecycle
from jobs.key_models import InboxItem
from jobs.keys import Origin
from jobs.models import Job
from jobs.states import Approval, FailureKind, Scope

from .test_turns import in_threads, take

pytestmark = pytest.mark.django_db

EVENTS = "/api/v1/events"
BODY = {"simulation": "demo.sum_squares", "params": {"n": 3}}


@pytest.fixture
def finish(submit: Callable[..., Job], start: Callable[[Job], Job]) -> Callable[..., Job]:
    """A job that has succeeded."""

    def finish(**options: Any) -> Job:
        job = start(submit(**options))
        lifecycle.succeed(job, 1, {"total": 1})
        return job

    return finish


@pytest.fixture
def agent(alice: Any) -> tuple[Client, keys.ApiKey]:
    key, text = keys.issue(owner=alice, name="a", scopes=[Scope.READ, Scope.SUBMIT])
    return Client(headers={"Authorization": f"Bearer {text}"}), key


def names(client: Client, **query: Any) -> list[str]:
    return [event["job"]["name"] for event in client.get(EVENTS, query).json()["events"]]


def acknowledge(client: Client, cursor: str) -> Any:
    return client.post(f"{EVENTS}/ack", {"cursor": cursor}, "application/json")


def test_what_happened_is_told_again_until_it_is_acknowledged(
    client: Client, alice: Any, finish: Any
) -> None:
    client.force_login(alice)
    finish(name="first"), finish(name="second")

    page = client.get(EVENTS).json()
    assert [event["job"]["name"] for event in page["events"]] == ["first", "second"]
    assert names(client) == ["first", "second"]

    assert acknowledge(client, page["cursor"]).json() == {"acknowledged": page["cursor"]}
    assert names(client) == []
    finish(name="third")
    assert names(client) == ["third"]
    assert names(client, cursor="oldest") == ["first", "second", "third"]


def test_an_event_says_enough_to_know_whether_to_look(
    client: Client, alice: Any, submit: Any, start: Any
) -> None:
    client.force_login(alice)
    job = start(submit(name="broken"))
    lifecycle.progress(job, 1, [{"fraction": 0.5, "message": "", "stage": ""}])
    lifecycle.fail(job, 1, FailureKind.SCIENCE, {"detail": "It diverged."})

    (event,) = client.get(EVENTS).json()["events"]

    assert (event["kind"], event["state"]) == ("failed", "failed")
    assert event["job"]["id"] == str(job.pk)
    assert event["job"]["failure_kind"] == "science"


def test_it_comes_in_pages_without_a_gap_or_a_repeat(
    client: Client, alice: Any, finish: Any
) -> None:
    client.force_login(alice)
    wanted = [finish(name=f"{n}").name for n in range(5)]

    found, cursor, more = [], None, True
    while more:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get(EVENTS, query).json()
        found += [event["job"]["name"] for event in page["events"]]
        cursor, more = page["cursor"], page["has_more"]

    assert found == wanted
    assert names(client, cursor=cursor) == []


def test_a_key_hears_of_its_own_jobs_and_of_those_it_was_answered_with(
    agent: Any, submit: Any, start: Any
) -> None:
    client, key = agent
    submit(name="of its owner", params={"n": 4})
    client.post("/api/v1/jobs", BODY | {"name": "own", "reuse": False}, "application/json")
    shared = submit(name="shared", params={"n": 5})
    again = {**BODY, "params": {"n": 5}, "reuse": True}
    assert client.post("/api/v1/jobs", again, "application/json").json()["id"] == str(shared.pk)
    while job := take():
        lifecycle.succeed(job, 1, {"total": 1})

    assert sorted(names(client)) == ["own", "shared"]
    assert InboxItem.objects.filter(key=key).count() == 1


def test_what_a_key_acknowledges_is_still_news_to_its_owner(
    agent: Any, client: Client, alice: Any, finish: Any
) -> None:
    its, key = agent
    finish(name="done", origin=Origin(key=key))
    acknowledge(its, its.get(EVENTS).json()["cursor"])
    client.force_login(alice)

    assert (names(its), names(client)) == ([], ["done"])


def test_nobody_hears_of_the_jobs_of_somebody_else(client: Client, bob: Any, finish: Any) -> None:
    finish(name="of alice")
    client.force_login(bob)

    assert names(client) == []


def test_kinds_can_be_chosen(client: Client, alice: Any, finish: Any, submit: Any) -> None:
    client.force_login(alice)
    finish(name="done")
    lifecycle.request_cancel(submit(name="stopped"), by=alice)

    assert names(client, kinds="cancelled") == ["stopped"]
    assert names(client, kinds="cancelled,succeeded") == ["done", "stopped"]
    refused = client.get(EVENTS, {"kinds": "started"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["parameter"] == "kinds"


def test_a_job_that_asks_for_approval_is_in_the_inbox_of_its_owner(
    client: Client, alice: Any, submit: Any
) -> None:
    client.force_login(alice)
    options = {"scopes": [Scope.SUBMIT], "approval": Approval.ALWAYS}
    key, _ = keys.issue(owner=alice, name="a", **options)
    job = submit(name="asks", origin=Origin(key=key))
    lifecycle.reject(job, by=alice)

    kinds = [event["kind"] for event in client.get(EVENTS).json()["events"]]

    assert kinds == ["awaiting_approval", "rejected", "cancelled"]


@pytest.mark.parametrize("cursor", ["x", "aW5ib3g6OTk", "é", "aW5ib3g6LTE", "a" * 100])
def test_a_cursor_that_is_none_of_ours_is_refused(
    client: Client, alice: Any, finish: Any, cursor: str
) -> None:
    client.force_login(alice)
    finish()

    assert client.get(EVENTS, {"cursor": cursor}).status_code == 422
    assert acknowledge(client, cursor).status_code == 422


def test_an_acknowledgement_never_goes_back(client: Client, alice: Any, finish: Any) -> None:
    client.force_login(alice)
    finish(name="one")
    first = client.get(EVENTS).json()["cursor"]
    finish(name="two")
    second = client.get(EVENTS).json()["cursor"]
    acknowledge(client, second)

    assert acknowledge(client, first).json() == {"acknowledged": second}
    assert names(client) == []


@pytest.mark.django_db(transaction=True)
def test_what_commits_late_comes_late_and_is_not_lost(
    redis: Any, alice: Any, submit: Any, start: Any
) -> None:
    """Written first, committed last: it must not hide below a cursor that was given out."""
    slow, quick = start(submit(name="slow")), start(submit(name="quick"))
    written, commit = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with transaction.atomic():
            lifecycle.succeed(slow, 1, {"total": 1})
            written.set()
            assert commit.wait(30)
        connection.close()

    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time: nothing can commit out of order")
    thread = threading.Thread(target=write_slowly)
    thread.start()
    assert written.wait(30)
    lifecycle.succeed(quick, 1, {"total": 1})
    page = inbox.read(alice.pk, None)
    assert [item.job.name for item in page.items] == ["quick"]
    inbox.acknowledge(alice.pk, None, page.cursor)
    commit.set()
    thread.join()

    assert [item.job.name for item in inbox.read(alice.pk, None).items] == ["slow"]


@pytest.mark.django_db(transaction=True)
def test_many_readers_and_writers_at_once_lose_and_repeat_nothing(
    redis: Any, alice: Any, submit: Any, start: Any
) -> None:
    jobs = [start(submit()) for _ in range(20)]
    left = list(jobs)

    def write_and_read() -> Any:
        lifecycle.succeed(left.pop(), 1, {"total": 1})
        return [item.number for item in inbox.read(alice.pk, None).items]

    outcomes = in_threads(20, write_and_read)

    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in outcomes)
    found = inbox.read(alice.pk, None).items
    assert [item.number for item in found] == list(range(1, 21))
    assert {item.job_id for item in found} == {job.pk for job in jobs}


def test_more_than_one_batch_of_news_is_numbered(
    alice: Any, finish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "NUMBERED_AT_ONCE", 2)
    for _ in range(5):
        finish()

    assert [item.number for item in inbox.read(alice.pk, None).items] == [1, 2, 3, 4, 5]
