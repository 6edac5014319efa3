"""A job's page tells who is told of it, and what came of the last message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jobs.models import Job, WebhookDelivery
from jobs.webhooks import endpoints

from .receiver import Receiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Client, alice: Any) -> Callable[[str], str]:
    client.force_login(alice)
    return lambda address: client.get(address).content.decode()


def test_a_job_that_nobody_is_told_of_says_nothing_of_it(
    page: Callable[[str], str], submit: Callable[..., Job]
) -> None:
    assert "<h2>Webhooks</h2>" not in page(submit().get_absolute_url())


def test_who_asked_with_the_job_is_shown_before_there_is_a_message(
    page: Callable[[str], str], submit: Callable[..., Job], receiver: Receiver
) -> None:
    job = submit()
    endpoints.attach(job, url=receiver.url)

    html = page(job.get_absolute_url())

    assert receiver.url in html
    assert "none yet" in html


def test_the_last_message_to_each_is_shown_with_what_came_of_it(
    page: Callable[[str], str],
    alice: Any,
    submit: Callable[..., Job],
    succeeded: Callable[..., Job],
    deliver: Callable[..., None],
    receiver: Receiver,
) -> None:
    of_all = endpoints.create(
        owner=alice, url=f"{receiver.url}/of-all", events=["job.started", "job.succeeded"]
    )
    job, other = submit(), submit(params={"n": 4})
    of_one = endpoints.attach(job, url=receiver.url).endpoint
    succeeded(job)
    succeeded(other)
    deliver()

    html = page(job.get_absolute_url())

    section = html[html.index("<h2>Webhooks</h2>") :]
    section = section[: section.index("</section>")]
    assert section.count("<tr>") == 1 + 2
    assert section.count("job.succeeded") >= 2
    for endpoint, url in ((of_one, receiver.url), (of_all, of_all.url)):
        sent = WebhookDelivery.objects.filter(job=job, endpoint=endpoint)
        told = sent.order_by("at", "id").last()
        assert told is not None
        row = next(each for each in section.split("<tr>") if f'num">{url}<' in each)
        assert told.get_state_display() in row
        assert f"/me/webhooks/{endpoint.pk}/?job={job.pk}#sent" in row
    log = page(f"/me/webhooks/{of_all.pk}/?job={job.pk}")
    assert job.short_id in log
    assert other.short_id not in log
    assert other.short_id in page(f"/me/webhooks/{of_all.pk}/?job=nonsense")


def test_more_webhooks_take_no_more_queries(
    client: Client, alice: Any, submit: Callable[..., Job], receiver: Receiver
) -> None:
    client.force_login(alice)

    def n_queries(n_webhooks: int) -> int:
        job = submit(params={"n": 5 + n_webhooks})
        for n in range(n_webhooks):
            endpoints.attach(job, url=f"{receiver.url}/{n}")
        with CaptureQueriesContext(connection) as asked:
            assert client.get(job.get_absolute_url()).status_code == 200
        return len(asked)

    assert n_queries(1) == n_queries(5)
