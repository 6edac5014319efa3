"""What a key may use: never passed by one, told to who waits, and paced by the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs import keys, lifecycle, spending, turns
from jobs.key_models import ApiKey, KeyUsage
from jobs.keys import Origin
from jobs.models import Attempt, Job
from jobs.states import FailureKind, JobState, Reason, Scope

from .test_turns import allow, drain, in_threads, take

pytestmark = pytest.mark.django_db

MakeKey = Callable[..., ApiKey]


@pytest.fixture
def key(alice: Any) -> MakeKey:
    def key(**budget: Any) -> ApiKey:
        scopes = [Scope.READ, Scope.SUBMIT]
        return keys.issue(owner=alice, name="crawler", scopes=scopes, **budget)[0]

    return key


@pytest.fixture
def send(submit: Callable[..., Job]) -> Callable[..., Job]:
    def send(key: ApiKey, **overrides: Any) -> Job:
        return submit(origin=Origin(key=key, agent=key.name), **overrides)

    return send


Send = Callable[..., Job]


@pytest.fixture
def expected(monkeypatch: pytest.MonkeyPatch) -> Callable[[float | None], None]:
    """What every new job is expected to take, in core-hours; None: nobody knows."""

    def expected(core_hours: float | None) -> None:
        known = core_hours and {
            "threads": 1,
            "seconds": {"p10": 1, "p50": 2, "p90": core_hours * 3600},
        }
        monkeypatch.setattr("jobs.estimates.of", lambda *args, threads=1, **kwargs: known)

    return expected


def used(key: ApiKey, core_hours: float, days_ago: int = 0) -> None:
    day = (timezone.now() - timedelta(days=days_ago)).date()
    KeyUsage.objects.create(key=key, day=day, core_seconds=core_hours * 3600)


def ran_for(job: Job, seconds: float) -> None:
    """As if its worker had last been heard that long ago."""
    heard = timezone.now() - timedelta(seconds=seconds)
    Attempt.objects.filter(job=job, number=job.attempt).update(heartbeat_at=heard)


# --- How many ---


def test_a_key_has_no_more_jobs_waiting_than_it_may(key: MakeKey, send: Send, submit: Any) -> None:
    mine = key(max_queued=2)
    send(mine), send(mine)

    with pytest.raises(lifecycle.OverQuota, match="2 jobs waiting"):
        send(mine)

    assert Job.objects.count() == 2
    submit()


def test_a_key_has_no_more_jobs_running_than_it_may(key: MakeKey, send: Send, submit: Any) -> None:
    mine = key(max_running=1)
    send(mine, name="k1"), send(mine, name="k2"), submit(name="own")

    assert [job.name if job else None for job in (take(), take(), take())] == ["k1", "own", None]
    held = Job.objects.get(name="k2")
    waits = turns.explain(held)
    assert waits
    assert (waits.reason, waits.place) == (Reason.BUDGET, None)
    assert "1 jobs of its key run" in waits.text


def test_what_a_key_may_not_start_keeps_nobody_waiting(
    key: MakeKey, send: Send, submit: Any, bob: Any
) -> None:
    stopped = key(max_running=0)
    for _ in range(3):
        send(stopped)
    submit(name="own")
    submit(name="of bob", owner=bob)

    assert sorted(drain()) == ["of bob", "own"]
    assert turns.n_startable("rq", timezone.now()) == 0


def test_the_reconciler_counts_only_what_a_key_may_start(key: MakeKey, send: Send) -> None:
    mine = key(max_running=2)
    for _ in range(5):
        send(mine)
    later = timezone.now() + timedelta(seconds=1)
    Job.objects.update(queued_at=timezone.now() - timedelta(minutes=1))

    before = later - timedelta(seconds=30)
    assert turns.n_startable("rq", before) == 2
    assert len(turns.startable("rq", before, 9)) == 2


def test_a_job_held_by_its_key_is_woken_when_another_ends(
    redis: Any, key: MakeKey, send: Send, django_capture_on_commit_callbacks: Any
) -> None:
    import django_rq

    mine = key(max_running=1)
    send(mine), send(mine)
    first = take()
    assert (first is not None, take()) == (True, None)

    with django_capture_on_commit_callbacks(execute=True):
        lifecycle.succeed(first, 1, {"total": 1})  # type: ignore[arg-type]

    assert len(django_rq.get_queue("default").get_job_ids()) == 1
    assert take() is not None


@pytest.mark.django_db(transaction=True)
def test_two_hundred_submits_at_once_do_not_pass_the_limit_of_a_key_by_one(
    redis: Any, key: MakeKey, send: Send, alice: Any
) -> None:
    mine = key(max_queued=50)

    outcomes = in_threads(200, lambda: send(mine))

    refused = [each for each in outcomes if isinstance(each, lifecycle.OverQuota)]
    assert (len(refused), alice.jobs.count()) == (150, 50)


@pytest.mark.django_db(transaction=True)
def test_two_hundred_submits_at_once_do_not_pass_the_core_hours_by_one(
    redis: Any, key: MakeKey, send: Send, alice: Any, expected: Any
) -> None:
    mine = key(core_hours=25.0)
    expected(0.5)

    outcomes = in_threads(200, lambda: send(mine))

    refused = [each for each in outcomes if isinstance(each, lifecycle.BudgetSpent)]
    assert (len(refused), alice.jobs.count()) == (150, 50)


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_keep_the_limit_of_a_key(
    redis: Any, key: MakeKey, send: Send, alice: Any
) -> None:
    mine = key(max_running=3)
    for _ in range(12):
        send(mine)

    taken = [job for job in in_threads(30, take) if isinstance(job, Job)]

    assert len(taken) == 3
    assert alice.jobs.filter(state=JobState.RUNNING).count() == 3


# --- How much ---


def test_a_job_is_charged_as_it_runs_threads_times_seconds(key: MakeKey, send: Send) -> None:
    mine = key()
    job = take_its(send(mine))
    threads = job.budget.threads
    ran_for(job, 3600)

    assert lifecycle.extend_lease(job, 1)
    assert spending.used_core_hours(mine) == pytest.approx(threads, rel=0.01)
    ran_for(job, 1800)
    lifecycle.succeed(job, 1, {"total": 1})

    assert spending.used_core_hours(mine) == pytest.approx(1.5 * threads, rel=0.01)
    job.refresh_from_db()
    assert job.used_core_s == pytest.approx(5400 * threads, rel=0.01)


def test_an_attempt_that_is_tried_again_is_charged_too(key: MakeKey, send: Send) -> None:
    mine = key()
    job = take_its(send(mine))
    ran_for(job, 60)

    lifecycle.hand_over(job, 1, "stopped")

    assert spending.used_core_hours(mine) * 3600 == pytest.approx(60 * job.budget.threads, rel=0.1)


def test_what_came_after_the_last_word_of_a_lost_worker_is_charged_to_nobody(
    key: MakeKey, send: Send
) -> None:
    mine = key()
    job = take_its(send(mine))
    ran_for(job, 3600)

    lifecycle.lose(job, 1, "gone", kind=FailureKind.LOST)

    assert spending.used_core_hours(mine) == 0


def test_a_clock_that_was_set_back_charges_nothing(key: MakeKey, send: Send) -> None:
    mine = key()
    job = take_its(send(mine))
    ran_for(job, -3600)

    lifecycle.extend_lease(job, 1)

    assert spending.used_core_hours(mine) == 0


def test_a_job_without_a_key_is_charged_to_nobody(submit: Any) -> None:
    job = take_its(submit())
    ran_for(job, 3600)

    lifecycle.succeed(job, 1, {"total": 1})

    assert not KeyUsage.objects.exists()


def test_a_key_that_has_used_up_its_core_hours_submits_and_starts_nothing(
    key: MakeKey, send: Send
) -> None:
    mine = key(core_hours=2.0)
    waiting = send(mine)
    used(mine, 1.5, days_ago=3)
    used(mine, 0.5)

    with pytest.raises(lifecycle.BudgetSpent, match="2 core-hours: 2 are used"):
        send(mine)

    assert take() is None
    waits = turns.explain(waiting)
    assert waits
    assert (waits.reason, "used up its 2 core-hours" in waits.text) == (Reason.BUDGET, True)


def test_what_waits_and_runs_reserves_what_it_is_expected_to_take_still(
    key: MakeKey, send: Send, expected: Any
) -> None:
    mine = key(core_hours=2.0)
    expected(1.0)
    running = take_its(send(mine))
    Job.objects.filter(pk=running.pk).update(used_core_s=0.4 * 3600)
    used(mine, 0.4)

    assert spending.reserved_core_hours(mine) == pytest.approx(0.6)
    send(mine)
    with pytest.raises(lifecycle.BudgetSpent):
        send(mine)


def test_a_job_that_took_less_gives_back_the_rest(key: MakeKey, send: Send, expected: Any) -> None:
    mine = key(core_hours=1.0)
    expected(1.0)
    job = take_its(send(mine))
    with pytest.raises(lifecycle.BudgetSpent):
        send(mine)

    lifecycle.succeed(job, 1, {"total": 1})

    expected(0.9)
    assert send(mine).state == JobState.QUEUED


def test_the_core_hours_of_a_day_pace_and_refuse_nothing(key: MakeKey, send: Send) -> None:
    mine = key(core_hours_per_day=1.0)
    used(mine, 1.0)
    job = send(mine)

    assert take() is None
    waits = turns.explain(job)
    assert waits
    assert "the day ends at 00:00 UTC" in waits.text
    KeyUsage.objects.update(day=timezone.now().date() - timedelta(days=1))
    assert take() == job


def test_after_its_deadline_a_key_submits_and_starts_nothing(key: MakeKey, send: Send) -> None:
    mine = key(deadline=timezone.now() + timedelta(hours=1))
    job = send(mine)
    ApiKey.objects.update(deadline=timezone.now() - timedelta(seconds=1))

    with pytest.raises(lifecycle.BudgetSpent, match="deadline"):
        send(mine)

    assert take() is None
    ApiKey.objects.update(deadline=timezone.now() + timedelta(hours=1))
    assert take() == job


def test_a_running_job_is_not_stopped_by_its_budget(key: MakeKey, send: Send) -> None:
    mine = key(core_hours=0.01)
    job = take_its(send(mine))
    ran_for(job, 3600)

    assert lifecycle.extend_lease(job, 1)

    job.refresh_from_db()
    assert job.state == JobState.RUNNING


def test_one_key_s_budget_is_nothing_to_another(key: MakeKey, send: Send) -> None:
    spent, other = key(core_hours=1.0), key(core_hours=1.0)
    used(spent, 1.0)

    assert take_its(send(other)).state == JobState.RUNNING


def test_the_limits_of_the_owner_hold_for_their_keys_too(
    key: MakeKey, send: Send, alice: Any
) -> None:
    allow(alice, max_queued=1)
    send(key(max_queued=10))

    with pytest.raises(lifecycle.OverQuota):
        send(key(max_queued=10))


def test_a_budget_that_is_over_is_told_in_rest(key: MakeKey, client: Any, alice: Any) -> None:
    _, text = keys.issue(owner=alice, name="a", scopes=[Scope.SUBMIT], core_hours=0.0)
    body = {"simulation": "demo.sum_squares", "params": {"n": 3}}

    answer = client.post(
        "/api/v1/jobs", body, "application/json", headers={"Authorization": f"Bearer {text}"}
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "budget_spent")
    assert answer.json()["retryable"] is False


def take_its(job: Job) -> Job:
    taken = take()
    assert taken == job
    return taken
