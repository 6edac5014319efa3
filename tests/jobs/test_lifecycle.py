"""Every state times every verb, and the races between them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

import simulations
from jobs import lifecycle
from jobs.lifecycle import IllegalTransition
from jobs.models import Job
from jobs.states import ACTIVE, TRANSITIONS, FailureKind, JobState, Reason

Q, R, S, F, C = JobState  # queued running succeeded failed cancelled

VERBS: dict[str, Callable[[Job, int], Any]] = {
    "start": lambda job, n: lifecycle.start(job, n, worker="w", host="h", pid=1),
    "progress": lambda job, n: lifecycle.progress(
        job, n, [{"fraction": 0.5, "message": "", "stage": ""}]
    ),
    "succeed": lambda job, n: lifecycle.succeed(job, n, {"total": 1}),
    "fail": lambda job, n: lifecycle.fail(job, n, FailureKind.SCIENCE, {"detail": "no"}),
    "cancel": lambda job, n: lifecycle.cancel(job, n),
    "lose": lambda job, n: lifecycle.lose(job, n, "gone"),
    "hand over": lambda job, n: lifecycle.hand_over(job, n, "stopped"),
    "request cancel": lambda job, _: lifecycle.request_cancel(job, by="alice"),
}
AFTER: dict[str, dict[JobState, JobState]] = {
    "start": {Q: R},
    "progress": {R: R},
    "succeed": {R: S},
    "fail": {R: F},
    "cancel": {R: C},
    "lose": {R: Q},
    "hand over": {R: Q},
    "request cancel": {Q: C, R: R},
}


@pytest.fixture
def in_state(submit: Callable[..., Job], start: Callable[[Job], Job]) -> Callable[..., Job]:
    def in_state(state: JobState) -> Job:
        job = submit()
        if state == Q:
            return job
        start(job)
        if state in {S, F, C}:
            VERBS[{S: "succeed", F: "fail", C: "cancel"}[state]](job, 1)
        return job

    return in_state


@pytest.mark.parametrize("state", JobState)
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_in_every_state(
    in_state: Callable[..., Job], state: JobState, verb: str
) -> None:
    job = in_state(state)
    seq = job.last_seq
    expected = AFTER[verb].get(state)

    if expected is None:
        with pytest.raises(IllegalTransition):
            VERBS[verb](job, 1)
    else:
        VERBS[verb](job, 1)

    job.refresh_from_db()
    assert job.state == (expected or state)
    assert (job.last_seq > seq) == (expected is not None)


def test_the_table_of_verbs_goes_only_where_the_states_allow() -> None:
    for moves in AFTER.values():
        for source, target in moves.items():
            assert source == target or target in TRANSITIONS[source]


def test_events_are_numbered_from_one_without_a_gap(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    VERBS["progress"](job, 1)
    VERBS["succeed"](job, 1)

    numbered = list(job.events.order_by("seq").values_list("seq", "kind"))

    assert numbered == [(1, "submitted"), (2, "started"), (3, "progress"), (4, "succeeded")]


@pytest.mark.parametrize("verb", ["progress", "succeed", "fail", "cancel", "lose", "hand over"])
def test_a_worker_that_comes_back_from_the_dead_writes_nothing(
    submit: Callable[..., Job], start: Callable[[Job], Job], verb: str
) -> None:
    job = start(submit())
    lifecycle.lose(job, 1, "silent")
    start(job)
    zombie = Job.objects.get(pk=job.pk)

    with pytest.raises(IllegalTransition):
        VERBS[verb](zombie, 1)

    job.refresh_from_db()
    assert (job.state, job.attempt) == (R, 2)


def test_a_message_of_an_older_attempt_starts_nothing(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    lifecycle.lose(job, 1, "silent")

    with pytest.raises(IllegalTransition):
        lifecycle.start(job, 1, worker="w", host="h", pid=1)


def test_the_same_message_twice_starts_once(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())

    with pytest.raises(IllegalTransition):
        start(job)

    assert job.attempts.count() == 1


def test_a_lost_job_is_tried_again_with_growing_pauses_and_then_fails(
    submit: Callable[..., Job], start: Callable[[Job], Job], settings: Any
) -> None:
    job = submit()
    pauses = []

    for number in (1, 2):
        start(job)
        lifecycle.lose(job, number, "killed by signal 9")
        assert job.reason == Reason.BACKING_OFF
        pauses.append(round((job.not_before - timezone.now()).total_seconds()))
    start(job)
    lifecycle.lose(job, 3, "killed by signal 9")

    assert pauses == [settings.JOB_RETRY_DELAY_S, 2 * settings.JOB_RETRY_DELAY_S]
    assert (job.state, job.failure_kind) == (F, FailureKind.LOST)
    assert "It was tried 3 times" in job.error["detail"]
    assert [a.outcome for a in job.attempts.order_by("number")] == ["requeued"] * 2 + ["failed"]


def test_a_hand_over_is_no_failure_and_waits_for_nothing(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = submit()

    for number in range(1, 6):
        start(job)
        lifecycle.hand_over(job, number, "deploy")

    assert (job.state, job.attempt, job.not_before) == (Q, 6, None)


def test_a_job_lost_while_being_cancelled_is_cancelled(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    lifecycle.request_cancel(job, by="alice")

    lifecycle.lose(job, 1, "silent")

    assert job.state == C


@pytest.mark.parametrize("verb", ["lose", "hand over"])
def test_a_cancel_that_crosses_a_requeue_ends_the_job(
    submit: Callable[..., Job], start: Callable[[Job], Job], verb: str
) -> None:
    """A job that is queued and asked to stop would be started by nobody, and wait for ever."""
    job = start(submit())
    parent = Job.objects.get(pk=job.pk)
    lifecycle.request_cancel(job, by="alice")

    VERBS[verb](parent, 1)

    assert parent.state == C


def test_a_lease_extended_in_the_last_moment_is_no_loss(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=9))
    seen_expired = Job.objects.get(pk=job.pk)
    lifecycle.extend_lease(job, 1)

    with pytest.raises(IllegalTransition):
        lifecycle.expire(seen_expired, 1, "silent")

    job.refresh_from_db()
    assert (job.state, job.attempt) == (R, 1)


def test_a_new_attempt_does_not_show_the_readings_of_the_old_one(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    lifecycle.progress(job, 1, [{"fraction": 0.5, "message": "x", "stage": "s", "scf_cycle": 4}])

    lifecycle.hand_over(job, 1, "deploy")

    assert (job.metrics, job.stage, job.message, job.progress) == ({}, "", "", 0)


def test_a_cancel_that_was_asked_first_wins_over_the_start(submit: Callable[..., Job]) -> None:
    job = submit()
    Job.objects.filter(pk=job.pk).update(cancel_requested_at=timezone.now())

    with pytest.raises(IllegalTransition):
        lifecycle.start(job, 1, worker="w", host="h", pid=1)


def test_a_cancel_crossing_a_success_leaves_the_success(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    page = Job.objects.get(pk=job.pk)
    lifecycle.succeed(job, 1, {"total": 14})

    with pytest.raises(IllegalTransition):
        lifecycle.request_cancel(page, by="alice")

    assert page.state == S


def test_a_bad_submission_leaves_no_trace(alice: Any) -> None:
    with pytest.raises(simulations.InvalidParams):
        lifecycle.submit(owner=alice, simulation="demo.sum_squares", params={"n": 0})
    with pytest.raises(simulations.UnknownSimulation, match=r"demo\.sum_squares"):
        lifecycle.submit(owner=alice, simulation="alchemy", params={})

    assert not Job.objects.exists()


def test_progress_keeps_every_point_and_the_newest_metrics(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    points = [
        {"fraction": 0.1, "message": "a", "stage": "scf", "energy_hartree": -1.0},
        {"fraction": 0.2, "message": "b", "stage": "scf", "scf_cycle": 2},
    ]

    lifecycle.progress(job, 1, points, log="cycle 2\n")

    event = job.events.get(kind="progress")
    assert event.data["points"] == points
    assert event.data["log"] == "cycle 2\n"
    assert job.metrics == {"energy_hartree": -1.0, "scf_cycle": 2}
    assert (job.progress, job.message, job.stage) == (0.2, "b", "scf")


def test_the_lease_is_extended_only_by_the_attempt_that_runs(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(hours=1))

    assert lifecycle.extend_lease(job, 1)
    assert not lifecycle.extend_lease(job, 2)

    job.refresh_from_db()
    assert job.lease_expires_at > timezone.now()


def test_run_again_is_a_new_job_with_the_same_input(submit: Callable[..., Job], bob: Any) -> None:
    job = submit(name="mine", tags=["a"])

    again = lifecycle.run_again(job, owner=bob)

    assert again.pk != job.pk
    assert (again.params, again.name, again.tags) == (job.params, "mine", ["a"])
    assert again.owner == bob


def test_active_means_not_final() -> None:
    assert ACTIVE == [Q, R]
