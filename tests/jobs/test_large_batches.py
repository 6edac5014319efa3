"""What is done to a whole batch takes no statement for each of its jobs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import lifecycle
from jobs.batch_models import Batch

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
