"""The client against the real site."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from threading import Timer

import pytest

from backplane import AsyncClient, Client, errors
from tests.stack import Stack, quickest

pytestmark = [pytest.mark.stack, pytest.mark.slow]

MD = {"structure": "CCO", "length_ps": 2000}


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.url) as client:
        yield client


def test_a_job_from_submission_to_its_files(client: Client, tmp_path: Path) -> None:
    job = client.submit("xtb_optimization", structure="O", name="Water", tags=["w"], reuse=False)

    states = [each.state for each in job.watch(timeout=240)]
    result = job.result(fields=["energy_hartree"])
    (path,) = client.job(job.id).download(["final.xyz"], to=tmp_path)

    assert states[-1] == "succeeded"
    assert result["energy_hartree"] == pytest.approx(-5.070, abs=0.01)
    assert path.read_text().splitlines()[0] == "3"
    assert job.refresh().summary
    assert [each.id for each in client.jobs(tag="w", most=1)] == [job.id]
    assert "".join(job.logs())


@pytest.mark.timed
def test_a_wait_ends_with_the_job_and_not_at_the_next_look(client: Client) -> None:
    assert quickest(lambda: told_after_s(client), 2) < 2


def told_after_s(client: Client) -> float:
    job = client.submit("md_simulation", MD, reuse=False)
    next(each for each in job.watch() if each.state == "running")
    canceller = Timer(2, client.job(job.id).cancel)
    canceller.start()

    ended = job.wait(timeout=240)
    late_s = time.time() - datetime.fromisoformat(ended.data["finished_at"]).timestamp()

    assert ended.state == "cancelled"
    with pytest.raises(errors.JobCancelled):
        job.result()
    return late_s


def test_a_wait_that_is_too_short_says_so_and_the_job_goes_on(client: Client) -> None:
    job = client.submit("md_simulation", MD, reuse=False)

    with pytest.raises(TimeoutError, match="goes on; 1 s were not enough"):
        job.wait(timeout=1)

    assert not job.refresh().is_final
    job.cancel().wait(timeout=240)


def test_events_come_without_a_gap(client: Client) -> None:
    job = client.submit("demo.sum_squares", n=300, reuse=False)

    events = [*job.events()]

    assert [event["seq"] for event in events] == [*range(1, len(events) + 1)]
    assert events[-1]["state"] == "succeeded"
    assert [event["seq"] for event in job.events(after=2)] == [*range(3, len(events) + 1)]


def test_a_log_is_followed_to_its_end(client: Client) -> None:
    job = client.submit("xtb_optimization", structure="CO", reuse=False)

    followed = "".join(job.logs(follow=True))

    assert followed == "".join(job.logs())
    assert followed
    assert job.refresh().is_final


def test_jobs_come_as_they_are_completed(client: Client) -> None:
    long = client.submit("md_simulation", MD, reuse=False)
    short = [client.submit("demo.sum_squares", n=n, reuse=False) for n in range(3, 7)]

    completed = client.as_completed([long, *short], timeout=240)
    first = [next(completed) for _ in short]
    long.cancel()
    last = [*completed]

    assert {each.id for each in first} == {each.id for each in short}
    assert [each.id for each in last] == [long.id]
    assert long.state == "cancelled"
    with pytest.raises(errors.NotFound, match="0000"):
        [*client.as_completed(["00000000-0000-0000-0000-000000000000"])]


def test_what_is_wrong_is_said_before_and_at_the_submission(client: Client) -> None:
    verdict = client.check("xtb_optimization", structure="CCO", max_stepz=3)
    with pytest.raises(errors.InvalidSubmission) as refused:
        client.submit("xtb_optimization", structure="CCO", max_stepz=3)

    assert not verdict["ok"]
    assert [each["pointer"] for each in verdict["errors"]] == ["/params/max_stepz"]
    assert [each["pointer"] for each in refused.value.errors] == ["/params/max_stepz"]
    assert client.check("xtb_optimization", structure="CCO")["ok"]


def test_a_file_is_a_structure(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "hydrogen.xyz"
    path.write_text("2\nhydrogen\nH 0 0 0\nH 0 0 0.74\n")

    result = client.submit("xtb_optimization", structure=path).result(timeout=240)

    assert result["energy_hartree"] < 0


def test_a_batch_from_submission_to_its_results(client: Client) -> None:
    template = {"simulation": "demo.sum_squares", "params": {"n": 1}, "reuse": False}
    batch = client.submit_batch(template=template, grid={"params.n": [11, 12, 13]}, name="Sums")

    batch.wait(timeout=240)

    assert (batch.state, batch.counts["succeeded"]) == ("finished", 3)
    assert [row["summary"]["total"] for row in batch.results()] == [506, 650, 819]
    assert [item["index"] for item in client.batch(batch.id).items()] == [0, 1, 2]


async def test_the_asyncio_client_waits_for_many_at_once(stack: Stack) -> None:
    async with AsyncClient(stack.url) as client:
        jobs = [await client.submit("demo.sum_squares", n=n, reuse=False) for n in (3, 4, 5)]

        totals = {
            (await job.result(timeout=240))["total"]
            async for job in client.as_completed(jobs, timeout=240)
        }

    assert totals == {14, 30, 55}


async def test_the_asyncio_client_from_submission_to_files(stack: Stack, tmp_path: Path) -> None:
    async with AsyncClient(stack.url) as client:
        job = await client.submit("xtb_optimization", structure="N", reuse=False)

        text = "".join([piece async for piece in job.logs(follow=True)])
        states = [each.state async for each in job.watch(timeout=240)]
        seqs = [event["seq"] async for event in job.events()]
        (path,) = await (await client.job(job.id)).download(["final.xyz"], to=tmp_path)
        long = await client.submit("md_simulation", MD, reuse=False)
        ended = await (await long.cancel()).wait(timeout=240)
        batch = await client.submit_batch(
            template={"simulation": "demo.sum_squares", "params": {}, "reuse": False},
            grid={"params.n": [5, 6]},
        )
        totals = [row["summary"]["total"] async for row in (await batch.wait(240)).results()]

    assert text
    assert states[-1] == "succeeded"
    assert seqs == [*range(1, len(seqs) + 1)]
    assert path.read_text().splitlines()[0] == "4"
    assert ended.state == "cancelled"
    assert totals == [55, 91]
