"""Changes that are committed as one: each as ever, and what follows them once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from jobs import lifecycle
from jobs.lifecycle import IllegalTransition, Wanted
from jobs.models import Job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    heard: list[UUID] = []
    monkeypatch.setattr("jobs.events.nudge", heard.append)
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", lambda job: None)
    return heard


@pytest.fixture
def running(submit: Callable[..., Job], start: Callable[[Job], Job], rung: list[UUID]) -> list[Job]:
    jobs = [start(submit()) for _ in range(2)]
    rung.clear()
    return jobs


def state(job: Job) -> str:
    return str(Job.objects.get(pk=job.pk).state)


def test_the_bell_of_a_job_whose_id_nobody_knows_is_not_rung(
    submit: Callable[..., Job], rung: list[UUID], alice: Any
) -> None:
    job = submit()
    assert rung == []

    lifecycle.request_cancel(job, by=alice)

    assert set(rung) == {job.pk}


def test_each_change_has_its_event_and_its_readers_hear_of_all_at_once(
    running: list[Job], rung: list[UUID]
) -> None:
    with lifecycle.together():
        for job in running:
            lifecycle.progress(job, 1, [{"fraction": 0.5, "message": "half", "stage": "scf"}])
            lifecycle.succeed(job, 1, {"total": 14})
        assert rung == []

    assert rung == [job.pk for job in running]
    for job in running:
        kinds = [event.kind for event in job.events.order_by("seq")]
        assert kinds[-3:] == ["started", "progress", "succeeded"]


def test_who_comes_too_late_takes_none_of_the_others_along(running: list[Job]) -> None:
    late, job = running
    with lifecycle.together():
        with suppress(IllegalTransition):
            lifecycle.succeed(late, 2, {"total": 14})
        lifecycle.succeed(job, 1, {"total": 14})

    assert (state(late), state(job)) == ("running", "succeeded")


def test_what_is_not_committed_is_told_nobody(running: list[Job], rung: list[UUID]) -> None:
    with suppress(ZeroDivisionError), lifecycle.together():
        lifecycle.succeed(running[0], 1, {"total": 1 // 1})
        lifecycle.succeed(running[1], 1, {"total": 1 // 0})

    assert (state(running[0]), rung) == ("running", [])


def test_their_batch_is_looked_at_once_and_is_over(
    alice: Any, start: Callable[[Job], Job], rung: list[UUID], redis: Any
) -> None:
    wanted = [Wanted(simulation="demo.sum_squares", params={"n": n}) for n in (1, 2, 3)]
    batch = lifecycle.submit_batch(owner=alice, wanted=wanted)
    jobs = [start(job) for job in Job.objects.filter(batch=batch)]

    with lifecycle.together():
        for job in jobs:
            lifecycle.succeed(job, 1, {"total": 14})

    batch.refresh_from_db()
    assert batch.finished_at
    assert [event.kind for event in batch.events.order_by("seq")] == ["submitted", "finished"]
