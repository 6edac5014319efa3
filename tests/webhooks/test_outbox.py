"""What is to be sent is written with the event that it tells of, and thinly."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs import keys, lifecycle
from jobs.metrics import JobsCollector
from jobs.models import Job, WebhookDelivery
from jobs.states import FailureKind, Scope
from jobs.webhook_models import DeliveryState, EventType
from jobs.webhooks import addresses, endpoints, outbox

pytestmark = pytest.mark.django_db
URL = "https://example.org/hook"


def told(**wanted: Any) -> list[str]:
    found = WebhookDelivery.objects.filter(**wanted).order_by("at", "id")
    return [each.type for each in found]


def test_each_event_that_was_asked_for_is_told_once(
    alice: Any, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    endpoints.create(owner=alice, url=URL, events=EventType.values)

    job = start(submit())
    lifecycle.progress(job, 1, [{"fraction": 0.5, "message": "half", "stage": ""}])
    lifecycle.hand_over(job, 1, "stopped")
    start(job)
    lifecycle.succeed(job, 2, {"total": 14})

    assert told() == ["job.started", "job.requeued", "job.started", "job.succeeded"]


def test_how_it_ended_is_what_is_told_where_nothing_else_was_asked_for(
    alice: Any, succeeded: Callable[..., Job], submit: Callable[..., Job]
) -> None:
    endpoints.create(owner=alice, url=URL)

    succeeded()
    lifecycle.request_cancel(submit(reuse=False), by=alice)

    assert told() == ["job.succeeded", "job.cancelled"]


def test_an_event_that_is_rolled_back_is_not_told(alice: Any, submit: Callable[..., Job]) -> None:
    endpoints.create(owner=alice, url=URL)
    job = submit()

    with transaction.atomic():
        lifecycle.request_cancel(job, by=alice)
        transaction.set_rollback(True)

    assert told() == []


def test_nobody_hears_of_the_jobs_of_others(
    alice: Any, bob: Any, succeeded: Callable[..., Job]
) -> None:
    endpoints.create(owner=bob, url=URL)

    succeeded(owner=alice)

    assert told() == []


def test_whoever_has_no_webhook_pays_one_small_query(
    alice: Any, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    with CaptureQueriesContext(
        connection,
    ) as asked:
        lifecycle.progress(job, 1, [{"fraction": 0.5, "message": "half", "stage": ""}])
        n_before = len([each for each in asked.captured_queries if "webhook" in each["sql"]])
        lifecycle.succeed(job, 1, {"total": 14})

    of_webhooks = [each for each in asked.captured_queries if "webhook" in each["sql"]]
    assert n_before == 0
    assert len(of_webhooks) == 1


def test_a_message_says_what_a_receiver_needs_and_no_more(
    alice: Any, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    endpoints.create(owner=alice, url=URL)
    job = start(submit(name="Water", tags=["a"]))

    lifecycle.fail(job, 1, FailureKind.SCIENCE, {"detail": "It did not converge."})

    message = WebhookDelivery.objects.get()
    assert message.message_id == f"msg_{job.pk.hex}_{job.last_seq}"
    assert message.data == {
        "job_id": str(job.pk),
        "seq": job.last_seq,
        "state": "failed",
        "simulation": "demo.sum_squares",
        "name": "Water",
        "tags": ["a"],
        "attempt": 1,
        "failure": {"kind": "science", "detail": "It did not converge."},
    }


def test_what_is_too_long_is_left_out_and_named(
    alice: Any, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    endpoints.create(owner=alice, url=URL)
    job = start(submit(name="𝛑" * 200, tags=["𝛑" * 100] * 50))

    lifecycle.fail(job, 1, FailureKind.SCIENCE, {"detail": "𝛑" * 50_000})

    message = WebhookDelivery.objects.get()
    assert len(json.dumps(message.data, ensure_ascii=False).encode()) <= outbox.MOST_DATA_BYTES
    assert message.data["left_out"] == ["tags"]
    assert message.data["job_id"] == str(job.pk)


def test_a_single_job_is_told_of_where_it_asked_for_that(
    alice: Any, submit: Callable[..., Job], succeeded: Callable[..., Job]
) -> None:
    job = submit(also=lambda job: endpoints.attach(job, url=URL))

    succeeded(job)
    succeeded(params={"n": 4})

    (message,) = WebhookDelivery.objects.all()
    assert (message.job_id, message.target, message.endpoint.url) == (job.pk, URL, "")


def test_who_asks_after_the_end_is_told_at_once_and_again_if_asked_again(
    succeeded: Callable[..., Job],
) -> None:
    job = succeeded()

    endpoints.attach(job, url=URL)
    assert told(state=DeliveryState.PENDING) == ["job.succeeded"]
    WebhookDelivery.objects.update(state=DeliveryState.DELIVERED, next_at=None)
    endpoints.attach(job, url=URL)

    assert told(state=DeliveryState.PENDING) == ["job.succeeded"]


def test_a_job_has_so_many_webhooks_and_no_more(submit: Callable[..., Job]) -> None:
    job = submit()
    for number in range(endpoints.MOST_PER_JOB):
        endpoints.attach(job, url=f"{URL}/{number}")

    endpoints.attach(job, url=f"{URL}/0", events=["job.started"])
    with pytest.raises(endpoints.Unacceptable, match="the most that it may"):
        endpoints.attach(job, url=f"{URL}/more")


def test_a_job_that_takes_the_place_of_another_is_told_of_likewise(
    alice: Any, bob: Any, submit: Callable[..., Job]
) -> None:
    job = submit(also=lambda job: endpoints.attach(job, url=URL, events=["job.started"]))

    again = lifecycle.run_again(job, owner=alice)
    of_bob = lifecycle.run_again(job, owner=bob)

    assert [(each.url, each.events) for each in again.webhooks.all()] == [(URL, ["job.started"])]
    assert not of_bob.webhooks.exists()


@pytest.mark.parametrize("may_look", [False, True])
def test_a_key_that_may_not_look_hears_how_a_job_ends_and_not_whose_it_is(
    alice: Any, submit: Callable[..., Job], start: Callable[[Job], Job], may_look: bool
) -> None:
    scopes = [Scope.SUBMIT, *([Scope.READ] if may_look else [])]
    key, _ = keys.issue(owner=alice, name="agent", scopes=scopes)
    job = submit(
        name="secret plan", tags=["secret"], origin=keys.Origin(agent="secret", purpose="secret")
    )

    endpoints.attach(job, url=URL, key=key)
    lifecycle.succeed(start(job), 1, {"total": 14}, summary={"total": 14})

    data = WebhookDelivery.objects.get().data
    assert (data["state"], data["summary"]) == ("succeeded", {"total": 14})
    assert ("secret" in str(data)) is may_look
    assert data.get("purpose") == ("secret" if may_look else None)


def test_a_key_hears_of_no_job_that_a_person_or_another_key_puts_in_the_place_of_its_own(
    alice: Any, submit: Callable[..., Job]
) -> None:
    made = [keys.issue(owner=alice, name="agent", scopes=[Scope.SUBMIT])[0] for _ in range(2)]
    own, other = (keys.Origin(key=key) for key in made)

    def attach(job: Job) -> None:
        endpoints.attach(job, url=f"{URL}/key", key=own.key)
        endpoints.attach(job, url=f"{URL}/person")

    job = submit(origin=own, also=attach)

    def told_of(origin: keys.Origin) -> list[str]:
        again = lifecycle.run_again(job, owner=alice, origin=origin)
        return sorted(each.url for each in again.webhooks.all())

    assert told_of(keys.UNKNOWN) == [f"{URL}/person"]
    assert told_of(other) == [f"{URL}/person"]
    assert told_of(own) == [f"{URL}/key", f"{URL}/person"]


def test_what_a_key_made_hears_of_the_jobs_of_that_key_alone(
    alice: Any, succeeded: Callable[..., Job]
) -> None:
    key, _ = keys.issue(owner=alice, name="agent", scopes=[Scope.SUBMIT])
    endpoints.create(owner=alice, url=URL, key=key)

    succeeded()
    succeeded(params={"n": 5}, origin=keys.Origin(key=key))

    assert [each.job.key for each in WebhookDelivery.objects.all()] == [key]


def test_a_wait_for_approval_is_told_of(alice: Any, submit: Callable[..., Job]) -> None:
    key, _ = keys.issue(owner=alice, name="agent", scopes=[Scope.SUBMIT], approval="always")
    endpoints.create(owner=alice, url=URL, events=["job.awaiting_approval"])

    submit(
        origin=keys.Origin(key=key),
        also=lambda job: endpoints.attach(job, url=f"{URL}/one", events=["job.awaiting_approval"]),
    )

    assert told() == ["job.awaiting_approval"] * 2


def test_many_events_take_no_more_queries_than_one(alice: Any, submit: Callable[..., Job]) -> None:
    endpoints.create(owner=alice, url=URL)
    endpoints.for_single_jobs(alice)
    found = [submit(reuse=False, also=lambda job: endpoints.attach(job, url=URL)) for _ in range(9)]
    for job in found:
        lifecycle.request_cancel(job, by=alice)
    ended = [job.events.get(kind="cancelled") for job in found]
    WebhookDelivery.objects.all().delete()

    for some in (ended[:1], ended[1:]):
        with CaptureQueriesContext(connection) as asked:
            outbox.announce(some)
        assert len([each for each in asked.captured_queries if "SAVEPOINT" not in each["sql"]]) <= 4

    assert len(told()) == 18


def test_what_waits_to_be_sent_is_in_the_metrics(alice: Any, succeeded: Callable[..., Job]) -> None:
    endpoints.create(owner=alice, url=URL)
    succeeded()
    WebhookDelivery.objects.update(next_at=timezone.now() - timedelta(seconds=100))

    told = {each.name: each.samples for each in JobsCollector().collect()}

    assert told["backplane_webhooks_waiting"][0].value == 1
    assert told["backplane_webhooks_overdue_seconds"][0].value >= 100


def test_the_longest_url_fits_whatever_database(succeeded: Callable[..., Job]) -> None:
    """Its index takes 2704 bytes in PostgreSQL, and a random text cannot be made smaller."""
    url = f"{URL}/"
    url += secrets.token_urlsafe(addresses.MOST_CHARS)[: addresses.MOST_CHARS - len(url)]

    endpoints.attach(succeeded(), url=url)

    assert WebhookDelivery.objects.get().target == url
