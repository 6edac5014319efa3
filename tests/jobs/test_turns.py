"""Whose turn it is: fair between users, by priority within one, never over a limit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from jobs import lifecycle, outlook, turns
from jobs.models import Allowance, Job
from jobs.states import JobState, Priority
from simulations.costs.remaining import remaining_s

pytestmark = pytest.mark.django_db


def take() -> Job | None:
    return lifecycle.take_next("rq", worker="w:1", host="w", pid=1)


def drain() -> list[str]:
    """The names of the jobs, in the order in which a lone worker would run them."""
    order = []
    while job := take():
        order.append(job.name)
        lifecycle.succeed(job, job.attempt, {"total": 1})
    return order


def allow(user: Any, **limits: int) -> None:
    Allowance.objects.update_or_create(user=user, defaults=limits)


def test_a_worker_that_has_to_import_an_engine_first_takes_nothing(
    submit: Callable[..., Job],
) -> None:
    job = submit()
    by = {"worker": "w:1", "host": "w", "pid": 1}

    with pytest.raises(lifecycle.NotLoaded) as raised:
        lifecycle.take_next("rq", loaded={"dft_single_point"}, **by)

    assert raised.value.simulation == job.simulation
    job.refresh_from_db()
    assert (job.state, job.attempts.count()) == (JobState.QUEUED, 0)
    assert lifecycle.take_next("rq", loaded={job.simulation}, **by) == job


def test_a_long_line_of_one_user_does_not_keep_another_waiting(
    submit: Callable[..., Job], alice: Any, bob: Any
) -> None:
    for number in range(4):
        submit(owner=alice, name=f"a{number}")
    for number in range(2):
        submit(owner=bob, name=f"b{number}")

    assert drain() == ["a0", "b0", "a1", "b1", "a2", "a3"]


def test_the_next_worker_goes_to_the_user_with_the_fewest_running(
    submit: Callable[..., Job], alice: Any, bob: Any
) -> None:
    for _ in range(3):
        submit(owner=alice)
    assert [take().owner, take().owner] == [alice, alice]  # type: ignore[union-attr]
    submit(owner=bob)

    job = take()

    assert job
    assert job.owner == bob


def test_priority_orders_the_jobs_of_one_user_and_urgent_passes_everybody(
    submit: Callable[..., Job], alice: Any, bob: Any
) -> None:
    submit(owner=alice, name="low", priority=Priority.LOW)
    submit(owner=alice, name="normal")
    submit(owner=alice, name="high", priority=Priority.HIGH)
    bob.is_staff = True
    for name in ("urgent 1", "urgent 2"):
        submit(owner=bob, name=name, priority=Priority.URGENT)

    assert drain() == ["urgent 1", "urgent 2", "high", "normal", "low"]


def test_only_the_staff_may_call_a_job_urgent(submit: Callable[..., Job], bob: Any) -> None:
    with pytest.raises(lifecycle.NotAllowed):
        submit(priority=Priority.URGENT)
    with pytest.raises(lifecycle.NotAllowed):
        lifecycle.set_priority(submit(), Priority.URGENT, by=bob)


def test_a_priority_counts_from_the_moment_it_is_given(
    submit: Callable[..., Job], alice: Any
) -> None:
    submit(name="first")
    second = submit(name="second")

    lifecycle.set_priority(second, Priority.HIGH, by=alice)

    assert drain() == ["second", "first"]


def test_a_job_that_backs_off_is_passed_over(submit: Callable[..., Job]) -> None:
    early = submit(name="backing off")
    submit(name="ready")
    Job.objects.filter(pk=early.pk).update(not_before=timezone.now() + timedelta(minutes=1))

    assert drain() == ["ready"]


def test_a_pause_that_is_over_is_no_reason_any_more(submit: Callable[..., Job]) -> None:
    job = submit()
    past = timezone.now() - timedelta(seconds=1)
    Job.objects.filter(pk=job.pk).update(not_before=past, reason="backing_off")
    job.refresh_from_db()

    waits = turns.explain(job)

    assert waits
    assert (waits.reason, waits.text) == ("no_free_worker", "Waiting for a worker, next in line")


def test_a_clock_that_was_set_back_makes_nobody_wait_for_it(submit: Callable[..., Job]) -> None:
    in_an_hour = timezone.now() + timedelta(hours=1)
    first, second = submit(), submit()
    Job.objects.filter(pk=first.pk).update(not_before=in_an_hour)
    Job.objects.filter(pk=second.pk).update(queued_at=in_an_hour)

    a_moment_ago = timezone.now() - timedelta(seconds=3)
    assert turns.startable("rq", a_moment_ago, 9) == [second]
    assert [take(), take()] == [first, second]


def test_a_user_at_their_limit_is_passed_over_and_told_so(
    submit: Callable[..., Job], alice: Any, bob: Any
) -> None:
    allow(alice, max_running=1)
    running, held, other = submit(), submit(), submit(owner=bob)

    assert [take(), take(), take()] == [running, other, None]
    waits = turns.explain(held)
    assert waits
    assert (waits.reason, waits.place) == ("quota", 1)
    assert "1 of the owner's jobs run" in waits.text


def test_a_job_held_by_a_limit_is_woken_when_another_ends(
    redis: Any, submit: Callable[..., Job], alice: Any, django_capture_on_commit_callbacks: Any
) -> None:
    allow(alice, max_running=1)
    submit(), submit()
    first = take()
    assert (first is not None, take()) == (True, None)

    with django_capture_on_commit_callbacks(execute=True):
        lifecycle.succeed(first, 1, {"total": 1})

    import django_rq

    assert len(django_rq.get_queue("default").get_job_ids()) == 1
    assert take() is not None


def test_the_limit_on_waiting_jobs_stores_nothing_more(
    submit: Callable[..., Job], alice: Any
) -> None:
    allow(alice, max_queued=2)
    submit(), submit()

    with pytest.raises(lifecycle.OverQuota, match="2 jobs waiting"):
        submit()

    assert alice.jobs.count() == 2


def test_the_place_in_line_counts_what_fair_turns_put_ahead(
    submit: Callable[..., Job], alice: Any, bob: Any
) -> None:
    for _ in range(10):
        submit(owner=alice)
    first, second = submit(owner=bob), submit(owner=bob)

    assert (turns.place(first), turns.place(second)) == (2, 4)
    waits = turns.explain(second)
    assert waits
    assert waits.text == "Waiting for a worker, about 4th in line"


def test_when_it_starts_is_told_where_everything_before_it_has_an_estimate(
    submit: Callable[..., Job], alice: Any, bob: Any
) -> None:
    """One worker, 60 s to go on it; of Alice's one and of Bob's one of 100 s each go before."""
    for _ in range(2):
        submit(owner=alice)
    submit(owner=bob)
    last = submit(owner=alice)
    Job.objects.update(estimate={"seconds": {"p10": 50, "p50": 100, "p90": 400}})
    running = take()
    assert running
    begun = timezone.now() - timedelta(seconds=40)
    Job.objects.filter(pk=running.pk).update(started_at=begun)

    starts = outlook.starts_in_s(last)

    left_s = remaining_s({"p10": 50, "p50": 100, "p90": 400}, 40)
    assert left_s
    ahead_s = {"p10": 2 * 50, "p50": 2 * 100, "p90": 2 * 400}
    assert starts == pytest.approx({n: s + ahead_s[n] for n, s in left_s.items()}, abs=2)
    Job.objects.filter(owner=bob).update(estimate=None)
    assert outlook.starts_in_s(last) is None


def test_when_it_starts_is_not_known_behind_one_that_outran_its_estimate(
    submit: Callable[..., Job],
) -> None:
    submit()
    last = submit()
    Job.objects.update(estimate={"seconds": {"p10": 50, "p50": 100, "p90": 400}})
    running = take()
    assert running

    told = {}
    for ran_s in (399, 401):
        begun = timezone.now() - timedelta(seconds=ran_s)
        Job.objects.filter(pk=running.pk).update(started_at=begun)
        told[ran_s] = outlook.starts_in_s(last)

    # Of those that took 399 s half took some three minutes more: it is never "at once".
    assert told[399]
    assert told[399]["p50"] > 100
    assert told[401] is None


def test_a_job_that_waits_for_its_owners_own_has_no_time_to_start_at(
    submit: Callable[..., Job], alice: Any, bob: Any
) -> None:
    """The next worker that is free is not theirs."""
    allow(alice, max_running=1)
    submit(owner=bob)
    submit(owner=alice)
    held = submit(owner=alice)
    others = submit(owner=bob)
    Job.objects.update(estimate={"seconds": {"p10": 50, "p50": 100, "p90": 400}})
    assert take()
    assert take()

    seen = outlook.Outlook([held, others])

    why = seen.why(held)
    assert why
    assert (why.reason, seen.starts_in_s(held)) == ("quota", None)
    assert seen.starts_in_s(others)


def test_a_job_that_runs_waits_for_nothing(submit: Callable[..., Job]) -> None:
    submit()
    job = take()

    assert job
    assert turns.explain(job) is None


@pytest.mark.django_db(transaction=True)
def test_two_hundred_submits_at_once_do_not_pass_the_limit_by_one(
    redis: Any, submit: Callable[..., Job], alice: Any
) -> None:
    allow(alice, max_queued=50)
    outcomes = in_threads(200, lambda: submit())

    refused = [each for each in outcomes if isinstance(each, lifecycle.OverQuota)]
    assert (len(refused), alice.jobs.count()) == (150, 50)


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_take_each_job_once_and_keep_the_limit(
    redis: Any, submit: Callable[..., Job], alice: Any, bob: Any
) -> None:
    allow(alice, max_running=3)
    for _ in range(20):
        submit(owner=alice)
        submit(owner=bob)

    taken = [job.pk for job in in_threads(40, take) if isinstance(job, Job)]

    assert len(taken) == len(set(taken)) == 23
    assert alice.jobs.filter(state=JobState.RUNNING).count() == 3


def in_threads(n: int, call: Callable[[], Any]) -> list[Any]:
    """What each of `n` calls gave or raised, all let go at the same moment."""
    outcomes: list[Any] = []
    together = threading.Barrier(n)

    def one() -> None:
        together.wait()
        try:
            outcomes.append(call())
        except Exception as exc:
            outcomes.append(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
