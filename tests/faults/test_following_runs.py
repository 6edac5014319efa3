"""Brief runs of one user follow each other in one process; what befalls one befalls no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import backplane
from tests.stack import Stack, until

from .conftest import QUICK
from .site import notice

pytestmark = [pytest.mark.stack, pytest.mark.slow]

FOLLOWS = "begins in the process of the run before"
XTB = "xtb_optimization"
BRIEF, LONG = "O", "C" * 60
"""SMILES: of a moment, and of half a minute."""


@pytest.fixture(scope="module")
def one_worker(database: str, request: pytest.FixtureRequest) -> Iterator[Stack]:
    name, url = "following", ""
    if database:
        url = request.getfixturevalue("postgres").create(name)
    with Stack(workers=1, database_url=url, BACKPLANE_RUNS_PER_PROCESS="4", **QUICK) as stack:
        yield stack
    if database:
        request.getfixturevalue("postgres").drop(name)


def sent(stack: Stack, asked: list[dict[str, Any]]) -> list[str]:
    jobs = [{**each, "reuse": False} for each in asked]
    with backplane.Client(stack.url) as client:
        return [item["job_id"] for item in client.submit_batch(jobs=jobs).items()]


def optimise(smiles: str) -> dict[str, Any]:
    return {"simulation": XTB, "params": {"structure": smiles}}


def follows(stack: Stack, job_id: str) -> bool:
    return any(FOLLOWS in line and job_id in line for line in stack.output().splitlines())


def test_so_many_as_the_site_says(one_worker: Stack) -> None:
    jobs = sent(one_worker, [{"simulation": "demo.sum_squares", "params": {"n": 3}}] * 12)

    ended = [one_worker.wait(each) for each in jobs]

    assert [job["result"] for job in ended] == [{"total": 14}] * 12
    assert [follows(one_worker, each) for each in jobs] == ([False] + [True] * 3) * 3
    found = one_worker.audit(jobs)
    assert [told for told in found if told["faults"]] == []
    # And who has nothing to do keeps no process.
    until(lambda: not one_worker.horses(), "it has ended", 5)


def test_a_cancel_ends_one_and_the_next_begins(one_worker: Stack) -> None:
    first, long, last = sent(one_worker, [optimise(each) for each in (BRIEF, LONG, BRIEF)])
    one_worker.wait(long, lambda job: job["progress"] > 0)

    one_worker.client.post(f"/api/v1/jobs/{long}/cancel")

    states = [one_worker.wait(each)["state"] for each in (first, long, last)]
    assert states == ["succeeded", "cancelled", "succeeded"]
    assert [follows(one_worker, each) for each in (first, long, last)] == [False, True, False]
    assert [told for told in one_worker.audit([first, long, last]) if told["faults"]] == []


def test_a_kill_ends_one_which_is_tried_again_by_itself(one_worker: Stack) -> None:
    first, long, last = sent(one_worker, [optimise(each) for each in (BRIEF, LONG, BRIEF)])
    one_worker.wait(long, lambda job: job["progress"] > 0)

    (horse,) = one_worker.horses()
    horse.kill()

    one_worker.wait(long, lambda job: (job["state"], job["attempt"]) == ("running", 2))
    assert "signal 9" in notice(one_worker, long)["evidence"]
    assert [one_worker.wait(each)["attempt"] for each in (first, last)] == [1, 1]
    one_worker.client.post(f"/api/v1/jobs/{long}/cancel")
    one_worker.wait(long)
    assert [told for told in one_worker.audit([first, long, last]) if told["faults"]] == []
    lines = [line for line in one_worker.output().splitlines() if long in line and "begins" in line]
    assert [FOLLOWS in line for line in lines] == [True, False]
