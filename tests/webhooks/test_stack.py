"""The real stack: whatever dies in between, each end is told, and told under one id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.stack import Stack, until

from .receiver import Receiver

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture(scope="module")
def site() -> Iterator[Stack]:
    with Stack(
        BACKPLANE_WEBHOOK_ALLOW="127.0.0.1",
        BACKPLANE_WEBHOOK_RETRIES_S=",".join(["0.5"] * 20),
        BACKPLANE_WEBHOOK_TIMEOUT_S="5",
    ) as running:
        yield running


def log_of(site: Stack, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    answer = site.client.get(webhook["links"]["deliveries"], params={"limit": 100})
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def test_a_sender_that_is_killed_loses_nothing(site: Stack) -> None:
    with Receiver() as receiver:
        answer = site.client.post("/api/v1/webhooks", json={"url": receiver.url})
        webhook = answer.json()
        assert answer.status_code == 201, webhook
        receiver.answers.extend([500, 503, (302, "/")])
        ids = {site.submit("demo.sum_squares", n=n) for n in range(3, 8)}

        def all_delivered() -> bool:
            sent = log_of(site, webhook)
            return len(sent) == len(ids) and {each["state"] for each in sent} == {"delivered"}

        # All answered: what is held from here on is one of those that come.
        until(all_delivered, "the first are delivered")
        assert len(receiver.received) >= 8

        # One is with its receiver when the sender dies, and others end while it is away.
        receiver.may_answer.clear()
        n_before = len(receiver.received)
        ids |= {site.submit("demo.sum_squares", n=8)}
        receiver.wait_for(n_before + 1)
        held = receiver.received[-1]
        (sender,) = site.processes("send_webhooks")
        sender.kill()
        ids |= {site.submit("demo.sum_squares", n=n) for n in range(9, 12)}
        receiver.may_answer.set()
        until(all_delivered, "all is delivered")

    told = [each.verified(webhook["secret"]) for each in receiver.received]
    assert {body["data"]["job_id"] for body in told} == ids
    assert {body["type"] for body in told} == {"job.succeeded"}
    assert {body["data"]["links"]["page"].startswith(site.url) for body in told} == {True}
    # At least once: what was under way is sent again, and can be told by its id.
    assert [each.id for each in receiver.received].count(held.id) == 2
    assert len({each.id for each in receiver.received}) == len(ids)
    assert site.client.get("/me/webhooks/").status_code == 200


def test_a_single_job_is_told_of_within_seconds(site: Stack) -> None:
    with Receiver() as receiver:
        made = site.client.post("/api/v1/webhooks", json={"url": None}).json()
        body = {
            "simulation": "demo.sum_squares",
            "params": {"n": 33},
            "webhook": {"url": receiver.url, "events": ["job.started", "job.succeeded"]},
        }
        job = site.client.post("/api/v1/jobs", json=body).json()
        receiver.wait_for(2)
        again = site.client.post("/api/v1/jobs", json=body)
        receiver.wait_for(3)

    told = [each.verified(made["secret"]) for each in receiver.received]
    assert {each["data"]["job_id"] for each in told} == {job["id"]}
    assert sorted(each["type"] for each in told) == ["job.started"] + ["job.succeeded"] * 2
    assert again.status_code == 200
