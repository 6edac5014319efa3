"""Real jobs on a real Slurm, started as their user does it, and everything broken once."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest

from tests.slurm import Slurm
from tests.stack import kill, survivors, until

from .site import OnSlurm

pytestmark = [pytest.mark.stack, pytest.mark.slow]

MEMBERS = 30


@pytest.fixture(scope="module")
def site(slurm: Slurm) -> Iterator[OnSlurm]:
    with OnSlurm(slurm) as running:
        yield running


@pytest.fixture(scope="module")
def timed_out(site: OnSlurm) -> str:
    """Sent first: Slurm counts limits in minutes, and the other tests need not wait for it."""
    return site.long_run(limits={"wall_time_s": 30}, length_ps=100_000)


def test_a_job_runs_to_its_result(site: OnSlurm, timed_out: str) -> None:
    job_id = site.submit("demo.sum_squares", n=5)

    job = site.wait(job_id)

    assert (job["state"], job["result"]) == ("succeeded", {"total": 55})
    assert site.state_in_slurm(site.native_id(job_id)) in {"COMPLETED", "COMPLETING", "RUNNING"}
    # A look that comes in the midst of it tells of its progress in two parts.
    kinds = [kind for kind, _ in groupby(event["kind"] for event in site.events(job_id))]
    assert kinds[0] == "submitted"
    assert kinds[-3:] == ["started", "progress", "succeeded"]


def test_a_real_engine_leaves_its_files(site: OnSlurm) -> None:
    job_id = site.submit("xtb_optimization", structure="O")

    job = site.wait(job_id)

    assert job["state"] == "succeeded", job
    assert job["result"]["energy_hartree"] == pytest.approx(-5.07, abs=0.01)
    assert job["provenance"]["outcome"] == "succeeded"
    files = {artifact["name"]: artifact for artifact in job["artifacts"]}
    assert {"job.log", "provenance.json"} < files.keys()
    for artifact in files.values():
        assert len(site.client.get(artifact["url"]).content) == artifact["size_bytes"]


def test_bad_input_fails_with_its_reason(site: OnSlurm) -> None:
    """One that only the engine finds out."""
    job_id = site.submit("xtb_optimization", structure="O", max_steps=1)

    job = site.wait(job_id)

    assert (job["state"], job["failure_kind"]) == ("failed", "science")
    assert job["error"]["detail"]


def test_a_running_one_is_cancelled_once_it_is_gone(site: OnSlurm) -> None:
    job_id = site.long_run()
    site.until_midst(job_id)
    processes = site.processes_of(job_id)

    site.cancel(job_id)

    assert site.wait(job_id)["state"] == "cancelled"
    assert survivors(processes, within_s=0) == []


def test_one_that_waits_says_why_and_is_taken_out_of_the_queue(site: OnSlurm) -> None:
    site.slurm.ask("scontrol", "update", "partition=main", "state=DOWN")
    try:
        job_id = site.submit("demo.sum_squares", n=5)
        job = site.wait(job_id, lambda job: "PartitionDown" in str(job["waiting"]))
        assert job["waiting"]["reason"] == "scheduler"
        native_id = job["waiting"]["text"].partition(" as ")[2].partition(":")[0]
        assert site.state_in_slurm(native_id) == "PENDING"

        site.cancel(job_id)

        assert site.job(job_id)["state"] == "cancelled"
        until(lambda: site.state_in_slurm(native_id) == "CANCELLED", "Slurm has let go of it")
    finally:
        site.slurm.ask("scontrol", "update", "partition=main", "state=UP")


def test_who_cancels_it_in_slurm_has_cancelled_it(site: OnSlurm) -> None:
    job_id = site.long_run()
    site.until_midst(job_id)

    site.slurm.ask("scancel", site.native_id(job_id))

    job = site.wait(job_id)
    assert (job["state"], job["failure_kind"]) == ("cancelled", "cancelled_by")
    assert job["attempts"][0]["evidence"] == "It was cancelled in Slurm."


def test_a_step_that_is_killed_goes_on_from_its_checkpoint(site: OnSlurm) -> None:
    job_id = site.long_run(length_ps=400)
    site.until_midst(job_id)

    kill(site.processes_of(job_id))

    job = site.wait(job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 2)
    first = job["attempts"][0]
    assert (first["failure_kind"], first["details"]["signal"]) == ("lost", 9)
    assert job["provenance"]["previous_attempt"]


def test_what_slurm_puts_back_into_its_queue_goes_on_in_an_attempt_of_ours(site: OnSlurm) -> None:
    job_id = site.long_run(length_ps=400)
    site.until_midst(job_id)
    native_id = site.native_id(job_id)
    with pytest.raises(subprocess.CalledProcessError):  # as we sent it
        site.slurm.ask("scontrol", "requeue", native_id)
    site.slurm.ask("scontrol", "update", f"JobId={native_id}", "Requeue=1")

    site.slurm.ask("scontrol", "requeue", native_id)

    job = site.wait(job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 2)
    first = job["attempts"][0]
    assert (first["failure_kind"], first["details"]["slurm_restarts"]) == ("infrastructure", 1)
    assert job["provenance"]["previous_attempt"]
    until(lambda: site.state_in_slurm(native_id) == "CANCELLED", "Slurm has let go of it")


def test_one_that_takes_more_memory_than_it_may_is_told_so(site: OnSlurm) -> None:
    job_id = site.long_run(limits={"memory_mib": 64})

    job = site.wait(job_id)

    assert (job["state"], job["failure_kind"]) == ("failed", "memory"), job
    assert job["error"]["fix"] == {"limits": {"memory_mib": 128}}
    told = "OUT_OF_MEMORY" if site.slurm.has_cgroups else "FAILED"
    assert job["attempts"][0]["details"]["slurm_state"] == told


def test_a_lost_reply_costs_no_second_run(site: OnSlurm) -> None:
    site.flag.touch()
    before = {*site.slurm.ask("squeue", "-h", "-t", "all", "-o", "%A").split()}

    job_id = site.submit("demo.sum_squares", n=6)

    assert site.wait(job_id)["state"] == "succeeded"
    assert not site.flag.exists()
    after = {*site.slurm.ask("squeue", "-h", "-t", "all", "-o", "%A").split()}
    assert len(after - before) == 1


@pytest.mark.parametrize("daemon", ["slurmctld", "munged"])
def test_what_runs_goes_on_while_slurm_is_away_and_what_comes_waits(
    site: OnSlurm, daemon: str
) -> None:
    running = site.long_run(length_ps=20_000)
    reached = site.until_midst(running)["progress"]
    # A controller that dies before knows nothing of its start, and would begin it once more.
    site.slurm.save(site.native_id(running))

    site.slurm.kill(daemon)

    try:
        new = site.submit("demo.sum_squares", n=7)
        site.wait(new, lambda job: "queue_unreachable" in str(job["waiting"]))
        site.wait(running, lambda job: job["progress"] > reached)
    finally:
        site.slurm.start_munge() if daemon == "munged" else site.slurm.start_controller()
    assert site.wait(new)["state"] == "succeeded"
    job = site.job(running)
    assert (job["state"], job["attempt"]) == ("running", 1)
    site.cancel(running)
    assert site.wait(running)["state"] == "cancelled"


def test_a_watcher_that_dies_is_followed_by_one_that_knows_as_much(site: OnSlurm) -> None:
    job_id = site.long_run(length_ps=400)
    site.until_midst(job_id)

    (watcher,) = until(lambda: site.processes("watch"), "a watcher to kill")
    watcher.kill()

    job = site.wait(job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 1)
    told = [event for event in site.events(job_id) if event["kind"] == "progress"]
    written = (site.var / "jobs" / job_id / "1" / "progress.jsonl").read_text().splitlines()
    reached = [point["fraction"] for event in told for point in event["points"]]
    assert reached == [json.loads(line)["fraction"] for line in written]


def test_a_campaign_is_one_array_and_one_question_a_look(site: OnSlurm) -> None:
    body = {
        "template": {"simulation": "demo.sum_squares"},
        "grid": {"params.n": list(range(1, MEMBERS + 1))},
        "reuse": False,
    }
    batch = site.client.post("/api/v1/batches", json=body).json()
    asked, began = site.n_asked, time.monotonic()

    def over() -> Any:
        told = site.client.get(batch["links"]["self"]).json()
        return told if told["finished_at"] else None

    told = until(over, "the campaign", within_s=300)

    assert told["counts"]["succeeded"] == MEMBERS
    looks = (time.monotonic() - began) / 0.5
    assert site.n_asked - asked <= looks + 1
    with site.client.stream("GET", batch["links"]["results"]) as answer:
        first = str(next(answer.iter_lines()))
    assert "total" in first
    arrays = site.slurm.ask("squeue", "-h", "-t", "all", "-r", "-o", "%F %K").split("\n")
    members = [line.split() for line in arrays if line and not line.endswith("N/A")]
    assert len(members) == MEMBERS
    assert len({array for array, _ in members}) == 1


def test_past_its_time_slurm_ends_it(site: OnSlurm, timed_out: str) -> None:
    job = site.wait(timed_out, within_s=300)

    assert (job["state"], job["failure_kind"]) == ("failed", "timeout")
    assert job["error"]["fix"]["limits"]["wall_time_s"] > 30
    assert job["attempts"][0]["details"]["slurm_state"] == "TIMEOUT"


def test_one_that_makes_room_for_a_more_urgent_job_goes_on_after_it(
    site: OnSlurm, timed_out: str
) -> None:
    site.wait(timed_out, within_s=300)  # or it would make room too
    job_id = site.long_run(length_ps=400)
    node = site.until_midst(job_id)["attempts"][0]["host"]

    urgent = ["--partition=urgent", "--exclusive", f"--nodelist={node}", "--output=/dev/null"]
    site.slurm.ask("sbatch", *urgent, "--wrap=exit 0")

    job = site.wait(job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 2)
    first = job["attempts"][0]
    assert (first["failure_kind"], first["details"]["slurm_state"]) == (
        "infrastructure",
        "PREEMPTED",
    )
    assert job["provenance"]["previous_attempt"]


def test_a_node_that_loses_power_costs_an_attempt(site: OnSlurm, timed_out: str) -> None:
    site.wait(timed_out, within_s=300)  # or it would be lost with the node
    job_id = site.long_run(length_ps=400)
    node = site.until_midst(job_id)["attempts"][0]["host"]

    site.cut_power(node)

    try:
        job = site.wait(job_id)
        assert (job["state"], job["attempt"]) == ("succeeded", 2)
        first, second = job["attempts"]
        assert (first["failure_kind"], first["details"]["slurm_state"]) == ("lost", "NODE_FAIL")
        assert second["host"] != node
    finally:
        site.slurm.start_node(node)
        site.until_idle()


def test_nothing_of_it_is_left_when_all_is_over(site: OnSlurm, timed_out: str) -> None:
    site.wait(timed_out, within_s=300)

    def is_clean() -> bool:
        return not [*(site.var / "slurm").iterdir()] and not [*site.var.glob("jobs/*/*/.scratch")]

    until(is_clean, "what was sent is forgotten")
    assert survivors(site.slurm.at_work()) == []
