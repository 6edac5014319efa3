"""A cancel that crosses a start, an end or a retry: one of them wins, and only one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from jobs import lifecycle
from jobs.models import Job
from jobs.states import FINAL

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 8
WINNERS = {"succeeded", "failed", "cancelled"}


def race(*calls: Callable[[], Any]) -> list[Any]:
    """What each gave or raised, all let go at the same moment on connections of their own."""
    outcomes: list[Any] = [None] * len(calls)
    together = threading.Barrier(len(calls))

    def run(at: int) -> None:
        together.wait()
        try:
            outcomes[at] = calls[at]()
        except lifecycle.IllegalTransition as exc:
            outcomes[at] = exc
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[at]) for at in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def ended(job: Job) -> str:
    """Its state by now; its events are without a gap, with one end at most, and that is true."""
    fresh = Job.objects.get(pk=job.pk)
    seqs, kinds = zip(*fresh.events.order_by("seq").values_list("seq", "kind"), strict=True)
    assert list(seqs) == list(range(1, fresh.last_seq + 1))
    ends = [kind for kind in kinds if kind in FINAL]
    assert ends == ([fresh.state] if fresh.is_final else [])
    attempts = list(fresh.attempts.order_by("number"))
    assert sum(each.ended_at is None for each in attempts) == (fresh.state == "running")
    return str(fresh.state)


def cancel(job: Job) -> Callable[[], None]:
    mine = Job.objects.get(pk=job.pk)
    return lambda: lifecycle.request_cancel(mine, by="alice")


def take() -> Job | None:
    return lifecycle.take_next("rq", worker="w", host="w", pid=1)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_cancel_that_crosses_a_start(redis: Any, submit: Callable[..., Job], number: int) -> None:
    job = submit()

    _, taken = race(cancel(job), take)

    state = ended(job)
    assert state == ("running" if taken else "cancelled")
    if taken:
        # The cancel came second, and is heard by the attempt.
        assert Job.objects.get(pk=job.pk).is_cancelling
        lifecycle.cancel(taken, 1)
        assert ended(job) == "cancelled"


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_cancel_that_crosses_the_end(
    redis: Any, submit: Callable[..., Job], start: Callable[[Job], Job], number: int
) -> None:
    job = start(submit())
    other = Job.objects.get(pk=job.pk)
    warden = Job.objects.get(pk=job.pk)

    _, succeeded, cancelled = race(
        cancel(job),
        lambda: lifecycle.succeed(other, 1, {"total": 14}),
        lambda: lifecycle.cancel(warden, 1),
    )

    # A run that asked for no more than to tell its result may tell it; one of the two comes late.
    assert (succeeded is None) != (cancelled is None)
    assert ended(job) == ("succeeded" if succeeded is None else "cancelled")
    assert (Job.objects.get(pk=job.pk).result is None) == (succeeded is not None)


@pytest.mark.parametrize("verb", ["lose", "hand over"])
@pytest.mark.parametrize("number", range(ROUNDS // 2))
def test_a_cancel_that_crosses_a_retry_ends_the_job(
    redis: Any, submit: Callable[..., Job], start: Callable[[Job], Job], verb: str, number: int
) -> None:
    job = start(submit())
    warden = Job.objects.get(pk=job.pk)
    verbs: dict[str, Callable[[], None]] = {
        "lose": lambda: lifecycle.lose(warden, 1, "killed by signal 9"),
        "hand over": lambda: lifecycle.hand_over(warden, 1, "deploy"),
    }

    race(cancel(job), verbs[verb])

    assert ended(job) == "cancelled"


@pytest.mark.parametrize("number", range(ROUNDS // 2))
def test_everything_at_once_has_one_winner(
    redis: Any, submit: Callable[..., Job], start: Callable[[Job], Job], number: int
) -> None:
    job = start(submit())
    copies = [Job.objects.get(pk=job.pk) for _ in range(4)]

    outcomes = race(
        cancel(job),
        lambda: lifecycle.succeed(copies[0], 1, {"total": 14}),
        lambda: lifecycle.fail(copies[1], 1, "science", {"detail": "no"}),
        lambda: lifecycle.lose(copies[2], 1, "gone"),
        lambda: lifecycle.expire(copies[3], 1, "silent"),
    )

    # The end of the attempt has one winner; a cancel may have come before or after it.
    assert [each is None for each in outcomes[1:]].count(True) == 1
    assert ended(job) in WINNERS | {"queued"}
