"""The watcher, its files real and Slurm's four commands played."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from jobs import dispatch, lifecycle, reconciler, turns
from jobs.budget import Budget
from jobs.dispatch import Unreachable
from jobs.dispatch.slurm import commands
from jobs.dispatch.slurm.answers import Seen, Task
from jobs.dispatch.slurm.commands import Refused
from jobs.dispatch.slurm.site import Site, load
from jobs.models import Job, SlurmTask, SlurmWatch
from jobs.states import FailureKind, JobState, Reason
from jobs.watcher import Watcher
from jobs.watcher import following as following_module

Submit = Callable[..., Job]
POINT = {"fraction": 0.5, "message": "half", "stage": "scf", "energy_hartree": -1.0}


@dataclass
class Cluster:
    """What Slurm would know and say."""

    tasks: dict[Seen, Task] = field(default_factory=dict)
    sent: list[Sequence[str]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    accounting: dict[str, Task] | None = None
    asked: int = 0
    refusal: str = ""
    loses: str = ""
    """`reply` after it was accepted, or `request` before."""
    is_away: bool = False

    def sbatch(self, argv: Sequence[str], script: str) -> str:
        self.sent.append(argv)
        if self.refusal:
            raise Refused(self.refusal)
        if self.loses == "request":
            raise Unreachable("Socket timed out")
        number = str(len(self.sent))
        token = next(word for word in argv if word.startswith("--comment=")).partition("=")[2]
        array = next((word for word in argv if word.startswith("--array=")), "")
        n = int(array.rpartition("-")[2]) + 1 if array else 1
        for member in range(n):
            native_id = f"{number}_{member}" if array else number
            self.tasks[token, member] = Task(native_id=native_id, state="PENDING")
        if self.loses == "reply":
            raise Unreachable("Socket timed out")
        return number

    def squeue(self) -> dict[Seen, Task]:
        self.asked += 1
        if self.is_away:
            raise Unreachable("Unable to contact slurm controller")
        return dict(self.tasks)

    def scancel(self, native_ids: Iterable[str]) -> None:
        self.ended += native_ids

    def sacct(self, native_ids: Iterable[str]) -> dict[str, Task] | None:
        return self.accounting

    def say(self, job: Job, state: str, **more: Any) -> None:
        """Of its current attempt."""
        task = SlurmTask.objects.get(job=job, attempt=job.attempt)
        key = task.token, task.member
        self.tasks[key] = replace(self.tasks[key], state=state, host="n1", **more)

    def forget(self) -> None:
        self.tasks.clear()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Cluster:
    settings.BACKENDS = ("slurm",)
    settings.JOB_RETRY_DELAY_S = 0
    played = Cluster()
    for name in ("sbatch", "squeue", "scancel", "sacct"):
        monkeypatch.setattr(commands, name, getattr(played, name))
    return played


@pytest.fixture
def watcher(db: None) -> Watcher:
    return Watcher(Site(visible_within_s=0, confirm_s=0))


def now(job: Job) -> Job:
    job.refresh_from_db()
    return job


def workdir(job: Job) -> Path:
    return job.workdir(job.attempt)


@pytest.fixture
def running(submit: Submit, cluster: Cluster, watcher: Watcher) -> Callable[..., Job]:
    def running(**wanted: Any) -> Job:
        job = submit(**wanted)
        watcher.look()
        cluster.say(job, "RUNNING")
        watcher.look()
        assert now(job).state == JobState.RUNNING
        return job

    return running


def report(job: Job, *points: dict[str, Any]) -> None:
    with (workdir(job) / "progress.jsonl").open("a") as stream:
        stream.writelines(f"{json.dumps(point)}\n" for point in points)


def leave(job: Job, **files: Any) -> None:
    for name, content in files.items():
        (workdir(job) / f"{name}.json").write_text(json.dumps(content))


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
    members = next((workdir(job).parents[2] / "slurm").glob("*/members")).read_text()
    assert members.endswith(f"{workdir(job)}\n")


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


# --- running ---


def test_progress_is_read_on_from_where_it_was(
    running: Callable[..., Job], watcher: Watcher
) -> None:
    job = running()
    report(job, POINT)
    watcher.look()
    report(job, POINT | {"fraction": 0.75})

    # One that was started anew reads no line twice either.
    Watcher(Site()).look()

    told = [event.data["points"] for event in job.events.filter(kind="progress").order_by("seq")]
    assert [[point["fraction"] for point in points] for points in told] == [[0.5], [0.75]]
    assert now(job).metrics == {"energy_hartree": -1.0}


def test_a_torn_line_waits_for_its_rest(running: Callable[..., Job], watcher: Watcher) -> None:
    job = running()
    path = workdir(job) / "progress.jsonl"
    line = json.dumps(POINT)
    path.write_text(line[:20])
    watcher.look()
    assert now(job).progress == 0

    path.write_text(f"{line}\n")
    watcher.look()

    assert now(job).progress == 0.5


@pytest.mark.parametrize("line", ["\0\0\0\0", "[1]", "{}", '{"fraction": NaN}', "3", "{"])
def test_a_line_that_is_none_costs_no_other(
    running: Callable[..., Job], watcher: Watcher, line: str
) -> None:
    job = running()
    (workdir(job) / "progress.jsonl").write_text(f"{line}\n")
    report(job, POINT | {"bad": float("nan")})

    watcher.look()

    assert (now(job).progress, job.metrics) == (0.5, {"energy_hartree": -1.0})


def test_the_log_becomes_events(running: Callable[..., Job], watcher: Watcher) -> None:
    job = running()
    (workdir(job) / "job.log").write_text("converged\n")

    watcher.look()

    assert job.events.get(kind="log").data["log"] == "converged\n"


def test_the_lease_of_what_runs_is_the_watchers_to_extend(
    running: Callable[..., Job], cluster: Cluster, settings: Any
) -> None:
    job = running()
    long_ago = timezone.now() - timedelta(hours=1)
    Job.objects.update(lease_expires_at=long_ago)

    reconciler.reconcile()

    assert (now(job).state, job.reason) == (JobState.RUNNING, "")
    Watcher(Site()).look()
    assert now(job).lease_expires_at > timezone.now()  # type: ignore[operator]


def test_a_result_ends_it_with_its_files(running: Callable[..., Job], watcher: Watcher) -> None:
    job = running()
    (workdir(job) / "scf.csv").write_text("1,2\n")
    leave(
        job,
        artifacts=[{"name": "scf.csv", "title": "SCF", "media_type": "text/csv"}],
        summary={"total": 14},
        methods={"text": "", "references": []},
        result={"total": 14},
    )

    watcher.look()

    assert (now(job).state, job.result, job.summary) == ("succeeded", {"total": 14}, {"total": 14})
    assert [artifact.name for artifact in job.artifacts.all()] == ["scf.csv"]


def test_a_result_waits_for_the_files_that_are_not_to_be_seen_yet(
    running: Callable[..., Job], cluster: Cluster, db: None
) -> None:
    job = running()
    watcher = Watcher(Site(visible_within_s=600))
    leave(job, artifacts=[{"name": "a", "title": "A", "media_type": "text/plain"}], result={})
    cluster.say(job, "COMPLETED")
    watcher.look()
    assert now(job).state == JobState.RUNNING

    (workdir(job) / "a").write_text("late")
    watcher.look()

    assert now(job).state == JobState.SUCCEEDED
    assert job.artifacts.count() == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"kind": "input", "detail": "no"}, FailureKind.INPUT),
        ({"kind": "science", "detail": "no", "hints": [], "fix": None}, FailureKind.SCIENCE),
        ({"kind": "internal", "detail": "no"}, FailureKind.INTERNAL),
        ({"kind": "memory", "detail": "no"}, FailureKind.MEMORY),
    ],
)
def test_why_a_run_says_that_it_failed_is_why_it_did(
    running: Callable[..., Job], watcher: Watcher, error: dict[str, Any], kind: FailureKind
) -> None:
    job = running()
    leave(job, error=error)
    (workdir(job) / "traceback.txt").write_text("Traceback")

    watcher.look()

    assert (now(job).state, job.failure_kind) == (JobState.FAILED, kind)
    assert (job.error or {})["detail"] == "no"


# --- how Slurm says that it ended ---


@pytest.mark.parametrize(
    ("state", "status", "kind"),
    [
        ("NODE_FAIL", 0, FailureKind.LOST),
        ("BOOT_FAIL", 0, FailureKind.INFRASTRUCTURE),
        ("PREEMPTED", 0, FailureKind.INFRASTRUCTURE),
        ("FAILED", 9, FailureKind.LOST),
        ("FAILED", 139 << 8, FailureKind.LOST),
        ("FAILED", 1 << 8, FailureKind.LOST),
        ("FAILED", 72 << 8, FailureKind.INFRASTRUCTURE),
        ("FAILED", 75 << 8, FailureKind.LOST),
        ("FAILED", 78 << 8, FailureKind.INFRASTRUCTURE),
        ("FAILED", 127 << 8, FailureKind.INFRASTRUCTURE),
        ("COMPLETED", 0, FailureKind.LOST),
    ],
)
def test_what_says_nothing_of_the_job_is_tried_again(
    running: Callable[..., Job],
    cluster: Cluster,
    watcher: Watcher,
    state: str,
    status: int,
    kind: FailureKind,
) -> None:
    job = running()
    cluster.say(job, state, status=status)

    watcher.look()

    assert (now(job).state, job.attempt) == (JobState.QUEUED, 2)
    ended = job.attempts.get(number=1)
    assert (ended.failure_kind, ended.native_id) == (kind, "1")
    assert ended.details["slurm_state"] == state  # type: ignore[index]


def test_the_next_attempt_finds_what_the_one_before_left_and_their_number_is_limited(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher
) -> None:
    job = running(max_attempts=2)
    (workdir(job) / "checkpoint.xml").write_text("half")
    cluster.say(job, "PREEMPTED")
    watcher.look()  # requeued, and sent again

    assert (now(job).workdir(2) / ".previous" / "checkpoint.xml").read_text() == "half"
    cluster.say(job, "RUNNING")
    watcher.look()
    cluster.say(job, "PREEMPTED")
    watcher.look()
    assert (now(job).state, job.failure_kind) == (JobState.FAILED, FailureKind.INFRASTRUCTURE)


@pytest.mark.parametrize(
    ("state", "kind", "limit"),
    [
        ("TIMEOUT", FailureKind.TIMEOUT, "wall_time_s"),
        ("OUT_OF_MEMORY", FailureKind.MEMORY, "memory_mib"),
    ],
)
def test_a_limit_of_its_own_ends_it_and_is_named(
    running: Callable[..., Job],
    cluster: Cluster,
    watcher: Watcher,
    state: str,
    kind: FailureKind,
    limit: str,
) -> None:
    job = running(limits=Budget(wall_time_s=60, memory_mib=100))
    cluster.say(job, state)

    watcher.look()

    assert (now(job).state, job.failure_kind) == (JobState.FAILED, kind)
    assert (job.error or {})["fix"]["limits"][limit] > (job.error or {})["limit"][limit]


def test_a_limit_of_its_own_is_tried_again_if_asked(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher
) -> None:
    job = running(retry_on=[FailureKind.TIMEOUT])
    cluster.say(job, "TIMEOUT")

    watcher.look()

    assert (now(job).state, job.attempt) == (JobState.QUEUED, 2)


def test_where_the_cluster_gives_less_time_than_it_may_take_it_goes_on_in_turns(
    running: Callable[..., Job], cluster: Cluster, db: None
) -> None:
    job = running()
    cluster.say(job, "TIMEOUT")

    Watcher(Site(max_time_s=3600)).look()

    assert (now(job).state, job.attempt) == (JobState.QUEUED, 2)
    assert "--time=60" in cluster.sent[-1]


def test_what_slurm_puts_back_into_its_queue_is_the_next_attempt_here(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher
) -> None:
    job = running()
    cluster.say(job, "PENDING", restarts=1)

    watcher.look()

    assert (now(job).state, job.attempt) == (JobState.QUEUED, 2)
    assert "put it back" in job.attempts.get(number=1).evidence
    watcher.look()
    assert "1" in cluster.ended


def test_who_cancels_it_in_slurm_has_cancelled_it(
    running: Callable[..., Job], cluster: Cluster, watcher: Watcher
) -> None:
    job = running()
    cluster.say(job, "CANCELLED", status=15)

    watcher.look()

    assert (now(job).state, job.failure_kind) == (JobState.CANCELLED, FailureKind.CANCELLED_BY)
    assert job.attempts.get().evidence == "It was cancelled in Slurm."


def test_who_cancels_in_slurm_what_waits_there_has_cancelled_it(
    submit: Submit, cluster: Cluster, watcher: Watcher
) -> None:
    job = submit()
    watcher.look()
    cluster.say(job, "CANCELLED")

    watcher.look()

    assert now(job).state == JobState.CANCELLED


def test_a_cancel_is_over_when_its_process_is_gone_and_not_before(
    running: Callable[..., Job],
    cluster: Cluster,
    watcher: Watcher,
    alice: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following_module, "GRACE_S", 0)
    job = running()
    lifecycle.request_cancel(job, by=alice)

    watcher.look()

    assert (workdir(job) / "cancel").exists()
    assert cluster.ended == ["1"]
    assert now(job).state == JobState.RUNNING
    cluster.say(job, "CANCELLED", status=15)
    watcher.look()
    assert now(job).state == JobState.CANCELLED


# --- what Slurm knows no more ---


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


# --- what the administrator writes ---


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
