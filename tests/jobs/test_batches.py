"""Many jobs as one: stored all or none, counted, stopped, taken up again, and read as a stream."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import django_rq
import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs import batches, keys, lifecycle, spending
from jobs.batch_models import Batch
from jobs.lifecycle import batches as in_batches
from jobs.models import Allowance, Job, JobEvent
from jobs.states import Approval, FailureKind, JobState, Scope
from tests.jobs.test_turns import in_threads, take

pytestmark = pytest.mark.django_db

URL = "/api/v1/batches"
SUM: dict[str, Any] = {"simulation": "demo.sum_squares", "params": {"n": 1}}
Post = Callable[..., Any]


@pytest.fixture
def browser(alice: Any) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def post(browser: Client) -> Post:
    def post(path: str = URL, body: Any = None, **headers: str) -> Any:
        return browser.post(path, body or {}, content_type="application/json", headers=headers)

    return post


@pytest.fixture
def of_numbers(post: Post) -> Callable[..., Batch]:
    """A batch that sums squares up to each of these."""

    def of_numbers(*numbers: Any, **options: Any) -> Batch:
        body = {"template": SUM, "grid": {"params.n": list(numbers)}, "reuse": False, **options}
        answer = post(body=body)
        assert answer.status_code == 202, answer.content
        return Batch.objects.get(pk=answer.json()["id"])

    return of_numbers


def jobs_of(batch: Batch) -> list[Job]:
    return [item.job for item in batch.items.order_by("index").select_related("job") if item.job]


def run(job: Job, failure: FailureKind | None = None) -> None:
    lifecycle.start(job, job.attempt, worker="w:1", host="w", pid=1)
    if failure:
        lifecycle.fail(job, job.attempt, failure, {"detail": "It did not work out."})
    else:
        lifecycle.succeed(job, job.attempt, {"total": 1}, summary={"total": 1})


def kinds(batch: Batch) -> list[str]:
    return list(batch.events.order_by("seq").values_list("kind", flat=True))


# --- what is accepted ---------------------------------------------------------------------------


def test_a_list_becomes_jobs_in_its_order(post: Post, browser: Client) -> None:
    jobs = [SUM | {"params": {"n": n}, "name": f"no. {n}", "tags": ["own"]} for n in (5, 3, 4)]

    answer = post(body={"name": "three", "tags": ["mine"], "jobs": jobs})

    told = answer.json()
    assert (answer.status_code, told["state"], told["counts"]["queued"]) == (202, "running", 3)
    assert answer["Location"] == told["links"]["self"]
    assert (answer["Retry-After"], answer["ETag"][:5]) == ("5", 'W/"1-')
    items = browser.get(told["links"]["items"]).json()["results"]
    assert [(each["index"], each["name"], each["outcome"]) for each in items] == [
        (0, "no. 5", "accepted"),
        (1, "no. 3", "accepted"),
        (2, "no. 4", "accepted"),
    ]
    stored = Job.objects.get(pk=items[1]["job_id"])
    assert (stored.params["n"], stored.tags, str(stored.batch_id)) == (
        3,
        ["mine", "own"],
        told["id"],
    )
    assert list(stored.events.values_list("seq", "kind")) == [(1, "submitted")]


def test_a_template_is_multiplied_by_a_grid_and_zipped_lists(post: Post) -> None:
    body = {
        "template": SUM,
        "grid": {"priority": ["low", "high"]},
        "zip": {"params.n": [1, 2], "name": ["one", "two"]},
        "reuse": False,
    }

    answer = post(body=body)

    batch = Batch.objects.get(pk=answer.json()["id"])
    assert batch.varied == ["params.n", "name", "priority"]
    assert [(job.name, job.params["n"], job.priority_word) for job in jobs_of(batch)] == [
        ("one", 1, "low"),
        ("one", 1, "high"),
        ("two", 2, "low"),
        ("two", 2, "high"),
    ]


def test_what_a_batch_says_holds_for_each_job_that_does_not_say_otherwise(post: Post) -> None:
    jobs = [SUM, SUM | {"priority": "high", "limits": {"wall_time_s": 7}}]
    body = {"jobs": jobs, "priority": "low", "limits": {"wall_time_s": 9}, "reuse": False}

    batch = Batch.objects.get(pk=post(body=body).json()["id"])

    assert [(job.priority_word, job.wall_time_limit_s) for job in jobs_of(batch)] == [
        ("low", 9),
        ("high", 7),
    ]


def test_nothing_is_stored_where_one_is_wrong_and_each_is_pointed_at(post: Post) -> None:
    jobs = [SUM, SUM | {"params": {"n": -1}}, {"params": {}}, SUM | {"simulation": "alchemy"}]

    answer = post(body={"jobs": jobs})

    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "invalid_batch")
    assert told["detail"] == "3 of 4 jobs cannot be run; nothing was stored."
    pointers = [error["pointer"] for error in told["errors"]]
    assert pointers == ["/jobs/1/params/n", "/jobs/2/simulation", "/jobs/3/simulation"]
    assert (Batch.objects.count(), Job.objects.count()) == (0, 0)


def test_a_refusal_of_a_grid_points_at_the_value_once(post: Post) -> None:
    grid = {"params.n": [1, "many"], "priority": ["low", "normal", "high"]}

    answer = post(body={"template": SUM, "grid": grid})

    assert [error["pointer"] for error in answer.json()["errors"]] == ["/grid/params.n/1"]


def test_what_cannot_be_run_may_be_skipped_and_says_why(post: Post, browser: Client) -> None:
    jobs = [SUM, SUM | {"params": {"n": -1}}, {"simulation": "demo.sum_squares"}]

    told = post(body={"jobs": jobs, "on_invalid": "skip"}).json()

    assert (told["counts"]["queued"], told["counts"]["refused"]) == (1, 2)
    items = browser.get(f"{told['links']['items']}?outcome=refused").json()["results"]
    assert [item["errors"][0]["pointer"] for item in items] == ["/params/n", "/params"]
    assert [item["job_id"] for item in items] == [None, None]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/jobs"),
        ({"jobs": [], "name": "none"}, "/jobs"),
        ({"jobs": [SUM], "template": SUM}, "/jobs"),
        ({"jobs": [SUM], "grid": {"params.n": [1]}}, "/grid"),
        ({"template": SUM, "grid": {"params.n": []}}, "/grid/params.n"),
        ({"template": SUM, "grid": {"parms.n": [1]}}, "/grid"),
        ({"template": SUM, "grid": {"params" + ".a" * 200: [1]}}, "/grid"),
        ({"jobs": [SUM] * 10_001}, "/jobs"),
        ({"template": SUM, "grid": {"params.n": [1] * 10_001}}, "/grid/params.n"),
        ({"template": SUM, "zip": {"params.n": [1], "name": ["a", "b"]}}, "/zip"),
        ({"template": SUM, "grid": {"params.n": [1] * 101, "name": ["a"] * 100}}, "/grid"),
        ({"jobs": [SUM], "fail_fast": 1.5}, "/fail_fast"),
        ({"jobs": [SUM], "fail_fast": True}, "/fail_fast"),
        ({"jobs": [SUM], "fail_quickly": 1}, "/fail_quickly"),
    ],
)
def test_a_body_that_is_no_batch_is_refused(post: Post, body: Any, pointer: str) -> None:
    answer = post(body=body)

    assert answer.status_code == 422, answer.content
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_an_equal_job_answers_instead_of_a_second_one(
    post: Post, submit: Callable[..., Job]
) -> None:
    known = submit(params={"n": 1})
    run(known)

    told = post(body={"template": SUM, "grid": {"params.n": [1, 2, 2]}}).json()

    batch = Batch.objects.get(pk=told["id"])
    assert (told["n_reused"], told["counts"]["succeeded"], told["counts"]["queued"]) == (2, 1, 2)
    first, second, third = jobs_of(batch)
    assert first == known
    assert second == third


def test_a_batch_of_which_all_is_known_is_over_at_once(
    post: Post, submit: Callable[..., Job]
) -> None:
    run(submit(params={"n": 1}))

    answer = post(body={"jobs": [SUM]})

    assert (answer.status_code, answer.json()["state"]) == (200, "finished")


def test_the_limit_of_waiting_jobs_counts_for_the_whole_batch(post: Post, alice: Any) -> None:
    Allowance.objects.create(user=alice, max_queued=2)

    refused = post(body={"template": SUM, "grid": {"params.n": [1, 2, 3]}})

    assert (refused.status_code, refused.json()["code"]) == (429, "over_quota")
    assert (Batch.objects.count(), Job.objects.count()) == (0, 0)
    assert post(body={"template": SUM, "grid": {"params.n": [1, 2]}}).status_code == 202


def test_sent_again_under_its_key_it_is_the_same_batch(post: Post) -> None:
    body = {"jobs": [SUM]}

    first, again = (post(body=body, **{"Idempotency-Key": "k"}) for _ in range(2))

    assert again["Idempotency-Replayed"] == "true"
    assert first.json() == again.json()
    assert Batch.objects.count() == 1


def test_checking_that_takes_too_long_is_given_up(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=lambda: 0, thread_time=itertools.count(0, 20).__next__)
    monkeypatch.setattr("jobs.lifecycle.preparing.time", clock)

    answer = post(body={"jobs": [SUM] * 4})

    assert (answer.status_code, answer.json()["code"]) == (422, "too_slow_to_check")
    assert "batches of at most 1." in answer.json()["detail"]
    assert Batch.objects.count() == 0


def test_what_a_busy_machine_takes_is_not_held_against_the_batch(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=itertools.count(0, 20).__next__, thread_time=lambda: 0)
    monkeypatch.setattr("jobs.lifecycle.preparing.time", clock)

    assert post(body={"jobs": [SUM] * 8}).status_code == 202
    assert post(body={"jobs": [SUM] * 10}).status_code == 503


def test_where_nothing_could_be_looked_at_it_is_not_the_batch_that_is_too_long(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.lifecycle.preparing.CHECK_WITHIN_S", -1.0)

    answer = post(body={"jobs": [SUM]})

    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert (answer.json()["retryable"], answer["Retry-After"]) == (True, "5")
    assert Batch.objects.count() == 0


def test_a_batch_may_be_longer_than_one_job(post: Post, settings: Any) -> None:
    body = {"jobs": [SUM | {"name": "x" * 200}] * 5000}

    assert len(json.dumps(body)) > settings.MAX_BODY_BYTES
    assert post(body=body).status_code == 202
    settings.MAX_BATCH_BYTES = 1_200_000
    refused = post(body=body)
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    assert "1,200,000" in refused.json()["detail"]


# --- its course ---------------------------------------------------------------------------------


def test_it_is_finished_when_its_last_job_has_ended(
    of_numbers: Callable[..., Batch], django_capture_on_commit_callbacks: Any, browser: Client
) -> None:
    batch = of_numbers(1, 2)

    with django_capture_on_commit_callbacks(execute=True):
        for job in jobs_of(batch):
            run(job)

    told = browser.get(f"{URL}/{batch.pk}").json()
    assert (told["state"], told["progress"], told["counts"]["succeeded"]) == ("finished", 1, 2)
    events = browser.get(f"{URL}/{batch.pk}/events").json()["events"]
    assert [(event["seq"], event["kind"]) for event in events][-1] == (len(events), "finished")
    assert events[-1]["counts"]["succeeded"] == 2
    assert browser.get(f"{URL}/{batch.pk}/events?after={len(events)}").json()["events"] == []


@pytest.mark.parametrize("page", [URL, "/batches/"])
def test_a_list_asks_as_much_of_many_as_of_one(
    page: str,
    browser: Client,
    of_numbers: Callable[..., Batch],
) -> None:
    def ended(*numbers: int) -> None:
        for job in jobs_of(of_numbers(*numbers))[:1]:
            run(job, FailureKind.SCIENCE)

    def ask() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(page).status_code == 200
        return len(asked)

    ended(1, 2)
    of_one = ask()
    for n in range(3, 8):
        ended(n, n + 10)

    assert ask() == of_one


def test_one_that_goes_on_is_counted_though_its_end_is_still_kept(
    of_numbers: Callable[..., Batch], django_capture_on_commit_callbacks: Any
) -> None:
    """As where a process of the version before resumes one while a site is brought up to date."""
    batch = of_numbers(1, 2)
    _, second = jobs_of(batch)
    with django_capture_on_commit_callbacks(execute=True):
        lifecycle.cancel_batch(batch, by="alice")
    Batch.objects.update(finished_at=None, cancel_requested_at=None)
    Job.objects.filter(pk=second.pk).update(
        state="queued", failure_kind="", finished_at=None, cancel_requested_at=None
    )
    batch.refresh_from_db()
    assert batch.ended_as is not None

    assert batches.counts(batch).n_open == 1
    with django_capture_on_commit_callbacks(execute=True):
        run(Job.objects.get(pk=second.pk))

    batch.refresh_from_db()
    assert batch.is_over
    assert batches.counts(batch) == batches._counted([batch.pk])[batch.pk]


def test_counts_are_told_in_the_order_in_which_they_were_before_it_was_over(
    of_numbers: Callable[..., Batch],
) -> None:
    batch = of_numbers(1, 2, 3)
    while_open = batches.counts(batch)
    # As PostgreSQL does.
    batch.ended_as = {
        name: dict(sorted(told.items())) for name, told in sorted(while_open.stored().items())
    }
    batch.finished_at = batch.created_at

    assert list(batches.counts(batch).as_dict()) == list(while_open.as_dict())


def test_one_that_is_over_is_counted_no_more(
    of_numbers: Callable[..., Batch], post: Post, django_capture_on_commit_callbacks: Any
) -> None:
    batch = of_numbers(1, 2, 3)
    first, second, third = jobs_of(batch)
    run(first)
    run(second, FailureKind.INFRASTRUCTURE)
    while_open = batches.counts_of([batch])[batch.pk]
    with django_capture_on_commit_callbacks(execute=True):
        run(third)
    batch.refresh_from_db()

    with CaptureQueriesContext(connection) as asked:
        told = batches.counts(batch)

    assert not asked.captured_queries
    assert told == batches._counted([batch.pk])[batch.pk]
    assert (while_open.n_open, while_open.n_ended) == (1, 2)
    assert told.as_dict() == {
        "queued": 0, "running": 0, "succeeded": 2, "failed": 1, "cancelled": 0, "refused": 0,
    }  # fmt: skip
    (failure,) = batches.standings([batch])[batch.pk].first_failures
    assert failure.job == second
    # Taken up again it is counted again.
    assert post(f"{URL}/{batch.pk}/resume").status_code == 202
    batch.refresh_from_db()
    assert batches.counts(batch).n_open == 1


def test_it_tells_when_it_may_be_over_once_enough_have_ended(
    of_numbers: Callable[..., Batch],
) -> None:
    batch = of_numbers(*range(1, 9))
    *first, last = jobs_of(batch)[: batches.ENOUGH_ENDED]
    for job in first:
        run(job)
    assert batches.standings([batch])[batch.pk].over_in_s is None
    run(last)

    assert batches.standings([batch])[batch.pk].over_in_s is not None


def test_the_pace_of_what_was_resumed_is_that_of_its_new_jobs(
    of_numbers: Callable[..., Batch], post: Post
) -> None:
    batch = of_numbers(*range(1, 9))
    for job in jobs_of(batch)[: batches.ENOUGH_ENDED]:
        run(job, FailureKind.LOST)
    post(f"{URL}/{batch.pk}/resume")
    batch.refresh_from_db()
    *new, last = jobs_of(batch)[: batches.ENOUGH_ENDED]

    for job in [*new, jobs_of(batch)[-1]]:  # which was there before
        run(job)
    assert batches.standings([batch])[batch.pk].over_in_s is None
    run(last)

    assert batches.standings([batch])[batch.pk].over_in_s is not None


def test_a_clock_that_was_set_back_hides_no_failure_and_no_progress(
    of_numbers: Callable[..., Batch], django_capture_on_commit_callbacks: Any
) -> None:
    batch, an_hour = of_numbers(*range(1, 11), fail_fast=0.2), timedelta(hours=1)
    ahead = {name: getattr(batch, name) + an_hour for name in ("created_at", "began_at", "told_at")}
    Batch.objects.update(**ahead)
    first, second = jobs_of(batch)[:2]

    with django_capture_on_commit_callbacks(execute=True):
        run(first, FailureKind.SCIENCE)
    assert kinds(batch) == ["submitted", "progress"]

    with django_capture_on_commit_callbacks(execute=True):
        run(second, FailureKind.SCIENCE)
    assert kinds(batch) == ["submitted", "progress", "stopped", "finished"]


def test_a_clock_that_was_set_back_makes_no_time_that_is_over(
    of_numbers: Callable[..., Batch],
) -> None:
    batch = of_numbers(*range(1, 9))
    for job in jobs_of(batch)[: batches.ENOUGH_ENDED]:
        run(job)
    Job.objects.filter(state="succeeded").update(started_at=timezone.now() + timedelta(hours=1))

    assert batches.standings([batch])[batch.pk].over_in_s is None


def test_a_list_says_of_each_what_it_says_of_itself(
    browser: Client, of_numbers: Callable[..., Batch]
) -> None:
    for count in (1, 7, 2):
        first, *others = jobs_of(of_numbers(*range(1, 9)))
        run(first, FailureKind.SCIENCE)
        for job in others[:count]:
            run(job)

    listed = browser.get(URL).json()["results"]

    for told in listed:
        alone = browser.get(told["links"]["self"]).json()
        over_in_s = alone.pop("over_in_s"), told.pop("over_in_s")
        assert over_in_s[0] == pytest.approx(over_in_s[1], abs=2)
        assert told == alone
        assert [each["index"] for each in told["first_failures"]] == [0]
    assert [told["counts"]["succeeded"] for told in listed] == [2, 7, 1]


def test_an_end_that_nobody_told_of_is_noticed_by_the_reconciler(
    of_numbers: Callable[..., Batch],
) -> None:
    batch = of_numbers(1)
    run(jobs_of(batch)[0])  # nothing commits here, as when its process dies at that moment

    lifecycle.settle_open_batches()
    lifecycle.settle_open_batches()

    assert kinds(batch) == ["submitted", "finished"]


def test_what_waits_is_cancelled_once_too_many_have_failed(
    of_numbers: Callable[..., Batch], django_capture_on_commit_callbacks: Any, redis: Any
) -> None:
    batch = of_numbers(*range(1, 11), fail_fast=0.2)

    with django_capture_on_commit_callbacks(execute=True):
        for job in jobs_of(batch)[:2]:
            run(job, FailureKind.SCIENCE)

    batch.refresh_from_db()
    states = [job.state for job in jobs_of(batch)]
    assert states == ["failed"] * 2 + ["cancelled"] * 8
    assert kinds(batch) == ["submitted", "stopped", "finished"]
    assert batches.standing(batch) == "stopped"
    last = jobs_of(batch)[-1]
    assert last.error
    assert "2 of the jobs of its batch had failed" in last.error["detail"]
    assert list(last.events.order_by("seq").values_list("seq", "kind")) == [
        (1, "submitted"),
        (2, "cancelled"),
    ]


def test_to_cancel_ends_what_waits_and_asks_what_runs_to_stop(
    of_numbers: Callable[..., Batch], post: Post, submit: Callable[..., Job]
) -> None:
    other = submit()
    batch = of_numbers(1, 2, 3)
    running = jobs_of(batch)[0]
    lifecycle.start(running, 1, worker="w:1", host="w", pid=1)

    told = post(f"{URL}/{batch.pk}/cancel").json()

    assert (told["state"], told["counts"]["cancelled"]) == ("cancelling", 2)
    running.refresh_from_db()
    assert running.is_cancelling
    lifecycle.cancel(running, 1)
    lifecycle.settle_open_batches()
    batch.refresh_from_db()
    assert batches.standing(batch) == "cancelled"
    assert post(f"{URL}/{batch.pk}/cancel").status_code == 202
    other.refresh_from_db()
    assert other.state == JobState.QUEUED


def test_to_cancel_while_somebody_else_does_is_to_cancel(
    of_numbers: Callable[..., Batch], post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first asked gave up waiting, and asked again before it was told."""
    batch, cancel = of_numbers(1, 2, 3), lifecycle.cancel_batch

    def cancel_as_the_second(batch: Batch, *, by: str) -> Batch:
        cancel(batch, by=by)
        return cancel(batch, by=by)

    monkeypatch.setattr(lifecycle, "cancel_batch", cancel_as_the_second)

    told = post(f"{URL}/{batch.pk}/cancel")

    assert told.status_code == 202, told.json()
    assert told.json()["state"] == "cancelled"


