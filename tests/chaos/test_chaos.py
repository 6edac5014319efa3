"""The chaos run in small, and that it would see what it looks for."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from tests.stack import ROOT

from . import faults, schedule, table
from .run import Fault, Record

JOB = {
    "id": "1",
    "name": "chaos-1-0",
    "state": "succeeded",
    "failure_kind": "",
    "faults": [],
    "attempts": [
        {"worker_pid": 7, "started_at": 10, "ended_at": 12.5, "outcome": "requeued"},
        {"worker_pid": 8, "started_at": 13, "ended_at": 14, "outcome": "succeeded"},
    ],
}


def record(*jobs: dict[str, Any], **more: Any) -> Record:
    return Record(accepted={"chaos-1-0": "1"}, audit=list(jobs), **more)


def test_the_same_seed_makes_the_same_jobs_and_faults() -> None:
    def plan(seed: int) -> schedule.Plan:
        return schedule.make(seed=seed, n_jobs=50, within_s=60, kinds=[*faults.KINDS])

    assert plan(1) == plan(1)
    assert plan(1) != plan(2)
    assert len(plan(1).jobs) == 50


def test_every_kind_of_fault_comes_once_before_any_comes_again() -> None:
    kinds = [*faults.KINDS]
    plan = schedule.make(seed=3, n_jobs=1, within_s=600, kinds=kinds)

    assert sorted(fault.kind for fault in plan.faults[: len(kinds)]) == sorted(kinds)


def test_a_job_that_ended_once_is_good() -> None:
    assert table.judge(record(JOB)).is_good


@pytest.mark.parametrize(
    "jobs",
    [
        [],
        [JOB | {"state": "running"}],
        [JOB, JOB | {"id": "2"}],
        [JOB | {"faults": ["its events are numbered [1, 3]"]}],
    ],
    ids=["lost", "never ended", "made twice", "untrue"],
)
def test_what_is_wrong_is_seen(jobs: list[dict[str, Any]]) -> None:
    assert not table.judge(record(*jobs)).is_good


def test_a_fault_is_noticed_when_the_attempt_that_it_hit_has_ended() -> None:
    hit = Fault(kind="worker killed", at=12, done=faults.Done(workers=(7,), back_s=1.5))
    missed = Fault(kind="worker killed", at=13.5, done=faults.Done(workers=(8,), back_s=2))

    row = table.rows(record(JOB, faults=[hit, missed]))["worker killed"]

    assert (row.times, row.ended_attempts) == (2, 1)
    assert (row.noticed_s, row.back_s) == ([0.5], [1.5, 2])


@pytest.mark.slow
@pytest.mark.stack
def test_thirty_jobs_survive_a_minute_of_chaos() -> None:
    argv = [sys.executable, "-m", "tests.chaos", "--jobs", "30", "--minutes", "1", "--seed", "1"]

    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "| accepted | 30 |" in done.stdout
