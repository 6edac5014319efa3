"""What is done to a whole batch takes no statement for each of its jobs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import batches, lifecycle
from jobs.batch_models import Batch
from jobs.states import FailureKind, JobState

FEW, MANY = 3, 40


def batch_of(owner: Any, n: int) -> Batch:
    wanted = [
        lifecycle.Wanted(simulation="demo.sum_squares", params={"n": each})
        for each in range(1, n + 1)
    ]
    return lifecycle.submit_batch(owner=owner, wanted=wanted)


def asked_by(act: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        act()
    return [each["sql"] for each in asked.captured_queries]


def updates(asked: list[str]) -> list[str]:
    """Without their values; of one that was said many times only its text."""
    return [re.sub(r"'[^']*'|\d+", "", sql) for sql in asked if "UPDATE" in sql]


@pytest.mark.django_db(transaction=True)
def test_to_cancel_many_asks_no_more_than_to_cancel_few(alice: Any, redis: Any) -> None:
    few, many = batch_of(alice, FEW), batch_of(alice, MANY)

    of_few = asked_by(lambda: lifecycle.cancel_batch(few, by="alice"))
    of_many = asked_by(lambda: lifecycle.cancel_batch(many, by="alice"))

    assert len(of_many) == len(of_few)


@pytest.mark.django_db(transaction=True)
def test_to_resume_many_takes_no_longer_statements_than_few(alice: Any, redis: Any) -> None:
    few, many = batch_of(alice, FEW), batch_of(alice, MANY)
    lifecycle.cancel_batch(few, by="alice")
    lifecycle.cancel_batch(many, by="alice")

    of_few = updates(asked_by(lambda: lifecycle.resume_batch(few, by="alice")))
    of_many = updates(asked_by(lambda: lifecycle.resume_batch(many, by="alice")))

    assert [len(sql) for sql in of_many] == [len(sql) for sql in of_few]
    assert [item.job.params["n"] for item in many.items.order_by("index")] == [*range(1, MANY + 1)]
    assert {item.job.state for item in many.items.all()} == {"queued"}


@pytest.fixture
def all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MANY", 0)


def numbers(*numbers: Any) -> list[lifecycle.Wanted]:
    return [
        lifecycle.Wanted(simulation="demo.sum_squares", params={"n": n}, reuse=True)
        for n in numbers
    ]


@pytest.mark.django_db
def test_a_large_one_is_counted_by_its_jobs_as_by_its_items(
    alice: Any, all_are_large: None
) -> None:
    before = lifecycle.submit_batch(owner=alice, wanted=numbers(1))
    batch = lifecycle.submit_batch(
        owner=alice, wanted=numbers(1, 2, 2, 3, 4, 5, "none"), skip_invalid=True
    )
    own = list(batch.jobs.order_by("created_at"))
    half, _, done, failed = own[:4]
    for job in (half, done, failed):
        lifecycle.start(job, job.attempt, worker="w:1", host="w", pid=1)
    lifecycle.progress(half, 1, [{"fraction": 0.5, "message": "", "stage": ""}])
    lifecycle.succeed(done, 1, {"total": 1})
    lifecycle.fail(failed, 1, FailureKind.SCIENCE, {"detail": "It did not work out."})

    told = asked_by(lambda: batches.counts(batch))

    counted = batches.counts(batch)
    assert counted == batches._counted([batch.pk])[batch.pk]
    assert counted.outcomes == {"accepted": 4, "reused": 2, "refused": 1}
    assert (counted.states["running"], counted.states["failed"]) == (2, 1)  # the one answers two
    assert counted.progress == pytest.approx((1 + 1 + 0.5 + 0.5) / 6)
    assert len(told) == 3
    assert batches.counts_of([before, batch])[before.pk].states["queued"] == 1


@pytest.mark.django_db
def test_one_that_was_resumed_is_counted_by_its_items(alice: Any, all_are_large: None) -> None:
    batch = lifecycle.submit_batch(owner=alice, wanted=numbers(1, 1))
    lifecycle.cancel_batch(batch, by="alice")

    batch = lifecycle.resume_batch(batch, by="alice")

    resumed = {**dict.fromkeys(JobState.values, 0), "queued": 2}
    assert batches.counts(batch).states == resumed
    # Also by a clock that was set back before.
    batch.began_at = batch.created_at
    assert batches.counts(batch).states == resumed
