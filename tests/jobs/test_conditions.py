"""Versions of a job: read only if it is new, changed only if it is still the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from jobs import lifecycle
from jobs.api.conditions import retry_after_s
from jobs.models import Job


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


def path_of(job: Job, verb: str = "") -> str:
    return f"/api/v1/jobs/{job.pk}{verb}"


def change(client: Client, job: Job, if_match: str) -> Any:
    body = {"priority": "low"}
    headers = {"If-Match": if_match}
    return client.patch(path_of(job), body, "application/json", headers=headers)


def test_what_is_known_is_not_sent_again(
    as_alice: Client, submit: Callable[..., Job], django_assert_max_num_queries: Any
) -> None:
    job = submit()
    lifecycle.request_cancel(job, by="alice")
    tag = as_alice.get(path_of(job))["ETag"]

    with django_assert_max_num_queries(3):  # session, user, job
        answer = as_alice.get(path_of(job), headers={"If-None-Match": tag})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer["ETag"] == tag
    assert tag == f'W/"{job.last_seq}"'


def test_an_event_makes_a_new_version(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = submit()
    tag = as_alice.get(path_of(job))["ETag"]
    start(job)

    answer = as_alice.get(path_of(job), headers={"If-None-Match": tag})

    assert answer.status_code == 200
    assert answer["ETag"] != tag


def test_so_does_another_place_in_line(as_alice: Client, submit: Callable[..., Job]) -> None:
    first, second = submit(), submit(params={"n": 4})
    tag = as_alice.get(path_of(second))["ETag"]
    lifecycle.request_cancel(first, by="alice")

    answer = as_alice.get(path_of(second), headers={"If-None-Match": tag})

    assert answer.status_code == 200


def test_a_stranger_learns_nothing_from_a_tag(
    client: Client, bob: Any, submit: Callable[..., Job]
) -> None:
    client.force_login(bob)

    assert client.get(path_of(submit()), headers={"If-None-Match": "*"}).status_code == 404


def test_a_change_of_the_version_that_was_read_is_made(
    as_alice: Client, submit: Callable[..., Job]
) -> None:
    job = submit()
    tag = as_alice.get(path_of(job))["ETag"]

    answer = change(as_alice, job, f'"other", {tag}')

    assert answer.status_code == 200
    assert answer.json()["priority"] == "low"
    assert answer["ETag"] != tag


@pytest.mark.parametrize("tag", ['W/"0-no_free_worker-1"', '"other"', "nonsense"])
def test_a_change_of_another_version_is_refused(
    as_alice: Client, submit: Callable[..., Job], tag: str
) -> None:
    job = submit()

    answers = [
        change(as_alice, job, tag),
        as_alice.post(path_of(job, "/cancel"), headers={"If-Match": tag}),
    ]

    assert [answer.status_code for answer in answers] == [412, 412]
    assert answers[0].json()["code"] == "changed_meanwhile"
    job.refresh_from_db()
    assert (job.priority_word, job.cancel_requested_at) == ("normal", None)


def test_a_cancel_of_the_version_that_was_read_is_made(
    as_alice: Client, submit: Callable[..., Job]
) -> None:
    job = submit()
    tag = as_alice.get(path_of(job))["ETag"]

    answer = as_alice.post(path_of(job, "/cancel"), headers={"If-Match": tag})

    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")


@pytest.mark.parametrize(("age_s", "pause_s"), [(0, 2), (60, 6), (3600, 30)])
def test_the_older_a_job_the_later_to_ask_again(
    submit: Callable[..., Job], age_s: int, pause_s: int
) -> None:
    job = submit()
    job.queued_at = timezone.now() - timedelta(seconds=age_s)

    assert retry_after_s(job) == pause_s