def test_one_that_has_moved_on_is_not_cancelled_by_who_saw_it_before(
    of_numbers: Callable[..., Batch], client: Client, alice: Any
) -> None:
    client.force_login(alice)
    batch = of_numbers(1, 2)
    path = f"{URL}/{batch.pk}"
    before = client.get(path)["ETag"]
    client.post(f"{path}/cancel", headers={"If-Match": before})

    def resume(tag: str) -> Any:
        return client.post(f"{path}/resume", {}, "application/json", headers={"If-Match": tag})

    late = resume(before)

    assert late.status_code == 412
    assert "The batch has changed" in late.json()["detail"]
    now = client.get(path)["ETag"]
    assert resume(now).status_code == 202


def test_who_resumes_one_as_they_saw_it_locks_nothing_while_its_jobs_are_looked_at(
    of_numbers: Callable[..., Batch], client: Client, alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has the batch would wait for who has the allowance, and those for them."""
    client.force_login(alice)
    batch = of_numbers(1, 2)
    path = f"{URL}/{batch.pk}"
    client.post(f"{path}/cancel")
    locks: list[int] = []
    look = in_batches.prepare_each

    def looked(*args: Any, **kwargs: Any) -> Any:
        locks.append(len(connection.savepoint_ids))
        return look(*args, **kwargs)

    monkeypatch.setattr(in_batches, "prepare_each", looked)

    tag = client.get(path)["ETag"]
    answer = client.post(f"{path}/resume", {}, "application/json", headers={"If-Match": tag})

    assert (answer.status_code, locks) == (202, [0])


def test_what_is_over_cannot_be_cancelled(of_numbers: Callable[..., Batch], post: Post) -> None:
    batch = of_numbers(1)
    run(jobs_of(batch)[0])
    lifecycle.settle_open_batches()

    answer = post(f"{URL}/{batch.pk}/cancel")

    assert (answer.status_code, answer.json()["code"]) == (409, "batch_over")


def test_only_what_is_missing_is_resumed(of_numbers: Callable[..., Batch], post: Post) -> None:
    batch = of_numbers(1, 2, 3, 4)
    done, failed, lost, _ = before = jobs_of(batch)
    run(done)
    run(failed, FailureKind.SCIENCE)
    run(lost, FailureKind.LOST)
    post(f"{URL}/{batch.pk}/cancel")

    told = post(f"{URL}/{batch.pk}/resume").json()

    assert (told["state"], told["counts"]["queued"], told["counts"]["failed"]) == ("running", 2, 1)
    after = jobs_of(batch)
    assert after[:2] == before[:2]
    assert [job.params["n"] for job in after] == [1, 2, 3, 4]
    assert not {job.pk for job in after[2:]} & {job.pk for job in before}
    again = post(f"{URL}/{batch.pk}/resume")
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_resume")
    asked = post(f"{URL}/{batch.pk}/resume", {"also": ["science"]}).json()
    assert asked["counts"]["queued"] == 3


def test_failures_of_before_do_not_stop_what_was_resumed(
    of_numbers: Callable[..., Batch], post: Post
) -> None:
    batch = of_numbers(1, 2, 3, fail_fast=1)
    run(jobs_of(batch)[0], FailureKind.SCIENCE)
    lifecycle.settle_open_batches()

    post(f"{URL}/{batch.pk}/resume")
    lifecycle.settle_open_batches()

    assert [job.state for job in jobs_of(batch)] == ["failed", "queued", "queued"]
    run(jobs_of(batch)[1], FailureKind.SCIENCE)
    lifecycle.settle_open_batches()
    assert [job.state for job in jobs_of(batch)] == ["failed", "failed", "cancelled"]


def test_a_long_batch_keeps_nobody_waiting(
    of_numbers: Callable[..., Batch], submit: Callable[..., Job], bob: Any
) -> None:
    of_numbers(*range(1, 51))
    theirs = submit(owner=bob)

    first, second = take(), take()

    assert theirs in {first, second}


@pytest.mark.django_db(transaction=True)
def test_two_who_resume_it_at_once_resume_it_once(alice: Any, redis: Any) -> None:
    wanted = [lifecycle.Wanted(simulation="demo.sum_squares", params={"n": n}) for n in (1, 2, 3)]
    batch = lifecycle.submit_batch(owner=alice, wanted=wanted)
    lifecycle.cancel_batch(batch, by="alice")

    outcomes = in_threads(2, lambda: lifecycle.resume_batch(batch, by="alice"))

    assert {type(each) for each in outcomes} == {Batch, lifecycle.NothingToResume}
    assert Job.objects.count() == 6
    assert [job.state for job in jobs_of(batch)] == ["queued"] * 3
    assert kinds(batch).count("resumed") == 1


@pytest.mark.django_db(transaction=True)
def test_the_queue_has_turns_for_a_batch_and_none_once_it_is_cancelled(
    alice: Any, redis: Any
) -> None:
    wanted = [lifecycle.Wanted(simulation="demo.sum_squares", params={"n": n}) for n in (1, 2, 3)]
    queue = django_rq.get_queue("default")

    batch = lifecycle.submit_batch(owner=alice, wanted=wanted)
    waiting = queue.get_job_ids()
    lifecycle.cancel_batch(batch, by="alice")

    assert waiting == [job.run_id for job in jobs_of(batch)]
    assert queue.get_job_ids() == []


def test_what_a_key_may_not_start_waits_for_its_owner(alice: Any) -> None:
    key, _ = keys.issue(owner=alice, name="crawler", scopes=[Scope.SUBMIT])
    keys.change(key, approval=Approval.ALWAYS)
    wanted = [lifecycle.Wanted(simulation="demo.sum_squares", params={"n": n}) for n in (1, 2)]

    batch = lifecycle.submit_batch(
        owner=alice, wanted=wanted, origin=keys.Origin(key=key, agent="crawler", purpose="why not")
    )

    assert take() is None
    for job in jobs_of(batch):
        assert (job.awaits_approval, job.agent, job.purpose) == (True, "crawler", "why not")
        told = job.events.order_by("seq").values_list("seq", "kind")
        assert list(told) == [(1, "submitted"), (2, "awaiting_approval")]
    key.refresh_from_db()
    keys.change(key, max_queued=3)
    with pytest.raises(lifecycle.OverQuota):
        lifecycle.submit_batch(owner=alice, wanted=wanted, origin=keys.Origin(key=key))
    assert Batch.objects.count() == 1


@pytest.fixture
def stopped(alice: Any) -> Batch:
    """A batch of alice's that she cancelled."""
    wanted = [lifecycle.Wanted(simulation="demo.sum_squares", params={"n": n}) for n in (1, 2)]
    batch = lifecycle.submit_batch(owner=alice, wanted=wanted)
    return lifecycle.cancel_batch(batch, by="alice")


def test_what_an_administrator_s_key_resumes_is_on_no_account_of_that_key(stopped: Batch) -> None:
    root = get_user_model().objects.create_superuser("root")
    key, _ = keys.issue(owner=root, name="caretaker", scopes=[Scope.SUBMIT, Scope.ADMIN])

    lifecycle.resume_batch(stopped, by="root", origin=keys.Origin(key=key, agent="caretaker"))

    for job in jobs_of(stopped):
        assert (job.owner, job.key, job.agent) == (stopped.owner, None, "caretaker")
    assert spending.n_queued(key) == 0


@pytest.mark.parametrize("limit", [{"max_running": 1}, {"approval": Approval.ALWAYS}])
def test_a_key_with_a_budget_computes_nothing_for_somebody_else(
    stopped: Batch, limit: dict[str, Any]
) -> None:
    root = get_user_model().objects.create_superuser("root")
    scopes = [Scope.SUBMIT, Scope.ADMIN]
    key, _ = keys.issue(owner=root, name="caretaker", scopes=scopes, **limit)

    with pytest.raises(lifecycle.BudgetSpent, match="somebody else's"):
        lifecycle.resume_batch(stopped, by="root", origin=keys.Origin(key=key))

    assert Job.objects.count() == 2


# --- what comes of it ---------------------------------------------------------------------------


@pytest.fixture
def ended(post: Post) -> Batch:
    jobs = [SUM | {"params": {"n": n}} for n in (1, 2, 3)] + [SUM | {"params": {"n": -1}}]
    told = post(body={"jobs": jobs, "on_invalid": "skip", "reuse": False}).json()
    batch = Batch.objects.get(pk=told["id"])
    one, two, three = jobs_of(batch)
    run(one)
    run(two, FailureKind.SCIENCE)
    lifecycle.request_cancel(three, by="alice")
    return batch


def test_results_are_a_line_for_each_item_in_order(ended: Batch, browser: Client) -> None:
    answer = browser.get(f"{URL}/{ended.pk}/results")

    assert answer["Content-Type"] == "application/jsonl; charset=utf-8"
    lines = [json.loads(line) for line in answer.getvalue().splitlines()]
    assert [(each["index"], each["state"], each["params"]) for each in lines] == [
        (0, "succeeded", {"n": 1}),
        (1, "failed", {"n": 2}),
        (2, "cancelled", {"n": 3}),
        (3, None, {"n": -1}),
    ]
    assert lines[0]["summary"] == {"total": 1}
    assert lines[1]["error"]["detail"] == "It did not work out."
    assert lines[3]["errors"][0]["pointer"] == "/params/n"


def test_results_have_the_fields_that_were_asked_for(ended: Batch, browser: Client) -> None:
    answer = browser.get(f"{URL}/{ended.pk}/results?fields=params.n,result.total")

    first = json.loads(answer.getvalue().splitlines()[0])
    assert first == {
        "index": 0,
        "outcome": "accepted",
        "job_id": first["job_id"],
        "state": "succeeded",
        "params": {"n": 1},
        "result": {"total": 1},
    }


def test_no_column_is_there_twice(post: Post, browser: Client) -> None:
    varied = {"params.n": [1, 2], "name": ["a", "b"]}
    body = {"template": SUM, "zip": varied, "reuse": False}

    told = post(body=body).json()
    table = browser.get(f"{told['links']['results']}?format=csv").getvalue().decode()

    header, *rows = csv.reader(io.StringIO(table))
    assert len(header) == len({*header})
    assert [row[header.index("name")] for row in rows] == ["a", "b"]


def test_results_are_a_table_that_holds_no_formula(
    post: Post, browser: Client, ended: Batch
) -> None:
    told = post(body={"jobs": [SUM | {"name": "=1+1"}], "reuse": False}).json()

    hostile = browser.get(f"{told['links']['results']}?format=csv&fields=name").getvalue()
    table = browser.get(f"{URL}/{ended.pk}/results", headers={"Accept": "text/csv"}).getvalue()

    assert hostile.decode().splitlines()[1].endswith(",'=1+1")
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    assert [(row["index"], row["params.n"], row["summary.total"]) for row in rows] == [
        ("0", "1", "1"),
        ("1", "2", ""),
        ("2", "3", ""),
        ("3", "-1", ""),
    ]
    assert rows[1]["error.detail"] == "It did not work out."


@pytest.mark.parametrize(
    "path",
    ["results?format=xml", "results?fild=x", "items?cursor=x", "items?limit=0", "events?after=x"],
)
def test_what_it_cannot_answer_is_refused_by_name(ended: Batch, browser: Client, path: str) -> None:
    answer = browser.get(f"{URL}/{ended.pk}/{path}")

    assert answer.status_code == 422, answer.getvalue()
    asked = path.partition("?")[2].partition("=")[0]
    assert [error["parameter"] for error in answer.json()["errors"]] == [asked]


def test_items_come_in_pages(of_numbers: Callable[..., Batch], browser: Client) -> None:
    batch = of_numbers(*range(1, 6))
    seen, page = [], f"{URL}/{batch.pk}/items?limit=2"

    while page:
        told = browser.get(page).json()
        seen += [item["index"] for item in told["results"]]
        page = told["next"]

    assert seen == [0, 1, 2, 3, 4]


def test_many_results_take_no_more_memory_than_few(
    of_numbers: Callable[..., Batch], browser: Client
) -> None:
    import tracemalloc

    def peak_mib(batch: Batch) -> float:
        bulky = {"total": 1, "table": ["x" * 100] * 100}
        Job.objects.filter(batch=batch).update(state=JobState.SUCCEEDED, result=bulky)
        answer = browser.get(f"{URL}/{batch.pk}/results?fields=result")
        tracemalloc.start()
        n_bytes = sum(len(piece) for piece in answer)
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        assert n_bytes > batch.n_items * 10_000
        return peak

    few, many = of_numbers(*range(1, 301)), of_numbers(*range(1, 2001))

    assert peak_mib(many) < 1.5 * peak_mib(few)


# --- pages --------------------------------------------------------------------------------------


def test_its_page_shows_its_items_and_stops_it(
    of_numbers: Callable[..., Batch], browser: Client
) -> None:
    batch = of_numbers(11, 12, name="Squares")

    shown = browser.get(f"/batches/{batch.pk}/").content.decode()
    stopped = browser.post(f"/batches/{batch.pk}/cancel/", follow=True).content.decode()
    resumed = browser.post(f"/batches/{batch.pk}/resume/", follow=True).content.decode()

    assert "<h1>Squares</h1>" in shown
    assert '<td class="varied">12</td>' in shown
    assert "2 cancelled" in stopped
    assert "2 queued" in resumed
    assert "Squares" in browser.get("/batches/").content.decode()
    assert (
        str(jobs_of(batch)[0].short_id) in browser.get(f"/jobs/?batch={batch.pk}").content.decode()
    )


def test_a_batch_leaves_no_gap_in_the_events_of_its_jobs(
    of_numbers: Callable[..., Batch], post: Post
) -> None:
    batch = of_numbers(*range(1, 21))

    post(f"{URL}/{batch.pk}/cancel")

    for job in jobs_of(batch):
        seqs = JobEvent.objects.filter(job=job).order_by("seq").values_list("seq", flat=True)
        assert list(seqs) == list(range(1, job.last_seq + 1))
