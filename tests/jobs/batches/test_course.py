"""What a batch tells of its jobs while they run, and once they have ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs import batches, lifecycle
from jobs.batch_models import Batch
from jobs.models import Job
from jobs.states import FailureKind

from .helpers import URL, Post, jobs_of, kinds, run

pytestmark = pytest.mark.django_db


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
