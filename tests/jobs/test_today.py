"""The first page: what runs or waits, what needs somebody, what has ended since the last look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

import simulations
from jobs import lifecycle
from jobs.models import Job
from jobs.pages import today
from jobs.states import Consent, FailureKind, Priority, Reason


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


def blocks(client: Client) -> dict[str, list[str]]:
    context = client.get("/").context
    shown = ("running", "waiting", "attention", "finished")
    return {name: [row.job.name for row in context[name].rows] for name in shown}


@pytest.fixture
def jobs(submit: Callable[..., Job], start: Callable[[Job], Job]) -> dict[str, Job]:
    names = ("waits", "runs", "silent", "asks", "failed", "done")
    jobs = {name: submit(name=name, params={"n": n + 1}) for n, name in enumerate(names)}
    for name in ("runs", "silent", "failed", "done"):
        start(jobs[name])
    Job.objects.filter(pk=jobs["silent"].pk).update(reason=Reason.UNCONFIRMED)
    Job.objects.filter(pk=jobs["asks"].pk).update(
        consent=Consent.AWAITED, reason=Reason.AWAITING_APPROVAL
    )
    lifecycle.fail(jobs["failed"], 1, FailureKind.SCIENCE, {"detail": "It did not converge"})
    lifecycle.succeed(jobs["done"], 1, {"total": 14})
    return jobs


def test_it_tells_what_runs_what_needs_somebody_and_what_has_ended(
    as_alice: Client, jobs: dict[str, Job]
) -> None:
    assert blocks(as_alice) == {
        "running": ["runs"],
        "waiting": ["waits"],
        "attention": ["silent", "asks", "failed"],
        "finished": ["done"],
    }


def test_what_waits_stands_as_it_will_start(as_alice: Client, submit: Callable[..., Job]) -> None:
    submit(name="first"), submit(name="second", params={"n": 2})
    submit(name="in a hurry", params={"n": 3}, priority=Priority.HIGH)

    assert blocks(as_alice)["waiting"] == ["in a hurry", "first", "second"]


def test_what_was_seen_is_not_told_again_and_what_ends_later_is(
    as_alice: Client, jobs: dict[str, Job]
) -> None:
    assert as_alice.post("/seen/").url == "/"
    lifecycle.succeed(jobs["runs"], 1, {"total": 14})

    found = blocks(as_alice)

    assert found["finished"] == ["runs"]
    # These still need somebody; the failure was looked at.
    assert found["attention"] == ["silent", "asks"]


def test_whoever_was_away_for_long_is_told_of_the_last_days(
    as_alice: Client, jobs: dict[str, Job]
) -> None:
    Job.objects.filter(name="done").update(finished_at=timezone.now() - timedelta(days=8))

    assert blocks(as_alice)["finished"] == []


def test_it_is_of_ones_own_jobs(as_alice: Client, submit: Callable[..., Job], bob: Any) -> None:
    submit(owner=bob, name="secret")

    html = as_alice.get("/").content.decode()

    assert "secret" not in html
    assert "No jobs yet" in html


def test_more_than_fits_is_a_link_to_the_list(
    as_alice: Client,
    submit: Callable[..., Job],
    start: Callable[[Job], Job],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(today, "SHOWN", 1)
    for n in (1, 2):
        lifecycle.succeed(start(submit(params={"n": n}, name=str(n))), 1, {"total": 14})

    answer = as_alice.get("/")

    assert [row.job.name for row in answer.context["finished"].rows] == ["2"]
    since = answer.context["since_text"]
    found = as_alice.get("/jobs/", {"state": "succeeded", "finished_after": since})
    assert len(found.context["listing"].rows) == 2


def test_it_takes_few_queries_however_much_goes_on(
    as_alice: Client,
    submit: Callable[..., Job],
    start: Callable[[Job], Job],
    django_assert_max_num_queries: Any,
) -> None:
    for n in range(1, 30):
        job = start(submit(params={"n": n}))
        if n % 3:
            lifecycle.succeed(job, 1, {"total": 14})

    for is_superuser in (False, True):
        get_user_model().objects.update(is_superuser=is_superuser)
        with django_assert_max_num_queries(11):
            as_alice.get("/")


def test_without_its_redis_it_says_so_and_shows_the_rest(
    as_alice: Client, jobs: dict[str, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(today, "_n_workers", lambda: None)

    html = as_alice.get("/").content.decode()

    assert "The queue cannot be reached" in html
    assert "silent" in html


def test_a_molecule_is_carried_into_the_form(as_alice: Client) -> None:
    html = as_alice.get("/").content.decode()
    assert 'formaction="/jobs/new/xtb_optimization/"' in html

    form = as_alice.get("/jobs/new/xtb_optimization/", {"structure": "CCO<b>"})

    assert form.context["form"]["structure"].value() == "CCO<b>"
    assert "CCO&lt;b&gt;" in form.content.decode()
    assert Job.objects.count() == 0


def test_each_of_the_quick_ones_takes_a_molecule_in_a_line() -> None:
    for name in today.QUICK:
        assert "structure" in simulations.get(name).Params.model_fields


def test_whoever_is_not_signed_in_is_told_what_this_is(client: Client, db: None) -> None:
    answer = client.get("/", REMOTE_ADDR="203.0.113.7")

    assert answer.status_code == 200
    assert "Sign in" in answer.content.decode()
    assert "context" not in (answer.context or {})
    assert client.post("/seen/", REMOTE_ADDR="203.0.113.7").url.startswith("/login/")
