"""A batch that is stopped, by somebody or by its failures, and taken up again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django_rq
import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from jobs import batches, keys, lifecycle, spending
from jobs.batch_models import Batch
from jobs.lifecycle import batches as in_batches
from jobs.models import Job
from jobs.states import Approval, FailureKind, JobState, Scope
from tests.jobs.test_turns import in_threads, take

from .helpers import URL, Post, jobs_of, kinds, run

pytestmark = pytest.mark.django_db


def test_what_waits_is_cancelled_once_too_many_have_failed(
    of_numbers: Callable[..., Batch], django_capture_on_commit_callbacks: Any, redis: Any
) -> None:
    batch = of_numbers(*range(1, 11), fail_fast=0.2)

    with django_capture_on_commit_callbacks(execute=True):
        for job in jobs_of(batch)[:2]:
            run(job, FailureKind.SCIENCE)

    batch.refresh_from_db()
    states = [job.state for job in jobs_of(batch)]
    assert states == ["failed"] * 2 + ["cancelled"] * 8
    assert kinds(batch) == ["submitted", "stopped", "finished"]
    assert batches.standing(batch) == "stopped"
    last = jobs_of(batch)[-1]
    assert last.error
    assert "2 of the jobs of its batch had failed" in last.error["detail"]
    assert list(last.events.order_by("seq").values_list("seq", "kind")) == [
        (1, "submitted"),
        (2, "cancelled"),
    ]


def test_to_cancel_ends_what_waits_and_asks_what_runs_to_stop(
    of_numbers: Callable[..., Batch], post: Post, submit: Callable[..., Job]
) -> None:
    other = submit()
    batch = of_numbers(1, 2, 3)
    running = jobs_of(batch)[0]
    lifecycle.start(running, 1, worker="w:1", host="w", pid=1)

    told = post(f"{URL}/{batch.pk}/cancel").json()

    assert (told["state"], told["counts"]["cancelled"]) == ("cancelling", 2)
    running.refresh_from_db()
    assert running.is_cancelling
    lifecycle.cancel(running, 1)
    lifecycle.settle_open_batches()
    batch.refresh_from_db()
    assert batches.standing(batch) == "cancelled"
    assert post(f"{URL}/{batch.pk}/cancel").status_code == 202
    other.refresh_from_db()
    assert other.state == JobState.QUEUED


def test_to_cancel_while_somebody_else_does_is_to_cancel(
    of_numbers: Callable[..., Batch], post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first asked gave up waiting, and asked again before it was told."""
    batch, cancel = of_numbers(1, 2, 3), lifecycle.cancel_batch

    def cancel_as_the_second(batch: Batch, *, by: str) -> Batch:
        cancel(batch, by=by)
        return cancel(batch, by=by)

    monkeypatch.setattr(lifecycle, "cancel_batch", cancel_as_the_second)

    told = post(f"{URL}/{batch.pk}/cancel")

    assert told.status_code == 202, told.json()
    assert told.json()["state"] == "cancelled"


def test_one_that_has_moved_on_is_not_cancelled_by_who_saw_it_before(
    of_numbers: Callable[..., Batch], client: Client, alice: Any
) -> None:
    client.force_login(alice)
    batch = of_numbers(1, 2)
    path = f"{URL}/{batch.pk}"
    before = client.get(path)["ETag"]
    client.post(f"{path}/cancel", headers={"If-Match": before})

    def resume(tag: str) -> Any:
        return client.post(f"{path}/resume", {}, "application/json", headers={"If-Match": tag})

    late = resume(before)

    assert late.status_code == 412
    assert "The batch has changed" in late.json()["detail"]
    now = client.get(path)["ETag"]
    assert resume(now).status_code == 202


