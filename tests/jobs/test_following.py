"""Who joins a job in the moment in which it ends hears of that end, and once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from jobs import inbox, keys, lifecycle
from jobs.key_models import Follower
from jobs.keys import Origin
from jobs.lifecycle.preparing import Wanted
from jobs.models import Job, WebhookDelivery
from jobs.states import FailureKind, Scope
from jobs.webhooks import endpoints

from .meanwhile import meanwhile
from .test_turns import in_threads

pytestmark = pytest.mark.django_db(transaction=True)

URL = "https://example.org/hook"
SQUARES: dict[str, Any] = {"simulation": "demo.sum_squares", "params": {"n": 3}}


@pytest.fixture
def running(submit: Callable[..., Job], start: Callable[[Job], Job], monkeypatch: Any) -> Job:
    for door in ("submission.hand_to_backend", "batches.hand_all_to_backend"):
        monkeypatch.setattr(f"jobs.lifecycle.{door}", lambda jobs: None)
    return start(submit())


@pytest.fixture
def key(alice: Any) -> keys.ApiKey:
    return keys.issue(owner=alice, name="a", scopes=[Scope.READ, Scope.SUBMIT])[0]


def heard(key: keys.ApiKey) -> list[str]:
    """What it is told from now on, once it has acknowledged all of before."""
    return [item.kind for item in inbox.read(key.owner_id, key).items]


def acknowledge_all(key: keys.ApiKey) -> None:
    inbox.acknowledge(key.owner_id, key, inbox.read(key.owner_id, key).cursor)


def test_who_joins_a_job_that_succeeds_is_answered_with_its_result(
    running: Job, alice: Any, key: keys.ApiKey
) -> None:
    def join() -> Job:
        return lifecycle.submit(owner=alice, reuse=True, origin=Origin(key=key), **SQUARES)

    with meanwhile(join) as outcome:
        lifecycle.succeed(running, 1, {"total": 14})

    (answer,) = outcome
    assert (answer.pk, answer.state, answer.result) == (running.pk, "succeeded", {"total": 14})
    assert "has succeeded" in answer.reused_because
    assert not Follower.objects.exists()


def test_who_would_join_a_job_that_fails_gets_one_of_their_own(
    running: Job, alice: Any, key: keys.ApiKey
) -> None:
    def join() -> Job:
        return lifecycle.submit(owner=alice, reuse=True, origin=Origin(key=key), **SQUARES)

    with meanwhile(join) as outcome:
        lifecycle.fail(running, 1, FailureKind.SCIENCE, {"detail": "no"})

    assert outcome[0].pk != running.pk
    assert outcome[0].key == key


@pytest.mark.parametrize("many", [False, True])
def test_a_job_that_is_joined_ends_after_that_and_tells_it(
    running: Job, alice: Any, key: keys.ApiKey, many: bool
) -> None:
    other = Job.objects.get(pk=running.pk)

    with meanwhile(lambda: lifecycle.succeed(other, 1, {"total": 14})) as outcome:
        if many:
            wanted = Wanted(**SQUARES, reuse=True)
            lifecycle.submit_batch(owner=alice, wanted=[wanted], origin=Origin(key=key))
        else:
            lifecycle.submit(owner=alice, reuse=True, origin=Origin(key=key), **SQUARES)
        acknowledge_all(key)

    assert outcome == [None]
    assert heard(key) == ["succeeded"]


def test_a_batch_does_not_wait_to_hear_of_what_ended_meanwhile(
    running: Job, alice: Any, key: keys.ApiKey
) -> None:
    wanted = [Wanted(**SQUARES, reuse=True)]

    with meanwhile(
        lambda: lifecycle.submit_batch(owner=alice, wanted=wanted, origin=Origin(key=key))
    ) as outcome:
        lifecycle.succeed(running, 1, {"total": 14})

    assert outcome[0].is_over
    assert not Follower.objects.exists()


def test_a_webhook_that_comes_as_the_job_ends_is_told_of_it(running: Job) -> None:
    seen = Job.objects.get(pk=running.pk)

    with meanwhile(lambda: endpoints.attach(seen, url=URL)):
        lifecycle.succeed(running, 1, {"total": 14})

    assert [each.type for each in WebhookDelivery.objects.all()] == ["job.succeeded"]


def test_a_job_that_ends_as_a_webhook_comes_tells_it(running: Job) -> None:
    other = Job.objects.get(pk=running.pk)

    with meanwhile(lambda: lifecycle.succeed(other, 1, {"total": 14})) as outcome:
        endpoints.attach(running, url=URL)

    assert outcome == [None]
    assert [each.type for each in WebhookDelivery.objects.all()] == ["job.succeeded"]


def test_many_webhooks_and_one_end_at_once_are_told_once_each(running: Job) -> None:
    other = Job.objects.get(pk=running.pk)
    urls = [f"{URL}/{at}" for at in range(4)]
    acts: list[Callable[[], Any]] = [partial(endpoints.attach, running, url=url) for url in urls]
    acts.append(lambda: lifecycle.succeed(other, 1, {"total": 14}))

    outcomes = in_threads(len(acts), lambda: acts.pop()())

    told = sorted(each.url for each in WebhookDelivery.objects.all())
    assert not [each for each in outcomes if isinstance(each, Exception)]
    assert told == urls
