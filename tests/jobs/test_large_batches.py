"""What is done to a whole batch takes no statement for each of its jobs."""

from __future__ import annotations

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


@pytest.mark.django_db(transaction=True)
def test_to_cancel_many_asks_no_more_than_to_cancel_few(alice: Any, redis: Any) -> None:
    few, many = batch_of(alice, FEW), batch_of(alice, MANY)

    of_few = asked_by(lambda: lifecycle.cancel_batch(few, by="alice"))
    of_many = asked_by(lambda: lifecycle.cancel_batch(many, by="alice"))

    assert len(of_many) == len(of_few)