def test_who_resumes_one_as_they_saw_it_locks_nothing_while_its_jobs_are_looked_at(
    of_numbers: Callable[..., Batch], client: Client, alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has the batch would wait for who has the allowance, and those for them."""
    client.force_login(alice)
    batch = of_numbers(1, 2)
    path = f"{URL}/{batch.pk}"
    client.post(f"{path}/cancel")
    locks: list[int] = []
    look = in_batches.prepare_each

    def looked(*args: Any, **kwargs: Any) -> Any:
        locks.append(len(connection.savepoint_ids))
        return look(*args, **kwargs)

    monkeypatch.setattr(in_batches, "prepare_each", looked)

    tag = client.get(path)["ETag"]
    answer = client.post(f"{path}/resume", {}, "application/json", headers={"If-Match": tag})

    assert (answer.status_code, locks) == (202, [0])


def test_what_is_over_cannot_be_cancelled(of_numbers: Callable[..., Batch], post: Post) -> None:
    batch = of_numbers(1)
    run(jobs_of(batch)[0])
    lifecycle.settle_open_batches()

    answer = post(f"{URL}/{batch.pk}/cancel")

    assert (answer.status_code, answer.json()["code"]) == (409, "batch_over")


def test_only_what_is_missing_is_resumed(of_numbers: Callable[..., Batch], post: Post) -> None:
    batch = of_numbers(1, 2, 3, 4)
    done, failed, lost, _ = before = jobs_of(batch)
    run(done)
    run(failed, FailureKind.SCIENCE)
    run(lost, FailureKind.LOST)
    post(f"{URL}/{batch.pk}/cancel")

    told = post(f"{URL}/{batch.pk}/resume").json()

    assert (told["state"], told["counts"]["queued"], told["counts"]["failed"]) == ("running", 2, 1)
    after = jobs_of(batch)
    assert after[:2] == before[:2]
    assert [job.params["n"] for job in after] == [1, 2, 3, 4]
    assert not {job.pk for job in after[2:]} & {job.pk for job in before}
    again = post(f"{URL}/{batch.pk}/resume")
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_resume")
    asked = post(f"{URL}/{batch.pk}/resume", {"also": ["science"]}).json()
    assert asked["counts"]["queued"] == 3


def test_failures_of_before_do_not_stop_what_was_resumed(
    of_numbers: Callable[..., Batch], post: Post
) -> None:
    batch = of_numbers(1, 2, 3, fail_fast=1)
    run(jobs_of(batch)[0], FailureKind.SCIENCE)
    lifecycle.settle_open_batches()

    post(f"{URL}/{batch.pk}/resume")
    lifecycle.settle_open_batches()

    assert [job.state for job in jobs_of(batch)] == ["failed", "queued", "queued"]
    run(jobs_of(batch)[1], FailureKind.SCIENCE)
    lifecycle.settle_open_batches()
    assert [job.state for job in jobs_of(batch)] == ["failed", "failed", "cancelled"]


def test_a_long_batch_keeps_nobody_waiting(
    of_numbers: Callable[..., Batch], submit: Callable[..., Job], bob: Any
) -> None:
    of_numbers(*range(1, 51))
    theirs = submit(owner=bob)

    first, second = take(), take()

    assert theirs in {first, second}


@pytest.mark.django_db(transaction=True)
def test_two_who_resume_it_at_once_resume_it_once(alice: Any, redis: Any) -> None:
    wanted = [lifecycle.Wanted(simulation="demo.sum_squares", params={"n": n}) for n in (1, 2, 3)]
    batch = lifecycle.submit_batch(owner=alice, wanted=wanted)
    lifecycle.cancel_batch(batch, by="alice")

    outcomes = in_threads(2, lambda: lifecycle.resume_batch(batch, by="alice"))

    assert {type(each) for each in outcomes} == {Batch, lifecycle.NothingToResume}
    assert Job.objects.count() == 6
    assert [job.state for job in jobs_of(batch)] == ["queued"] * 3
    assert kinds(batch).count("resumed") == 1


@pytest.mark.django_db(transaction=True)
def test_the_queue_has_turns_for_a_batch_and_none_once_it_is_cancelled(
    alice: Any, redis: Any
) -> None:
    wanted = [lifecycle.Wanted(simulation="demo.sum_squares", params={"n": n}) for n in (1, 2, 3)]
    queue = django_rq.get_queue("default")

    batch = lifecycle.submit_batch(owner=alice, wanted=wanted)
    waiting = queue.get_job_ids()
    lifecycle.cancel_batch(batch, by="alice")

    assert waiting == [job.run_id for job in jobs_of(batch)]
    assert queue.get_job_ids() == []


def test_what_a_key_may_not_start_waits_for_its_owner(alice: Any) -> None:
    key, _ = keys.issue(owner=alice, name="crawler", scopes=[Scope.SUBMIT])
    keys.change(key, approval=Approval.ALWAYS)
    wanted = [lifecycle.Wanted(simulation="demo.sum_squares", params={"n": n}) for n in (1, 2)]

    batch = lifecycle.submit_batch(
        owner=alice, wanted=wanted, origin=keys.Origin(key=key, agent="crawler", purpose="why not")
    )

    assert take() is None
    for job in jobs_of(batch):
        assert (job.awaits_approval, job.agent, job.purpose) == (True, "crawler", "why not")
        told = job.events.order_by("seq").values_list("seq", "kind")
        assert list(told) == [(1, "submitted"), (2, "awaiting_approval")]
    key.refresh_from_db()
    keys.change(key, max_queued=3)
    with pytest.raises(lifecycle.OverQuota):
        lifecycle.submit_batch(owner=alice, wanted=wanted, origin=keys.Origin(key=key))
    assert Batch.objects.count() == 1


@pytest.fixture
def stopped(alice: Any) -> Batch:
    """A batch of alice's that she cancelled."""
    wanted = [lifecycle.Wanted(simulation="demo.sum_squares", params={"n": n}) for n in (1, 2)]
    batch = lifecycle.submit_batch(owner=alice, wanted=wanted)
    return lifecycle.cancel_batch(batch, by="alice")


def test_what_an_administrator_s_key_resumes_is_on_no_account_of_that_key(stopped: Batch) -> None:
    root = get_user_model().objects.create_superuser("root")
    key, _ = keys.issue(owner=root, name="caretaker", scopes=[Scope.SUBMIT, Scope.ADMIN])

    lifecycle.resume_batch(stopped, by="root", origin=keys.Origin(key=key, agent="caretaker"))

    for job in jobs_of(stopped):
        assert (job.owner, job.key, job.agent) == (stopped.owner, None, "caretaker")
    assert spending.n_queued(key) == 0


@pytest.mark.parametrize("limit", [{"max_running": 1}, {"approval": Approval.ALWAYS}])
def test_a_key_with_a_budget_computes_nothing_for_somebody_else(
    stopped: Batch, limit: dict[str, Any]
) -> None:
    root = get_user_model().objects.create_superuser("root")
    scopes = [Scope.SUBMIT, Scope.ADMIN]
    key, _ = keys.issue(owner=root, name="caretaker", scopes=scopes, **limit)

    with pytest.raises(lifecycle.BudgetSpent, match="somebody else's"):
        lifecycle.resume_batch(stopped, by="root", origin=keys.Origin(key=key))

    assert Job.objects.count() == 2
