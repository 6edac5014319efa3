"""The real thing, as its user runs it: real Redis, Daphne, workers, engines, and real deaths."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from http import HTTPStatus
from typing import Any

import pytest

from tests.stack import ROOT, Stack, free_port, quickest, survivors

pytestmark = [pytest.mark.stack, pytest.mark.slow]

WATER = "O"
BENZENE = "c1ccccc1"


def running_scf(stack: Stack, structure: str = BENZENE) -> str:
    """A DFT job that is in the midst of an SCF."""
    job_id = stack.submit("dft_optimization", structure=structure, preoptimize=False)
    stack.wait(job_id, lambda job: job["metrics"].get("scf_cycle"))
    return job_id


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


@pytest.mark.timed
def test_cancel_stops_a_running_scf_within_two_seconds(stack: Stack) -> None:
    assert quickest(lambda: stopped_after_s(stack), 2) < 2


def stopped_after_s(stack: Stack) -> float:
    job_id = running_scf(stack)
    horses = stack.horses_of(job_id)
    assert horses

    asked = time.monotonic()
    stack.client.post(f"/api/v1/jobs/{job_id}/cancel").raise_for_status()
    job = stack.wait(job_id)
    took_s = time.monotonic() - asked

    assert (job["state"], job["failure_kind"]) == ("cancelled", "cancelled_by")
    assert survivors(horses, within_s=0) == []
    assert "job.log" in [artifact["name"] for artifact in job["artifacts"]]
    assert_no_gap(stack, job_id)
    return took_s


def test_a_time_limit_ends_a_run_that_does_not_end_itself(stack: Stack) -> None:
    body = {
        "simulation": "dft_optimization",
        "params": {"structure": BENZENE},
        "limits": {"wall_time_s": 3},
    }
    job_id = stack.client.post("/api/v1/jobs", json=body).json()["id"]

    job = stack.wait(job_id)

    assert (job["state"], job["failure_kind"]) == ("failed", "timeout")
    assert "its limit is 3 s" in job["error"]["detail"]


def test_ctrl_c_stops_every_child_and_a_second_start_goes_on_with_the_same_jobs(
    private_stack: Stack,
) -> None:
    stack = private_stack
    done = stack.wait(stack.submit("demo.sum_squares", n=3))
    job_id = running_scf(stack)
    children = stack.descendants()

    assert stack.down() == 0
    assert survivors(children, within_s=1) == []
    stack.up()

    # What its attempt had used is written a moment after its end.
    assert stack.job(done["id"]) | {"attempts": 1} == done | {"attempts": 1}
    job = stack.wait(job_id, lambda job: job["state"] == "running")
    assert job["attempt"] == 2
    kinds = [event["kind"] for event in stack.events(job_id)]
    assert kinds.count("started") == 2
    assert kinds.count("requeued") == 1


def test_a_body_of_undeclared_length_is_bounded(stack: Stack) -> None:
    def endless() -> Any:
        yield b'{"simulation": "'
        for _ in range(20):
            yield b"x" * 100_000

    headers = {"Content-Type": "application/json"}
    answer = stack.client.post("/api/v1/jobs", content=endless(), headers=headers)

    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/jobs/new/dft_optimization/", "text/html"), ("/api/v1/jobs", "application/problem+json")],
)
def test_a_body_that_no_door_takes_is_refused_in_words(stack: Stack, path: str, kind: str) -> None:
    """At its first line: none of it is sent here, and none is waited for."""
    with socket.create_connection(("127.0.0.1", stack.port), timeout=60) as line:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {kind}\r\n"
        line.sendall(f"{head}Content-Length: 40000000\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b"")).decode()

    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 413 Content Too Large")
    assert f"Content-Type: {kind}" in head
    assert f"Content-Length: {len(body.encode())}" in head
    assert "larger than 32,000,000 bytes" in body


def test_a_refusal_says_its_status_in_words_too(stack: Stack) -> None:
    answer = stack.client.post("/api/v1/jobs", json={"simulation": "demo.sum_squares"})

    assert (answer.status_code, answer.reason_phrase) == (422, HTTPStatus(422).phrase)


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
