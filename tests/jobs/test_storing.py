"""Many rows at once are stored as the models would store them."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from django.forms import model_to_dict
from django.utils import timezone

from jobs.lifecycle.storing import insert, insert_all, update_where
from jobs.models import Job, JobEvent
from jobs.states import ACTIVE, JobState

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


def test_a_row_is_changed_as_a_query_of_django_would(submit: Callable[..., Job]) -> None:
    ours, theirs, another_one = submit(), submit(), submit()
    now = timezone.now()
    fields = {
        "state": JobState.RUNNING,
        "message": ODD,
        "progress": 1,
        "summary": {"text": ODD, "n": [1.5, None]},
        "estimate": None,
        "tags": [ODD],
        "not_before": None,
        "lease_expires_at": now,
    }
    where = {"state__in": ACTIVE, "cancel_requested_at": None, "attempt": 1}

    n_changed = update_where(Job, {"pk": ours.pk, **where}, fields, counted="last_seq")
    Job.objects.filter(pk=theirs.pk, **where).update(last_seq=F("last_seq") + 1, **fields)

    assert n_changed == 1
    changed = [Job.objects.get(pk=job.pk) for job in (ours, theirs)]
    assert [{name: getattr(job, name) for name in fields} for job in changed] == [fields] * 2
    assert [job.last_seq for job in changed] == [ours.last_seq + 1, theirs.last_seq + 1]
    assert model_to_dict(Job.objects.get(pk=another_one.pk)) == model_to_dict(another_one)


@pytest.mark.parametrize(
    "unlike",
    [
        {"attempt": 2},
        {"state__in": [JobState.RUNNING, JobState.FAILED]},
        {"state__in": []},
        {"queued_at": None},
        {"cancel_requested_at": timezone.now()},
    ],
)
def test_a_row_that_is_unlike_what_was_asked_is_left_alone(
    submit: Callable[..., Job], unlike: dict[str, Any]
) -> None:
    job = submit()

    assert update_where(Job, {"pk": job.pk, **unlike}, {"message": "changed"}) == 0

    assert Job.objects.get(pk=job.pk).message == job.message


def test_a_row_learns_the_key_that_the_database_made_for_it(submit: Callable[..., Job]) -> None:
    job = submit()
    said = [JobEvent(job=job, seq=seq, kind="said", data={}) for seq in (7, 8)]

    for event in said:
        insert(event)

    assert [JobEvent.objects.get(pk=event.pk).seq for event in said] == [7, 8]
