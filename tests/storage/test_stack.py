"""A whole site with a bucket, as its user runs it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.s3 import S3
from tests.stack import Stack, until

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture
def site(s3: S3) -> Iterator[Stack]:
    with Stack(workers=1, **s3.settings) as running:
        yield running


def test_a_worker_killed_between_object_and_row_costs_an_attempt_and_shows_nothing(
    site: Stack, s3: S3
) -> None:
    job_id = site.submit("dft_optimization", structure="O", preoptimize=False)
    site.wait(job_id, lambda job: job["metrics"].get("scf_cycle"))
    # It has more to bring after the first of them, and the row comes last.
    until(lambda: s3.keys(job_id), "it is being brought")
    for process in site.processes("work") + site.horses():
        process.kill()
    of_the_first = set(s3.keys(job_id))

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


def is_gone(folder: Path) -> bool:
    """Its worker may be tidying up in it."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
