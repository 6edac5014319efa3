"""Limits, restart and cancel on the real stack, with real engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.simulations.test_docking_screen import EXAMPLE
from tests.stack import Stack, until

pytestmark = [pytest.mark.slow, pytest.mark.stack]

BENZENE = """12

C  1.40  0.0000 0
C  0.70  1.2124 0
C -0.70  1.2124 0
C -1.40  0.0000 0
C -0.70 -1.2124 0
C  0.70 -1.2124 0
H  2.49  0.0000 0
H  1.245  2.1564 0
H -1.245  2.1564 0
H -2.49  0.0000 0
H -1.245 -2.1564 0
H  1.245 -2.1564 0
"""
LARGE = {"structure": BENZENE, "basis": "def2-tzvp", "functional": "b3lyp"}
"""Some 900 MiB, or a quarter of it in portions where it may not have more."""


def submit(stack: Stack, simulation: str, params: dict[str, Any], **more: Any) -> str:
    body = {"simulation": simulation, "params": params, **more}
    answer = stack.client.post("/api/v1/jobs", json=body)
    assert answer.status_code in {200, 202}, answer.text
    return str(answer.json()["id"])


def test_a_run_that_takes_too_much_memory_fails_as_memory_and_says_how_much(stack: Stack) -> None:
    job = stack.wait(submit(stack, "dft_single_point", LARGE, limits={"memory_mib": 100}))

    assert (job["state"], job["failure_kind"], job["attempt"]) == ("failed", "memory", 1)
    assert 100 < job["error"]["reached"]["memory_mib"] < 2000
    assert job["error"]["limit"] == {"memory_mib": 100}
    assert job["error"]["fix"]["limits"]["memory_mib"] >= 200
    (attempt,) = job["attempts"]
    assert attempt["details"]["reached"] == job["error"]["reached"]
    assert attempt["peak_memory_mib"] == pytest.approx(job["error"]["reached"]["memory_mib"], abs=1)
    record = job["provenance"]
    assert (record["outcome"], record["failure_kind"]) == ("failed", "memory")
    assert record["peak_memory_mib"] == attempt["peak_memory_mib"]
    assert all(each["partial"] for each in job["artifacts"])


def test_a_run_stopped_by_its_time_limit_goes_on_from_there_with_more(stack: Stack) -> None:
    # Long enough that no machine is done with it in time.
    params = {"structure": "CCO", "length_ps": 1500}
    stopped = stack.wait(submit(stack, "md_simulation", params, limits={"wall_time_s": 10}))
    assert (stopped["failure_kind"], stopped["error"]["limit"]) == ("timeout", {"wall_time_s": 10})
    reached = stopped["attempts"][0]["progress"]
    assert 0 < reached < 1

    answer = stack.client.post(stopped["links"]["restart"], json={"limits": {"wall_time_s": 900}})

    assert answer.status_code == 202, answer.text
    job = stack.wait(answer.json()["id"], within_s=600)
    assert (job["state"], job["restarted_from"]) == ("succeeded", stopped["id"])
    assert job["result"]["resumed_at_step"] > 0
    points = [p for e in stack.events(job["id"]) for p in e.get("points", [])]
    assert "resuming at step" in points[0]["message"]
    assert points[0]["fraction"] == pytest.approx(reached, abs=0.1)


def test_a_timeout_that_may_be_retried_goes_on_by_itself(stack: Stack) -> None:
    params = {"structure": "CCO", "length_ps": 1001}
    retry = {"max_attempts": 20, "on": ["timeout"]}

    job = stack.wait(
        submit(stack, "md_simulation", params, limits={"wall_time_s": 10}, retry=retry),
        within_s=600,
    )

    assert job["state"] == "succeeded"
    kinds = [attempt["failure_kind"] for attempt in job["attempts"]]
    assert set(kinds[:-1]) == {"timeout"}
    assert job["result"]["resumed_at_step"] > 0


def test_a_run_that_fills_the_disk_fails_as_disk(stack: Stack) -> None:
    params = {"structure": "CCO", "length_ps": 1900, "report_interval_ps": 0.2}

    job = stack.wait(submit(stack, "md_simulation", params, limits={"disk_mib": 1}), within_s=300)

    assert (job["state"], job["failure_kind"]) == ("failed", "disk")
    assert job["error"]["reached"]["disk_mib"] >= 1
    assert [each["name"] for each in job["artifacts"]]


GREEDY = """
import os as _os, subprocess as _subprocess, sys as _sys, threading as _threading

def _take():
    for _ in range(2):
        _subprocess.Popen([_sys.executable, "-c", "while True: pass"])
    try:
        with open("/proc/self/autogroup", "w") as group:
            group.write("-20")
    except OSError:
        pass

_os.register_at_fork(after_in_child=_threading.Timer(1, _take).start)
"""
"""A configuration of PySCF's, as a person may have one, that takes two cores for itself; where it
may, from others too: a machine that is busy with them would not give it so much.

The worker imports PySCF, and the work-horse that it forks computes.
"""


def test_a_run_that_takes_more_cores_than_it_may_fails_as_threads(tmp_path: Path) -> None:
    config = tmp_path / "pyscf_conf.py"
    config.write_text(GREEDY)

    with Stack(workers=1, PYSCF_CONFIG_FILE=str(config)) as stack:
        job_id = submit(stack, "dft_single_point", LARGE, limits={"threads": 1})
        greedy = until(lambda: [p for p in stack.descendants() if "pass" in str(_argv(p))], "both")
        job = stack.wait(job_id)

    assert (job["state"], job["failure_kind"], job["attempt"]) == ("failed", "threads", 1)
    assert job["error"]["limit"] == {"threads": 1}
    assert job["error"]["reached"]["threads"] >= 1.5
    assert not any(each.is_running() for each in greedy)


def test_the_children_of_an_engine_die_with_a_cancelled_job(stack: Stack) -> None:
    job_id = submit(stack, "docking_screen", EXAMPLE)

    def vina() -> list[psutil.Process]:
        return [each for each in stack.descendants() if "vina_child.py" in " ".join(_argv(each))]

    children = until(vina, "a search of Vina's")
    stack.client.post(f"/api/v1/jobs/{job_id}/cancel")
    job = stack.wait(job_id)

    assert job["state"] == "cancelled"
    assert not any(child.is_running() for child in children)


def _argv(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def test_a_worker_that_was_killed_is_replaced_in_seconds(private_stack: Stack) -> None:
    stack = private_stack
    job_id = submit(stack, "md_simulation", {"structure": "CCO", "length_ps": 500})
    stack.wait(job_id, lambda job: job["progress"] > 0.05)

    for worker in stack.processes("work"):
        worker.kill()
    job = stack.wait(job_id, lambda job: job["attempt"] == 2)

    lost = job["attempts"][0]
    assert (lost["failure_kind"], lost["details"]["process"]) == ("lost", "gone")
    assert lost["details"]["last_heartbeat_at"]
    stack.client.post(f"/api/v1/jobs/{job_id}/cancel")
    assert stack.wait(job_id)["state"] == "cancelled"
