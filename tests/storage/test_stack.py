"""A whole site with a bucket, as its user runs it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.s3 import S3
from tests.stack import Stack, kill, until

pytestmark = [pytest.mark.stack, pytest.mark.slow]

WATER = b"3\n\nO 0 0 0.119\nH 0 0.763 -0.477\nH 0 -0.763 -0.477\n"


@pytest.fixture(scope="module")
def site(s3: S3) -> Iterator[Stack]:
    with Stack(workers=1, **s3.settings) as running:
        yield running


def test_a_worker_killed_between_object_and_row_costs_an_attempt_and_shows_nothing(
    site: Stack, s3: S3
) -> None:
    # It has more to bring after the first of them, and the row comes last.
    with s3.held_after_one():
        job_id = site.submit("dft_optimization", structure="O", preoptimize=False)
        until(lambda: s3.keys(job_id), "it is being brought", within_s=300)
        kill(site.processes("work") + site.horses())
    of_the_first = set(s3.keys(job_id))
    assert len(of_the_first) == 1

    job = site.wait(job_id, within_s=300)

    assert (job["state"], job["attempt"]) == ("succeeded", 2)
    assert job["artifacts"]
    named = {f"{job_id}/2/{each['sha256']}/{each['name']}" for each in job["artifacts"]}
    assert named <= set(s3.keys(job_id))
    assert not named & of_the_first
    # As on a web server that shares no disk with the workers.
    until(lambda: is_gone(site.var / "jobs" / job_id), "its files are gone from the disk")
    for each in job["artifacts"]:
        content = site.client.get(each["url"]).content
        assert hashlib.sha256(content).hexdigest() == each["sha256"]
        end = site.client.get(each["url"], headers={"Range": "bytes=-5"})
        assert not content or end.content == content[-5:]


def test_an_upload_is_had_from_the_bucket_and_while_that_is_away_it_is_told(
    site: Stack, s3: S3
) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    answer = site.client.post("/api/v1/files?name=water.xyz", content=WATER, headers=headers)
    assert answer.status_code == 201, answer.text
    shutil.rmtree(site.var / "files")

    job_id = site.submit("xtb_optimization", structure={"file": answer.json()["id"]})

    job = site.wait(job_id)
    assert job["state"] == "succeeded", job
    until(lambda: is_gone(site.var / "jobs" / job_id), "its files are gone from the disk")
    s3.stop()
    try:
        of_an_agent = site.client.get(f"/api/v1/jobs/{job_id}/log")
        of_a_browser = site.client.get(f"/jobs/{job_id}/log/", headers={"Accept": "text/html"})
    finally:
        s3.start()
        s3.make_bucket()
    assert (of_an_agent.status_code, of_an_agent.json()["code"]) == (503, "storage_away")
    assert of_a_browser.status_code == 503
    assert "nothing is lost" in of_a_browser.text


def is_gone(folder: Path) -> bool:
    """Its worker may be tidying up in it."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
