"""What Slurm knows no more, on a Slurm that is played: its files count, then the accounting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobs.dispatch.slurm.answers import Task
from jobs.models import Job, SlurmTask
from jobs.slurm_models import SlurmWatch
from jobs.states import JobState, Reason
from jobs.watcher import Watcher

from .played import Cluster, Submit, leave, now, workdir


def test_what_is_gone_from_the_queue_is_settled_by_its_files(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher
) -> None:
    job = running()
    cluster.forget()
    leave(job, result={"total": 14})

    watcher.look()

    assert now(job).state == JobState.SUCCEEDED
    watcher.look()
    assert not SlurmTask.objects.exists()


def test_or_by_the_accounting(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher
) -> None:
    job = running()
    cluster.forget()
    cluster.accounting = {"1": Task(native_id="1", state="NODE_FAIL")}

    watcher.look()

    assert job.attempts.get(number=1).evidence == "Its node failed."


def test_what_the_accounting_takes_for_alive_is_doubted_all_the_same(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher, settings: Any
) -> None:
    """What it was not told of ends nowhere but there."""
    settings.JOB_UNCONFIRMED_S = 3600
    job = running()
    cluster.forget()
    cluster.accounting = {"1": Task(native_id="1", state="RUNNING")}
    watcher.look()
    watcher.look()

    assert (now(job).state, job.reason) == (JobState.RUNNING, Reason.UNCONFIRMED)


def test_an_accounting_that_is_away_judges_nobody_and_keeps_nobody_waiting(
    running: Callable[..., Job], submit: Submit, cluster: Cluster, watcher: Watcher, settings: Any
) -> None:
    settings.JOB_UNCONFIRMED_S = 0
    job = running()
    cluster.forget()
    cluster.accounting_is_away = True
    submit()
    for _ in range(3):
        watcher.look()

    assert (now(job).state, job.reason) == (JobState.RUNNING, "")
    assert len(cluster.sent) == 2
    assert SlurmWatch.objects.get().trouble == ""
    cluster.accounting_is_away = False
    cluster.accounting = {"1": Task(native_id="1", state="NODE_FAIL")}
    watcher.look()
    assert job.attempts.get(number=1).evidence == "Its node failed."


def test_or_nobody_knows_and_after_a_while_it_is_tried_again(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher, settings: Any
) -> None:
    settings.JOB_UNCONFIRMED_S = 3600
    job = running()
    cluster.forget()
    watcher.look()
    watcher.look()
    assert (now(job).state, job.reason) == (JobState.RUNNING, Reason.UNCONFIRMED)

    settings.JOB_UNCONFIRMED_S = 0
    watcher.look()

    assert (now(job).state, job.attempt) == (JobState.QUEUED, 2)


def test_a_result_counts_though_a_file_that_it_names_never_came(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher, settings: Any
) -> None:
    settings.JOB_UNCONFIRMED_S = 0
    job = running()
    cluster.forget()
    named = {"name": "a", "title": "A", "media_type": "text/plain"}
    leave(job, artifacts=[named], result={"total": 14})

    for _ in range(3):
        watcher.look()

    assert (now(job).state, job.result, job.attempt) == (JobState.SUCCEEDED, {"total": 14}, 1)


def test_one_that_is_found_again_is_doubted_no_more(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher, settings: Any
) -> None:
    settings.JOB_UNCONFIRMED_S = 3600
    job = running()
    known = dict(cluster.tasks)
    cluster.forget()
    watcher.look()
    watcher.look()
    assert now(job).is_unconfirmed

    cluster.tasks = known
    watcher.look()

    assert not now(job).is_unconfirmed


def test_one_that_ran_to_its_end_between_two_looks_is_not_sent_again(
    submit: Submit, cluster: Cluster, watcher: Watcher
) -> None:
    job = submit()
    watcher.look()
    cluster.forget()
    (workdir(job) / "claimed").write_text("1_0.0")
    leave(job, result={"total": 14})

    watcher.look()

    assert now(job).state == JobState.SUCCEEDED
    assert len(cluster.sent) == 1
