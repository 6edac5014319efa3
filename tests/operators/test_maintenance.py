"""The switch: nothing new starts, what runs goes on, and everybody is told in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from jobs import lifecycle, maintenance, outlook, turns
from jobs.models import Announcement, AuditEntry, Job, Maintenance
from jobs.reconciler import reconcile
from jobs.states import JobState

BODY = {"simulation": "demo.sum_squares", "params": {"n": 3}}
BY = {"worker": "host:1", "host": "host", "pid": 1}


@pytest.fixture
def page(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def rest(admin_user: Any) -> Callable[..., Any]:
    def rest(**told: Any) -> Any:
        return lifecycle.begin_maintenance(by=admin_user, reason="new disks", **told)

    return rest


@pytest.fixture
def over(admin_user: Any) -> Callable[[], bool]:
    return lambda: lifecycle.end_maintenance(by=admin_user, reason="all well")


def test_no_worker_is_given_a_job_until_it_is_over(submit, rest, over):
    job = submit()
    rest()

    assert lifecycle.take_next("rq", **BY) is None
    assert over()
    taken = lifecycle.take_next("rq", **BY)
    assert taken == job


def test_what_runs_goes_on_to_its_end(submit, start, rest):
    job = start(submit())
    rest(accepts=False)

    lifecycle.succeed(job, 1, {"total": 14})

    assert job.state == JobState.SUCCEEDED


def test_an_attempt_that_was_lost_waits_with_the_others(submit, start, rest):
    job = start(submit())
    rest()

    lifecycle.hand_over(job, 1, "Its worker is stopped.")

    assert job.state == JobState.QUEUED
    assert lifecycle.take_next("rq", **BY) is None


@pytest.mark.django_db(transaction=True)
def test_the_reconciler_hands_nothing_out_meanwhile_and_all_of_it_after(redis, submit, rest, over):
    rest()
    job = submit()
    Job.objects.update(queued_at=timezone.now() - timedelta(minutes=1))
    redis.flushall()

    reconcile()
    assert redis.llen("rq:queue:default") == 0
    over()
    reconcile()

    assert redis.llen("rq:queue:default") == 1
    assert lifecycle.take_next("rq", **BY) == job


def test_a_job_that_waits_says_why_over_rest_and_on_its_page(page, submit, rest):
    job = submit()
    rest(message="New disks.", until=timezone.now() + timedelta(hours=2))

    told = page.get(f"/api/v1/jobs/{job.pk}").json()
    assert told["reason"] == "maintenance"
    why = turns.explain(job)
    assert why
    assert "not started" in why.text
    assert "New disks" in why.text
    assert outlook.starts_in_s(job) is None
    for address in (job.get_absolute_url(), "/jobs/", "/"):
        html = page.get(address).content.decode()
        assert "those that run go on" in html
        assert "New disks" in html


def test_where_jobs_are_accepted_they_wait(page, rest):
    rest()

    answer = page.post("/api/v1/jobs", BODY, content_type="application/json")

    assert answer.status_code == 202
    assert answer.json()["reason"] in {"maintenance", "no_free_worker"}


def test_a_closed_site_refuses_in_words_and_says_when_to_come_back(page, rest):
    rest(accepts=False, message="New disks", until=timezone.now() + timedelta(minutes=30))

    answer = page.post("/api/v1/jobs", BODY, content_type="application/json")

    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "maintenance"
    assert problem["retryable"]
    assert "New disks" in problem["detail"]
    assert 1700 <= int(answer["Retry-After"]) <= 1800
    assert not Job.objects.exists()


def test_a_batch_is_refused_too_and_check_says_it_before(page, rest):
    rest(accepts=False)

    batch = page.post("/api/v1/batches", {"jobs": [BODY]}, content_type="application/json")
    check = page.post("/api/v1/jobs/check", BODY, content_type="application/json").json()

    assert batch.status_code == 503
    assert not check["ok"]
    assert check["errors"][0]["code"] == "maintenance"


def test_the_form_keeps_what_was_typed_and_says_why(page, rest):
    rest(accepts=False, message="New disks")

    html = page.post("/jobs/new/demo.sum_squares/", {"n": "7"}).content.decode()

    assert "no new jobs are accepted" in html
    assert 'value="7"' in html


def test_an_answer_that_is_there_already_is_given_all_the_same(page, submit, start, rest):
    lifecycle.succeed(start(submit()), 1, {"total": 14})
    rest(accepts=False)

    answer = page.post("/api/v1/jobs", BODY, content_type="application/json")

    assert answer.status_code in {200, 202}
    assert answer.json()["state"] == "succeeded"


def test_it_is_in_the_database_and_begun_once(rest, over):
    first = rest(message="one")
    second = rest(message="two")

    assert (first.pk, first.since) == (second.pk, second.since)
    assert Maintenance.objects.count() == 1
    assert over()
    assert not over()
    actions = list(AuditEntry.objects.order_by("id").values_list("action", "reason"))
    assert actions == [
        ("maintenance on", "new disks"), ("maintenance on", "new disks"),
        ("maintenance off", "all well"),
    ]  # fmt: skip


def test_draining_is_forecast_where_all_that_runs_has_an_estimate(submit, start):
    seconds = {"p10": 50.0, "p50": 100.0, "p90": 200.0}
    job = start(submit())
    Job.objects.filter(pk=job.pk).update(estimate={"seconds": seconds})

    known = outlook.until_drained()
    Job.objects.filter(pk=start(submit(params={"n": 4})).pk).update(estimate=None)
    unknown = outlook.until_drained()

    assert known.seconds
    assert 98 <= known.seconds["p50"] <= 100
    assert (unknown.n_running, unknown.n_unknown, unknown.seconds) == (2, 1, None)


@pytest.fixture
def announced(db: None) -> Callable[..., Announcement]:
    def announce(text: str, **told: Any) -> Announcement:
        return Announcement.objects.create(text=text, **told)

    return announce


def test_an_announcement_is_shown_from_its_start_to_its_end(page, announced):
    now, hour = timezone.now(), timedelta(hours=1)
    announced("Now, and until it is taken down")
    announced("An hour yet", level="error", ends_at=now + hour)
    announced("Not yet", starts_at=now + hour)
    announced("No more", starts_at=now - 2 * hour, ends_at=now - hour)

    html = page.get("/jobs/").content.decode()

    assert "Now, and until it is taken down" in html
    assert '<div class="notice error" role="note"><p>An hour yet' in html
    assert "Not yet" not in html
    assert "No more" not in html


def test_all_that_pages_say_is_one_query_and_then_none(
    announced, rest, over, django_assert_num_queries
):
    announced("One")
    announced("Two")
    rest(message="New disks")

    with django_assert_num_queries(1):
        found = maintenance.told().notices
        maintenance.told()

    assert [each.text.split(":")[0] for each in found] == ["Maintenance", "One", "Two"]
    over()
    assert len(maintenance.told().notices) == 2


def test_what_another_process_announced_is_seen_soon(announced, monkeypatch):
    maintenance.told()
    announcement = announced("Later")
    maintenance.keep(maintenance.Told())

    assert maintenance.told().notices == []
    monkeypatch.setattr(maintenance, "KEPT_S", 0.0)
    assert [each.text for each in maintenance.told().notices] == [announcement.text]
