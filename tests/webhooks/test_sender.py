"""From the table to the receiver: signed, again and again until it arrived, in nobody's way."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from jobs import keys
from jobs.models import Job, WebhookDelivery, WebhookEndpoint
from jobs.states import Scope
from jobs.webhook_models import DeliveryState
from jobs.webhooks import endpoints, sender, signing
from jobs.webhooks.sender import Sender, claim, settle
from tests.stack import until

from .receiver import Receiver

pytestmark = pytest.mark.django_db
Deliver = Callable[..., None]


@pytest.fixture
def endpoint(alice: Any, receiver: Receiver) -> WebhookEndpoint:
    return endpoints.create(owner=alice, url=receiver.url)


def only() -> WebhookDelivery:
    return WebhookDelivery.objects.select_related("endpoint").get()


def test_an_end_arrives_signed(
    endpoint: WebhookEndpoint, receiver: Receiver, succeeded: Callable[..., Job], deliver: Deliver
) -> None:
    job = succeeded(name="Wasser für Å")

    deliver()

    (received,) = receiver.received
    body = received.verified(endpoint.secret)
    assert body["type"] == "job.succeeded"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", body["timestamp"])
    assert body["data"]["name"] == "Wasser für Å"
    assert body["data"]["summary"] == {"total": 14}
    assert body["data"]["links"]["self"] == f"http://127.0.0.1:8000/api/v1/jobs/{job.pk}"
    assert received.headers["content-type"] == "application/json"
    delivery = only()
    assert (delivery.state, delivery.next_at) == (DeliveryState.DELIVERED, None)
    assert [each["status"] for each in delivery.tries] == [200]


def test_what_was_changed_on_the_way_is_not_verified(
    endpoint: WebhookEndpoint, receiver: Receiver, succeeded: Callable[..., Job], deliver: Deliver
) -> None:
    succeeded()
    deliver()
    (received,) = receiver.received

    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint.secret).verify(received.body + b" ", received.headers)
    with pytest.raises(WebhookVerificationError):
        received.verified(signing.new_secret())


def test_what_fails_is_tried_again_under_the_same_id(
    endpoint: WebhookEndpoint, receiver: Receiver, succeeded: Callable[..., Job], deliver: Deliver
) -> None:
    receiver.answers.extend([500, (302, "/elsewhere"), 429])
    succeeded()

    deliver()

    assert len({each.id for each in receiver.received}) == 1
    assert len({each.body for each in receiver.received}) == 1
    assert [each["status"] for each in only().tries] == [500, 302, 429, 200]
    assert only().state == DeliveryState.DELIVERED


def test_the_pauses_are_those_of_the_ladder(
    endpoint: WebhookEndpoint, succeeded: Callable[..., Job], settings: Any
) -> None:
    settings.WEBHOOK_RETRIES_S = [5, 300, 1800]
    succeeded()
    delivery = only()
    pauses = []
    for _ in range(4):
        assert claim(delivery)
        settle(delivery, sender.posting.Outcome(status=500, ms=1))
        delivery = only()
        if delivery.next_at:
            pauses.append((delivery.next_at - timezone.now()).total_seconds())

    assert delivery.state == DeliveryState.FAILED
    for pause, rung in zip(pauses, [5, 300, 1800], strict=True):
        assert rung * 0.9 < pause <= rung * 1.1


def test_the_ladder_is_that_of_the_specification(settings: Any) -> None:
    assert [
        5, 5 * 60, 30 * 60, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24))
    ] == settings.WEBHOOK_RETRIES_S  # fmt: skip


def test_an_endpoint_where_nothing_ever_arrives_is_switched_off(
    endpoint: WebhookEndpoint, receiver: Receiver, succeeded: Callable[..., Job], deliver: Deliver
) -> None:
    receiver.answers.extend([500] * 4)
    succeeded()

    deliver()

    endpoint.refresh_from_db()
    assert only().state == DeliveryState.FAILED
    assert endpoint.disabled_because == sender.DEAD


def test_one_where_others_arrive_stays_on(
    endpoint: WebhookEndpoint, receiver: Receiver, succeeded: Callable[..., Job], deliver: Deliver
) -> None:
    succeeded()
    first = only()
    first.next_at = timezone.now() + timedelta(hours=1)
    first.save()
    succeeded(params={"n": 4})
    deliver()
    receiver.answers.extend([500] * 4)
    WebhookDelivery.objects.filter(pk=first.pk).update(next_at=timezone.now())

    deliver()

    endpoint.refresh_from_db()
    first.refresh_from_db()
    assert (first.state, endpoint.is_active) == (DeliveryState.FAILED, True)


def test_gone_asks_for_no_more(
    endpoint: WebhookEndpoint, receiver: Receiver, succeeded: Callable[..., Job], deliver: Deliver
) -> None:
    receiver.answers.append(410)
    succeeded()
    later = endpoints.test(endpoint)
    WebhookDelivery.objects.filter(pk=later.pk).update(next_at=timezone.now() + timedelta(hours=1))

    deliver()
    succeeded(params={"n": 4})

    endpoint.refresh_from_db()
    later.refresh_from_db()
    assert "410" in endpoint.disabled_because
    assert later.state == DeliveryState.CANCELLED
    assert len(receiver.received) == 1
    assert WebhookDelivery.objects.count() == 2


def test_gone_for_single_jobs_stops_that_url_and_no_other(
    receiver: Receiver,
    submit: Callable[..., Job],
    succeeded: Callable[..., Job],
    deliver: Deliver,
    alice: Any,
) -> None:
    def both(job: Job) -> None:
        for place in ("gone", "stays"):
            endpoints.attach(job, url=f"{receiver.url}/{place}")

    receiver.answers.append(410)
    jobs = [submit(params={"n": n}, also=both) for n in (3, 4)]
    succeeded(jobs[0])
    WebhookDelivery.objects.filter(url__endswith="stays").update(
        next_at=timezone.now() + timedelta(hours=1)
    )

    deliver()

    assert endpoints.for_single_jobs(alice).is_active
    assert [each.url for job in jobs for each in job.webhooks.all()] == [
        f"{receiver.url}/stays"
    ] * 2


def test_while_a_secret_is_replaced_both_sign(
    endpoint: WebhookEndpoint, receiver: Receiver, succeeded: Callable[..., Job], deliver: Deliver
) -> None:
    old = endpoint.secret
    endpoints.rotate(endpoint, overlap_s=3600)
    succeeded()
    deliver()
    WebhookEndpoint.objects.update(old_secret_until=timezone.now())
    endpoints.replay(only())
    deliver()

    first, second = receiver.received
    assert first.verified(old) == first.verified(endpoint.secret)
    assert second.verified(endpoint.secret)
    with pytest.raises(WebhookVerificationError):
        second.verified(old)


def test_a_secret_replaced_without_overlap_signs_no_more(
    endpoint: WebhookEndpoint, receiver: Receiver, succeeded: Callable[..., Job], deliver: Deliver
) -> None:
    old = endpoint.secret
    endpoints.rotate(endpoint, overlap_s=0)
    succeeded()
    deliver()

    assert receiver.received[0].verified(endpoint.secret)
    with pytest.raises(WebhookVerificationError):
        receiver.received[0].verified(old)


def test_what_is_replayed_has_the_same_id(
    endpoint: WebhookEndpoint, receiver: Receiver, succeeded: Callable[..., Job], deliver: Deliver
) -> None:
    succeeded()
    deliver()

    endpoints.replay(only())
    with pytest.raises(endpoints.Unacceptable, match="on its way"):
        endpoints.replay(only())
    deliver()

    first, second = receiver.received
    assert (first.id, first.body) == (second.id, second.body)
    assert len(only().tries) == 2


def test_what_was_missed_can_be_had_again(
    endpoint: WebhookEndpoint, receiver: Receiver, succeeded: Callable[..., Job], deliver: Deliver
) -> None:
    receiver.answers.extend([500] * 4)
    succeeded()
    deliver()
    endpoint.refresh_from_db()
    with pytest.raises(endpoints.Unacceptable, match="switch it on"):
        endpoints.replay_missed(endpoint)

    endpoints.enable(endpoint)
    assert endpoints.replay_missed(endpoint) == 1
    deliver()

    assert only().state == DeliveryState.DELIVERED


def test_of_two_senders_one_gets_a_message(
    endpoint: WebhookEndpoint, succeeded: Callable[..., Job]
) -> None:
    succeeded()
    first, second = only(), only()

    assert [claim(first), claim(second)] == [True, False]


def test_of_a_sender_that_died_a_message_is_due_again(
    endpoint: WebhookEndpoint, receiver: Receiver, succeeded: Callable[..., Job], deliver: Deliver
) -> None:
    succeeded()
    assert claim(only())
    deliver()
    assert receiver.received == []  # somebody may still be at it

    WebhookDelivery.objects.update(next_at=timezone.now())
    deliver()

    assert len(receiver.received) == 1
    assert only().n_tries == 2


def test_who_comes_back_after_its_claim_lapsed_writes_nothing(
    endpoint: WebhookEndpoint, succeeded: Callable[..., Job]
) -> None:
    succeeded()
    late, other = only(), only()
    claim(late)
    WebhookDelivery.objects.update(next_at=other.next_at)
    claim(other)
    settle(other, sender.posting.Outcome(status=200))

    settle(late, sender.posting.Outcome(status=500))

    assert only().state == DeliveryState.DELIVERED


def test_a_database_that_is_away_costs_no_answer(
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    succeeded: Callable[..., Job],
    deliver: Deliver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    succeeded()
    running = Sender()

    def away(*args: Any) -> None:
        raise DatabaseError

    with monkeypatch.context() as down:
        down.setattr(sender, "settle", away)
        with pytest.raises(DatabaseError):
            until(lambda: running.look(1), "an answer")

    deliver(running)

    assert only().state == DeliveryState.DELIVERED
    assert len(receiver.received) == 1


def test_a_slow_receiver_is_in_nobodys_way_but_its_owners(
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    succeeded: Callable[..., Job],
    deliver: Deliver,
    bob: Any,
) -> None:
    receiver.may_answer.clear()
    running = Sender()
    with Receiver() as other:
        endpoints.create(owner=bob, url=other.url)
        for n in range(3, 13):
            succeeded(params={"n": n})
        succeeded(owner=bob)

        until(lambda: running.look(0.02) or other.received, "bob's webhook")

        assert len(receiver.received) <= sender.MOST_PER_OWNER
        assert running.n_in_flight <= sender.MOST_PER_OWNER + 1
    receiver.may_answer.set()
    deliver(running)
    assert not WebhookDelivery.objects.exclude(state=DeliveryState.DELIVERED).exists()
    assert len(receiver.received) == 10


def test_a_sender_that_is_told_to_stop_writes_down_what_it_began(
    endpoint: WebhookEndpoint, receiver: Receiver, succeeded: Callable[..., Job]
) -> None:
    receiver.may_answer.clear()
    succeeded()
    running = Sender()
    running.look(0.01)
    receiver.wait_for(1)
    receiver.may_answer.set()

    running.finish(10)

    assert only().state == DeliveryState.DELIVERED


def test_what_was_switched_off_meanwhile_is_not_sent(
    endpoint: WebhookEndpoint, receiver: Receiver, succeeded: Callable[..., Job], deliver: Deliver
) -> None:
    succeeded()
    WebhookEndpoint.objects.update(disabled_at=timezone.now())

    deliver()

    assert only().state == DeliveryState.CANCELLED
    assert receiver.received == []


def test_a_key_that_was_revoked_tells_nobody_any_more(
    alice: Any, receiver: Receiver, succeeded: Callable[..., Job], deliver: Deliver
) -> None:
    key, _ = keys.issue(owner=alice, name="agent", scopes=[Scope.SUBMIT])
    endpoints.create(owner=alice, url=receiver.url, key=key)
    succeeded(origin=keys.Origin(key=key))
    keys.revoke(key)

    deliver()

    assert only().state == DeliveryState.CANCELLED
    assert receiver.received == []


def test_who_may_no_longer_sign_in_is_told_nothing_more(
    endpoint: WebhookEndpoint, receiver: Receiver, succeeded: Callable[..., Job], deliver: Deliver
) -> None:
    succeeded()
    get_user_model().objects.filter(pk=endpoint.owner_id).update(is_active=False)

    deliver()

    assert only().state == DeliveryState.CANCELLED
    assert receiver.received == []
    # Nor is their endpoint switched off: it is as they left it, should they come back.
    endpoint.refresh_from_db()
    assert endpoint.is_active


def test_the_log_is_kept_for_a_month(
    endpoint: WebhookEndpoint, succeeded: Callable[..., Job], deliver: Deliver
) -> None:
    succeeded()
    deliver()
    assert sender.forget_old() == 0

    WebhookDelivery.objects.update(ended_at=timezone.now() - timedelta(days=31))

    assert sender.forget_old() == 1


@pytest.mark.parametrize(
    ("text", "good"),
    [
        pytest.param(signing.new_secret(), True, id="a new one"),
        ("whsec_" + "A" * 32, True),
        ("whsec_" + "A" * 28, False),
        ("whsec_" + "A" * 88, False),
        ("A" * 32, False),
        ("whsec_ÄÄÄÄ", False),
        ("whsec_", False),
    ],
)
def test_a_secret_is_one_by_the_specification_or_none(text: str, good: bool) -> None:
    assert signing.is_secret(text) == good
