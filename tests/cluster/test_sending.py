"""What the watcher sends to a Slurm that is played, and how its waiting is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from backplane_site import service_checks
from backplane_site.probes import Level
from jobs import dispatch, lifecycle, turns
from jobs.budget import Budget
from jobs.dispatch import Unreachable
from jobs.dispatch.slurm.site import Site, load
from jobs.models import Job, SlurmTask, SlurmWatch
from jobs.states import JobState, Reason
from jobs.watcher import Watcher
from jobs.watcher.sending import bundle_of

from .played import POINT, Cluster, Submit, now, report, workdir

# --- sending ---


def test_jobs_that_ask_for_the_same_are_one_array(
    submit: Submit, cluster: Cluster, watcher: Watcher
) -> None:
    jobs = [submit(params={"n": n}) for n in range(1, 4)]
    other = submit(limits=Budget(memory_mib=512))

    watcher.look()

    arrays = [[word for word in argv if word.startswith("--array=")] for argv in cluster.sent]
    assert sorted(arrays) == [[], ["--array=0-2"]]
    told = {task.job_id: task.native_id for task in SlurmTask.objects.all()}
    assert {told[job.pk] for job in jobs} == {f"{told[jobs[0].pk][0]}_{n}" for n in range(3)}
    assert "_" not in told[other.pk]


def test_a_node_finds_in_the_directory_what_it_is_to_run(
    submit: Submit, cluster: Cluster, watcher: Watcher
) -> None:
    job = submit()

    watcher.look()

    assert json.loads((workdir(job) / "params.json").read_text())["n"] == 3
    assert (workdir(job) / "simulation").read_text() == "demo.sum_squares"
    members = bundle_of(SlurmTask.objects.get().token) / "members"
    assert members.read_text() == f"{workdir(job)}\n"


def test_what_waits_is_asked_about_once_a_look_however_many_there_are(
    submit: Submit, cluster: Cluster, watcher: Watcher
) -> None:
    for n in range(1, 30):
        submit(params={"n": n})
    watcher.look()
    cluster.asked = 0

    watcher.look()

    assert cluster.asked == 1


def test_no_more_are_sent_than_their_owner_may_have_running(
    submit: Submit, cluster: Cluster, watcher: Watcher, settings: Any
) -> None:
    settings.JOB_MAX_RUNNING_PER_USER = 2
    for n in range(1, 5):
        submit(params={"n": n})

    watcher.look()
    watcher.look()

    assert SlurmTask.objects.count() == 2


def test_a_lost_reply_is_found_again_and_nothing_is_sent_twice(
    submit: Submit, cluster: Cluster, watcher: Watcher
) -> None:
    job = submit()
    cluster.loses = "reply"
    watcher.look()
    assert SlurmTask.objects.get().native_id == ""
    cluster.loses = ""

    watcher.look()

    assert SlurmTask.objects.get().native_id == "1"
    assert len(cluster.sent) == 1
    cluster.say(job, "RUNNING")
    watcher.look()
    assert now(job).state == JobState.RUNNING


def test_what_never_arrived_is_sent_again_once_that_is_sure(
    submit: Submit, cluster: Cluster, db: None
) -> None:
    watcher = Watcher(Site(confirm_s=60))
    submit()
    cluster.loses = "request"
    watcher.look()
    cluster.loses = ""

    watcher.look()

    assert len(cluster.sent) == 1
    watcher = Watcher(Site(confirm_s=0))
    watcher.look()
    watcher.look()
    assert len(cluster.sent) == 2
    assert SlurmTask.objects.get().native_id == "2"


def test_what_slurm_does_not_take_says_why_and_is_not_asked_for_at_once(
    submit: Submit, cluster: Cluster, watcher: Watcher
) -> None:
    job = submit()
    cluster.refusal = "Invalid account"

    watcher.look()
    watcher.look()

    assert len(cluster.sent) == 1
    assert not SlurmTask.objects.exists()
    why = turns.explain(now(job))
    assert why is not None
    assert (why.reason, "Invalid account" in why.text) == ("scheduler", True)


# --- waiting ---


def test_slurms_reason_and_estimate_are_told_once(
    submit: Submit, cluster: Cluster, watcher: Watcher
) -> None:
    job = submit()
    watcher.look()
    starts_at = datetime.now(UTC) + timedelta(hours=2)
    cluster.say(job, "PENDING", reason="Priority", starts_at=starts_at)

    for _ in range(3):
        watcher.look()

    why = turns.explain(now(job))
    assert why is not None
    assert why.text == (
        f"Pending in Slurm as 1: others go before it (Priority); expected to start about "
        f"{starts_at:%H:%M} UTC"
    )
    assert job.events.filter(kind="waiting").count() == 1
    cluster.say(job, "PENDING", reason="Resources", starts_at=starts_at)
    watcher.look()
    assert "next in line" in now(job).message
    cluster.say(job, "CONFIGURING")
    watcher.look()
    assert "its node is being started" in now(job).message


def test_a_thousand_that_wait_for_the_same_are_told_of_it_at_once(
    submit: Submit, cluster: Cluster, watcher: Watcher, django_assert_max_num_queries: Any
) -> None:
    jobs = [submit(params={"n": n}) for n in range(1, 21)]
    watcher.look()
    for job in jobs:
        cluster.say(job, "PENDING", reason="Priority")

    with django_assert_max_num_queries(20):
        watcher.look()

    assert {now(job).message for job in jobs} == {
        "Pending in Slurm as 1: others go before it (Priority)"
    }


def test_one_that_is_cancelled_while_it_waits_is_taken_out_of_slurm(
    submit: Submit, cluster: Cluster, watcher: Watcher, alice: Any
) -> None:
    job = submit()
    watcher.look()
    lifecycle.request_cancel(job, by=alice)
    dispatch.backend("slurm").withdraw(job)

    watcher.look()

    assert now(job).state == JobState.CANCELLED
    assert cluster.ended == ["1"]
    assert (workdir(job) / "cancel").exists()
    assert SlurmTask.objects.exists()  # until it is seen to be gone
    cluster.tasks = {key: replace(task, state="CANCELLED") for key, task in cluster.tasks.items()}
    watcher.look()
    assert not SlurmTask.objects.exists()


def test_a_whole_array_is_cancelled_by_its_one_name(
    submit: Submit, cluster: Cluster, watcher: Watcher, alice: Any
) -> None:
    jobs = [submit(params={"n": n}) for n in range(1, 4)]
    watcher.look()
    for job in jobs:
        lifecycle.request_cancel(job, by=alice)

    watcher.look()

    assert cluster.ended == ["1"]


def test_without_a_watcher_the_queue_is_unreachable(
    submit: Submit, cluster: Cluster, watcher: Watcher
) -> None:
    job = submit()
    lifecycle.hand_to_backend(job)
    assert job.reason == Reason.QUEUE_UNREACHABLE

    watcher.look()

    lifecycle.hand_to_backend(job)
    assert job.reason != Reason.QUEUE_UNREACHABLE


def test_what_waits_unsent_says_that_slurm_is_away(
    submit: Submit, cluster: Cluster, watcher: Watcher
) -> None:
    submit(params={"n": 1})
    watcher.look()
    job = submit(params={"n": 2})
    cluster.is_away = True

    watcher.look()

    assert now(job).reason == Reason.QUEUE_UNREACHABLE
    assert not SlurmTask.objects.filter(job=job).exists()
    cluster.is_away = False
    watcher.look()
    assert SlurmTask.objects.filter(job=job).exists()


def test_a_slurm_that_is_away_is_told_and_judges_nobody(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher
) -> None:
    job = running()
    cluster.is_away = True
    report(job, POINT)

    for _ in range(3):
        watcher.look()

    assert (now(job).state, job.progress) == (JobState.RUNNING, 0.5)
    assert "Unable to contact" in SlurmWatch.objects.get().trouble
    with pytest.raises(Unreachable, match="Slurm does not answer"):
        dispatch.backend("slurm").lacking(1)


# --- what the administrator writes, and is told ---


def test_the_doctor_tells_whether_slurm_is_followed(
    submit: Submit, cluster: Cluster, watcher: Watcher, settings: Any
) -> None:
    def told() -> list[tuple[Level, str]]:
        return [(each.level, each.detail) for each in service_checks.slurm()]

    assert told() == [(Level.WRONG, "no watcher runs; start it with: manage.py watch")]
    watcher.look()
    assert told() == [(Level.OK, "it answers, and its jobs are followed")]
    settings.BACKENDS = ("rq",)
    assert told() == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("partitions = 'main'", "partitions: Extra inputs are not permitted"),
        ("nodes = 0", "nodes: Input should be greater than or equal to 1"),
        ("partition = 'a b'", "partition: String should match pattern"),
        ("[simulations.md_simulation]\ngpu = 1", "simulations.md_simulation.gpu"),
        ("[environment]\n'A B' = 'c'", "environment.A B"),
        ("nodes =", "is no TOML"),
    ],
)
def test_a_mistake_in_the_settings_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "slurm.toml"
    path.write_text(text)

    with pytest.raises(ImproperlyConfigured) as refused:
        load(path)

    assert told in str(refused.value)


def test_a_simulation_may_ask_for_something_else() -> None:
    site = Site.model_validate(
        {
            "partition": "cpu",
            "account": "lab",
            "simulations": {"md_simulation": {"partition": "gpu", "gpus": "a100:1"}},
        }
    )
    budget = Budget(wall_time_s=61, memory_mib=500, threads=4)

    asked = site.resources("md_simulation").options(budget)

    assert asked == (
        *("--partition=gpu", "--account=lab", "--cpus-per-task=4", "--mem=500M"),
        *("--gpus=a100:1", "--time=2"),
    )
