"""Many rows at once are stored as the models would store them."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.forms import model_to_dict

from jobs.lifecycle.storing import insert, insert_all
from jobs.models import Job, JobEvent

pytestmark = pytest.mark.django_db
ODD = 'a\tb\\n\nc "ü" \\N €'


def another(job: Job, **columns: Any) -> Job:
    made = copy(job)
    made.pk = uuid4()
    for name, value in columns.items():
        setattr(made, name, value)
    return made


def test_what_is_stored_at_once_is_read_as_it_was(submit: Callable[..., Job]) -> None:
    first = submit()
    odd = {"name": ODD, "tags": [ODD], "params": {"n": 1, "text": ODD}, "estimate": None}
    jobs = [another(first, **odd), another(first, name=r"\N"), another(first, name="")]

    insert_all(Job, jobs[:2])
    insert(jobs[2])

    for job in jobs:
        found = Job.objects.get(pk=job.pk)
        assert model_to_dict(found) == model_to_dict(job)
        assert (found.created_at, found.name) == (job.created_at, job.name)


def test_nothing_is_stored_twice(submit: Callable[..., Job]) -> None:
    job = submit()

    with pytest.raises(IntegrityError), transaction.atomic():
        insert_all(Job, [another(job), job])

    assert Job.objects.count() == 1


def test_to_make_a_row_may_ask_the_database(submit: Callable[..., Job]) -> None:
    submit(), submit()
    lean = Job.objects.only("id")

    events = (JobEvent(job=job, seq=2, kind="said", data={"name": job.name}) for job in lean)
    insert_all(JobEvent, events)

    assert JobEvent.objects.filter(kind="said", data={"name": ""}).count() == 2
