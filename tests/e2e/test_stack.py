"""The real thing, as its user runs it: real Redis, Daphne, workers, engines, and real deaths."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import Any

import httpx
import psutil
import pytest
import redis

from tests.stack import ROOT, Stack, free_port, until

pytestmark = [pytest.mark.stack, pytest.mark.slow]

WATER = "O"
BENZENE = "c1ccccc1"


def running_scf(stack: Stack, structure: str = BENZENE) -> str:
    """A DFT job that is in the midst of an SCF."""
    job_id = stack.submit("dft_optimization", structure=structure, preoptimize=False)
    stack.wait(job_id, lambda job: job["metrics"].get("scf_cycle"))
    return job_id


def horse_of(stack: Stack) -> psutil.Process:
    """The process that computes."""
    return next(horse for worker in stack.processes("work") for horse in worker.children() if horse)


def assert_no_gap(stack: Stack, job_id: str) -> None:
    seqs = [event["seq"] for event in stack.events(job_id)]
    assert seqs == list(range(1, stack.job(job_id)["last_seq"] + 1))


def test_water_is_optimised_and_its_files_are_what_they_say(stack: Stack) -> None:
    job_id = stack.submit("dft_optimization", structure=WATER, functional="b3lyp", basis="def2-svp")

    job = stack.wait(job_id)

    assert job["state"] == "succeeded", job["error"]
    assert job["result"]["energy_hartree"] == pytest.approx(-76.3589, abs=1e-3)
    assert job["result"]["converged"] is True
    assert job["progress"] == 1
    files = {artifact["name"]: artifact for artifact in job["artifacts"]}
    assert {"checkpoint.chk", "final.xyz", "trajectory.xyz", "qcschema.json", "job.log"} <= set(
        files
    )
    for artifact in files.values():
        body = stack.client.get(artifact["url"])
        assert len(body.content) == artifact["size_bytes"]
    points = [p for event in stack.events(job_id) for p in event.get("points", [])]
    assert [p["scf_cycle"] for p in points if "scf_cycle" in p][:3] == [1, 2, 3]
    assert any("max_force_hartree_per_bohr" in p for p in points)
    assert_no_gap(stack, job_id)
    told = stack.client.get(f"/job_status/{job_id}").json()
    assert told["status"] == "SUCCESS"
    assert told["result"]["energy_level"] == job["result"]["energy_hartree"]
    assert os.path.getsize(told["result"]["output_path"]) > 0  # noqa: PTH202


def test_cancel_stops_a_running_scf_within_two_seconds(stack: Stack) -> None:
    job_id = running_scf(stack)

    asked = time.monotonic()
    stack.client.post(f"/api/v1/jobs/{job_id}/cancel").raise_for_status()
    job = stack.wait(job_id, within_s=5)
    took_s = time.monotonic() - asked

    assert (job["state"], job["failure_kind"]) == ("cancelled", "cancelled_by")
    assert took_s < 2
    assert not [horse for worker in stack.processes("work") for horse in worker.children()]
    assert "job.log" in [artifact["name"] for artifact in job["artifacts"]]
    assert_no_gap(stack, job_id)


def test_a_time_limit_ends_a_run_that_does_not_end_itself(stack: Stack) -> None:
    body = {
        "simulation": "dft_optimization",
        "params": {"structure": BENZENE},
        "limits": {"wall_time_s": 3},
    }
    job_id = stack.client.post("/api/v1/jobs", json=body).json()["id"]

    job = stack.wait(job_id, within_s=60)

    assert (job["state"], job["failure_kind"]) == ("failed", "timeout")
    assert "its limit is 3 s" in job["error"]["detail"]


def test_a_killed_work_horse_is_noticed_at_once_and_its_job_tried_again(
    private_stack: Stack,
) -> None:
    stack = private_stack
    job_id = running_scf(stack)

    horse_of(stack).send_signal(signal.SIGKILL)
    # Far sooner than any lease runs out.
    stack.wait(job_id, lambda job: job["attempt"] == 2, within_s=5)

    requeued = next(event for event in stack.events(job_id) if event["kind"] == "requeued")
    assert "signal 9" in requeued["evidence"]
    stack.wait(job_id, lambda job: job["state"] == "running" and job["attempt"] == 2)
    assert_no_gap(stack, job_id)


def test_a_killed_worker_takes_its_horse_along_and_its_job_goes_on_elsewhere(
    private_stack: Stack,
) -> None:
    stack = private_stack
    job_id = running_scf(stack)
    horse = horse_of(stack)

    horse.parent().send_signal(signal.SIGKILL)
    killed = time.monotonic()

    horse.wait(5)
    stack.wait(job_id, lambda job: job["attempt"] == 2, within_s=30)
    assert time.monotonic() - killed < 30
    until(lambda: len(stack.processes("work")) == 2, "the worker is back")
    assert_no_gap(stack, job_id)


def test_the_same_message_twice_runs_once(private_stack: Stack) -> None:
    stack = private_stack
    job_id = running_scf(stack, structure="CCO")
    server = next(p for p in stack.descendants() if "redis-server" in p.name())
    socket = " ".join(server.cmdline()).partition("unixsocket:")[2].strip()

    redis.Redis(unix_socket_path=socket).rpush("rq:queue:default", f"{job_id}-1")

    job = stack.wait(job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 1)
    assert [event["kind"] for event in stack.events(job_id)].count("started") == 1


def test_a_database_locked_for_longer_than_a_lease_costs_no_attempt(private_stack: Stack) -> None:
    stack = private_stack
    job_id = running_scf(stack)

    with closing(sqlite3.connect(stack.var / "db.sqlite3", timeout=20)) as intruder:
        intruder.execute("BEGIN EXCLUSIVE")
        time.sleep(18)  # what is tested is the lock's length
        intruder.rollback()

    job = stack.wait(job_id, within_s=180)
    assert (job["state"], job["attempt"]) == ("succeeded", 1)
    assert_no_gap(stack, job_id)


def test_redis_may_burn_down_while_a_job_runs(private_stack: Stack) -> None:
    stack = private_stack
    job_id = stack.submit("dft_optimization", structure="CCO")
    stack.wait(job_id, lambda job: job["metrics"].get("scf_cycle"))

    for path in (stack.var / "redis").rglob("*.aof*"):
        path.unlink()
    server = next(p for p in stack.descendants() if "redis-server" in p.name())
    server.send_signal(signal.SIGKILL)
    second = stack.submit("demo.sum_squares", n=3)

    assert stack.wait(second, within_s=60)["state"] == "succeeded"
    job = stack.wait(job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 1)
    assert_no_gap(stack, job_id)


def test_ctrl_c_stops_every_child_and_a_second_start_goes_on_with_the_same_jobs(
    private_stack: Stack,
) -> None:
    stack = private_stack
    done = stack.wait(stack.submit("demo.sum_squares", n=3))
    job_id = running_scf(stack)
    children = stack.descendants()

    assert stack.down() == 0
    _, alive = psutil.wait_procs(children, timeout=1)
    assert alive == []
    stack.up()

    assert stack.job(done["id"]) == done
    job = stack.wait(job_id, lambda job: job["state"] == "running")
    assert job["attempt"] == 2
    kinds = [event["kind"] for event in stack.events(job_id)]
    assert kinds.count("started") == 2
    assert kinds.count("requeued") == 1


def test_a_killed_supervisor_takes_everything_along(private_stack: Stack) -> None:
    stack = private_stack
    children = stack.descendants()
    assert stack.process

    stack.process.kill()
    stack.process.wait(5)

    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


def test_what_dies_is_started_again(private_stack: Stack) -> None:
    stack = private_stack
    web = stack.processes("daphne")[0]

    web.send_signal(signal.SIGKILL)

    def back() -> bool:
        try:
            return stack.client.get("/healthz").is_success
        except httpx.TransportError:
            return False

    web.wait(5)
    until(back, "the web is back")
    assert "ended (signal 9); starting it again" in stack.output()


def test_a_body_of_undeclared_length_is_bounded(stack: Stack) -> None:
    def endless() -> Any:
        yield b'{"simulation": "'
        for _ in range(20):
            yield b"x" * 100_000

    headers = {"Content-Type": "application/json"}
    answer = stack.client.post("/api/v1/jobs", content=endless(), headers=headers)

    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_supervisor_says_in_one_line_why_it_cannot_start(stack: Stack) -> None:
    def refused(port: int, **env: str) -> str:
        argv = [sys.executable, "manage.py", "up", "--port", str(port)]
        done = subprocess.run(
            argv, cwd=ROOT, env=stack.env | env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        lines = (done.stdout + done.stderr).strip().splitlines()
        assert len(lines) == 1, lines
        return lines[0]

    assert f"Port {stack.port} on 127.0.0.1 cannot be used" in refused(stack.port)
    assert "Another backplane is running" in refused(free_port())
    assert "BACKPLANE_MODE is 'cloud'" in refused(free_port(), BACKPLANE_MODE="cloud")
    assert "SECRET_KEY must be set" in refused(free_port(), BACKPLANE_MODE="server")


def test_the_readmes_own_request_gets_the_readmes_own_answer(stack: Stack) -> None:
    """The curl lines of the system that we grew out of, verbatim."""
    submitted = _curl(
        stack,
        'curl -X POST http://127.0.0.1:8000/submit_job -H "Content-Type: application/json" '
        "-d @json_ex.json",
    )
    assert submitted["status"] == "QUEUED"
    status = _curl(stack, f"curl http://127.0.0.1:8000/job_status/{submitted['job_id']}")
    assert status["job_id"] == submitted["job_id"]
    assert status["status"] in {"QUEUED", "RUNNING"}
    stack.client.post(f"/api/v1/jobs/{submitted['job_id']}/cancel").raise_for_status()
    stack.wait(submitted["job_id"])


def _curl(stack: Stack, line: str) -> dict[str, Any]:
    here = line.replace("127.0.0.1:8000", f"127.0.0.1:{stack.port}")
    done = subprocess.run(here, shell=True, cwd=ROOT, capture_output=True, check=True)
    body: dict[str, Any] = json.loads(done.stdout)
    return body
