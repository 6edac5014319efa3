"""What a site stands on goes away, fills up, or lies: Redis, the database, the disk, the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
import redis

from tests.postgres import Postgres
from tests.sabotage import empty, fill, locked, may_mount, set_clock, with_a_clock
from tests.stack import Stack, until

from .conftest import QUICK
from .site import assert_true, failures, long_run, short_runs

pytestmark = [pytest.mark.stack, pytest.mark.slow]

AWAY_S = 10


@pytest.mark.parametrize("keeps_its_data", [True, False], ids=["with data", "without data"])
def test_redis_dies_and_comes_back(site: Stack, keeps_its_data: bool) -> None:
    job_ids = [long_run(site), *short_runs(site)]

    if not keeps_its_data:
        for path in (site.var / "redis").rglob("*.aof*"):
            path.unlink()
    server = site.redis_server()
    server.kill()
    server.wait(60)
    job_ids += short_runs(site)

    assert {site.wait(job_id)["state"] for job_id in job_ids} == {"succeeded"}
    # What ran went on, and what was about to start may have gone back into the line.
    assert site.job(job_ids[0])["attempt"] == 1
    until(site.is_ready, "its workers are known to it again")
    assert failures(site, job_ids) == []


def test_redis_hangs_while_jobs_are_submitted(site: Stack) -> None:
    server = site.redis_server()
    server.suspend()
    try:
        began = time.monotonic()
        job_ids = short_runs(site, 2)
        took_s = time.monotonic() - began
        assert site.job(job_ids[0])["reason"] == "queue_unreachable"
    finally:
        server.resume()

    # Two patient attempts of two seconds each is what one job may cost its user.
    assert took_s < 2 * 10
    assert {site.wait(job_id)["state"] for job_id in job_ids} == {"succeeded"}


def test_a_database_that_is_locked_costs_no_attempt(site: Stack, database: str) -> None:
    job_id = long_run(site)

    with locked(site, database):
        time.sleep(AWAY_S)  # what is tested is the lock's length

    job = site.wait(job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 1)


def test_a_database_that_is_gone_costs_no_attempt(
    site: Stack, database: str, request: pytest.FixtureRequest
) -> None:
    if not database:
        pytest.skip("SQLite has no server that could die")
    server: Postgres = request.getfixturevalue("postgres")
    job_id = long_run(site)

    server.kill()
    time.sleep(AWAY_S)  # what is tested is how long it is away
    refused = site.client.post("/api/v1/jobs", json={"simulation": "demo.sum_squares"})
    server.start()

    assert refused.status_code == 503
    job = site.wait(job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 1)
    until(site.is_ready, "the web has found its database again")


@pytest.mark.skipif(not may_mount(), reason="needs a disk of its own: root, and mount")
def test_a_full_disk_is_told_and_the_worker_lives_on(site: Stack) -> None:
    workers = site.processes("work")
    fill(site)
    try:
        job_id = site.submit("md_simulation", structure="CCO", length_ps=20)
        job = site.wait(job_id)
    finally:
        empty(site)

    assert (job["state"], job["failure_kind"]) == ("failed", "infrastructure")
    assert "No space left on device" in job["error"]["detail"]
    after = site.submit("md_simulation", structure="CCO", length_ps=20)
    assert site.wait(after)["state"] == "succeeded"
    assert site.processes("work") == workers


def test_the_same_message_twice_runs_once(site: Stack) -> None:
    job_id = long_run(site)

    queue = redis.Redis(unix_socket_path=site.redis_socket())
    for _ in range(3):
        queue.rpush("rq:queue:default", f"{job_id}-1")

    job = site.wait(job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 1)
    assert [event["kind"] for event in site.events(job_id)].count("started") == 1
    until(lambda: queue.llen("rq:queue:default") == 0, "all three are drawn")


def test_a_clock_that_jumps_loses_nobody(empty_database: str) -> None:
    """A live worker is not taken for dead, and a dead one not for alive. Forward on SQLite, and
    backward on the other, whose own clock stays right."""
    jump = "-3600" if empty_database else "+3600"
    with site_with_a_clock(empty_database) as (site, clock):
        # The second is never over before its worker is killed, however long a busy machine takes.
        spared, killed = long_run(site, length_ps=1000), long_run(site, length_ps=20_000)
        worker = site.horses_of(killed)[0].parent()

        set_clock(clock, jump)
        until(lambda: hours_off(site), "the jump is felt")
        worker.kill()
        site.wait(killed, lambda job: job["attempt"] == 2)
        site.client.post(f"/api/v1/jobs/{killed}/cancel").raise_for_status()

        assert site.wait(spared)["state"] == "succeeded"
        assert failures(site, [spared]) == []
        assert_true(site, site.accepted)


def hours_off(site: Stack) -> int:
    """What the clock of the web server is wrong by."""
    created = site.job(site.submit("demo.sum_squares", n=3))["created_at"]
    return round((datetime.fromisoformat(created).timestamp() - time.time()) / 3600)


@contextmanager
def site_with_a_clock(database: str) -> Iterator[tuple[Stack, Path]]:
    stack = Stack(database_url=database, **QUICK)
    clock = with_a_clock(stack)
    with stack:
        yield stack, clock
