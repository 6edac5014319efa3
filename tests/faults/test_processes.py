"""Processes die, stop and are stopped, on real sites on both databases; no job is worse for it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from tests.sabotage import stopped
from tests.stack import ROOT, Stack, kill, quickest, survivors, until

from .site import failures, long_run, notice, short_runs, told_after_s

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.mark.timed
def test_a_dead_work_horse_is_noticed_within_a_second(site: Stack) -> None:
    assert quickest(lambda: noticed_after_s(site), 1) < 1


def noticed_after_s(site: Stack) -> float:
    job_id = long_run(site)

    site.horses()[0].kill()
    killed = time.time()

    site.wait(job_id, lambda job: job["attempt"] == 2)
    assert "signal 9" in notice(site, job_id)["evidence"]
    job = site.wait(job_id)
    assert job["state"] == "succeeded"
    assert job["result"]["resumed_at_step"] > 0
    return told_after_s(site, job_id, killed)


def test_a_dead_worker_takes_its_horse_along_and_its_job_goes_on(site: Stack) -> None:
    job_id = long_run(site)
    horse = site.horses()[0]

    horse.parent().kill()
    killed = time.time()

    assert survivors([horse]) == []
    site.wait(job_id, lambda job: job["attempt"] == 2)
    assert told_after_s(site, job_id, killed) < 30
    job = site.wait(job_id)
    assert job["state"] == "succeeded"
    assert job["result"]["resumed_at_step"] > 0


def test_worker_and_horse_die_at_once(site: Stack) -> None:
    job_id = long_run(site)
    horse = site.horses()[0]

    kill([horse.parent(), horse])

    assert site.wait(job_id)["attempt"] == 2


def test_the_web_server_dies_while_it_takes_jobs(site: Stack) -> None:
    web = site.processes("daphne")[0]
    name = f"while {web.pid} dies"

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(submit_surely, site, name, n) for n in range(1, 41)]
        until(lambda: any(each.done() for each in asked), "the first answer")
        web.kill()
        accepted = [each.result() for each in asked]
    # Had all been answered before, it may be away still.
    until(site.is_ready, "it is back")

    listed = site.client.get("/api/v1/jobs", params={"limit": 100}).json()["results"]
    stored = [job["id"] for job in listed if job["name"] == name]
    assert set(accepted) <= set(stored)
    # What was stored and never answered for is a job like any other.
    site.accepted += stored


def test_the_supervisor_dies_and_everything_with_it(site: Stack) -> None:
    job_ids = [long_run(site), *short_runs(site)]
    children = site.descendants()
    assert site.process

    site.process.kill()
    site.process.wait(60)
    assert survivors(children) == []
    assert site.orphans() == []
    site.up()

    assert site.wait(job_ids[0])["attempt"] == 2


def test_a_worker_that_was_stopped_past_its_lease_is_not_believed(
    site: Stack, database: str
) -> None:
    # Not over before both are found outside a write.
    job_id = long_run(site, 800)
    horse = site.horses()[0]

    with stopped(site, database, (horse.parent(), horse)):
        site.wait(job_id, lambda job: job["state"] == "running" and job["attempt"] == 2)
    assert survivors([horse], within_s=60) == []

    job = site.wait(job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 2)
    kinds = [event["kind"] for event in site.events(job_id)]
    assert kinds.count("succeeded") == 1


def test_three_reconcilers_at_once_do_nothing_twice(site: Stack) -> None:
    argv = [sys.executable, "manage.py", "recover_jobs", "--every", "0.2"]
    others = [
        subprocess.Popen(argv, cwd=ROOT, env=site.env, stderr=subprocess.DEVNULL) for _ in range(2)
    ]
    try:
        # Not over before its worker is found and killed, however busy the machine is.
        job_ids = [long_run(site, 800)]
        psutil.Process(site.audit(job_ids)[0]["attempts"][0]["worker_pid"]).kill()
        job_ids += short_runs(site, 20)

        for job_id in job_ids:
            site.wait(job_id)
    finally:
        for other in others:
            other.kill()
            other.wait()

    kinds = [event["kind"] for event in site.events(job_ids[0])]
    assert kinds.count("requeued") == 1
    for job_id in job_ids[1:]:
        assert site.job(job_id)["attempt"] == 1


def test_a_worker_that_is_told_to_stop_hands_its_job_over(site: Stack) -> None:
    job_id = long_run(site)

    site.horses()[0].parent().terminate()

    site.wait(job_id, lambda job: job["attempt"] == 2)
    job = site.wait(job_id)
    assert job["result"]["resumed_at_step"] > 0
    # It was no failure: the job has as many attempts left as before.
    assert site.audit([job_id])[0]["attempts"][0]["failure_kind"] == ""


def test_a_deploy_hands_over_what_runs(site: Stack, database: str) -> None:
    """By SIGTERM on SQLite, by Ctrl-C on the other."""
    number = signal.SIGINT if database else signal.SIGTERM
    job_ids = [long_run(site), *short_runs(site)]
    children = site.descendants()
    assert site.process

    site.process.send_signal(number)
    assert site.process.wait(60) == 0
    assert survivors(children, within_s=1) == []
    assert site.orphans() == []
    site.up()

    job = site.wait(job_ids[0])
    assert job["result"]["resumed_at_step"] > 0
    assert failures(site, job_ids) == []


def submit_surely(stack: Stack, name: str, n: int) -> str:
    """Send the request until it is answered."""
    body = {"simulation": "demo.sum_squares", "params": {"n": n}, "name": name, "reuse": False}

    def accepted() -> str | None:
        try:
            answer = stack.client.post("/api/v1/jobs", json=body)
        except httpx.TransportError:
            return None
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    job_id: str = until(accepted, f"an answer to {n}")
    return job_id
