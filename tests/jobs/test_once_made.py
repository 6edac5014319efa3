"""What is told by fields that were looked up once is what REST framework tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.request import Request

from jobs.api.once_made import told_by
from jobs.api.serializers import AttemptSerializer, JobSerializer, JobSummarySerializer
from jobs.models import Job

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", [JobSummarySerializer, JobSerializer])
def test_a_job_is_told_as_ever(
    kind: Any, submit: Callable[..., Job], start: Callable[[Job], Job], rf: Any
) -> None:
    jobs = [submit(), start(submit(name="named", tags=["a"]))]

    def context() -> dict[str, Any]:
        return {"request": Request(rf.get("/"))}

    told = told_by(kind, jobs, context())

    assert told == [dict(each) for each in kind(jobs, many=True, context=context()).data]


def test_so_is_an_attempt(submit: Callable[..., Job], start: Callable[[Job], Job]) -> None:
    attempts = [start(submit()).attempts.get()]

    told = told_by(AttemptSerializer, attempts, {})

    assert told == [dict(each) for each in AttemptSerializer(attempts, many=True).data]
