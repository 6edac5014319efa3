"""A bucket that refuses, breaks off, or is no longer there."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from backplane_site import service_checks
from backplane_site.probes import Level
from jobs import artifacts, keeping, lifecycle
from jobs.models import Job
from jobs.storekeeper import Storekeeper
from tests.s3 import BUCKET, S3

from .conftest import lose_disk
from .faulty import Faulty

MIB = 1024**2


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def large(stopped: Callable[..., Job]) -> Callable[[bytes], Job]:
    """A job with a file that takes several parts."""

    def large(content: bytes) -> Job:
        job = stopped(trajectory=content)
        entry = '[{"name": "trajectory", "title": "T", "media_type": "chemical/x-dcd"}]'
        (job.workdir(1) / "artifacts.json").write_text(entry)
        files = keeping.keep(job, 1, artifacts.collect(job.workdir(1)))
        lifecycle.succeed(job, 1, {"total": 14}, files)
        return job

    return large


def url_of(job: Job, name: str) -> str:
    return f"/api/v1/jobs/{job.pk}/artifacts/{job.artifacts.get(name=name).pk}"


def is_content(name: str) -> Callable[[str, str], bool]:
    return lambda method, path: method == "GET" and path.split("?")[0].endswith(name)


def test_a_bucket_that_was_deleted_is_no_file_that_is_gone(
    bucket: S3, ended: Callable[..., Job], as_alice: Client, settings: Any
) -> None:
    job = ended()
    url = url_of(job, "provenance.json")
    lose_disk(job)
    kept = settings.STORAGES["artifacts"]
    options = kept["OPTIONS"] | {"bucket_name": "deleted-since"}
    settings.STORAGES = settings.STORAGES | {"artifacts": kept | {"OPTIONS": options}}

    answer = as_alice.get(url)
    log = as_alice.get(f"/api/v1/jobs/{job.pk}/log")

    assert (answer.status_code, answer.json()["code"]) == (503, "storage_away")
    assert (log.status_code, log.json()["code"]) == (503, "storage_away")


def test_a_bucket_that_refuses_is_told_to_whoever_can_mend_it(
    faulty: Faulty, ended: Callable[..., Job], as_alice: Client
) -> None:
    job = ended()
    lose_disk(job)
    faulty.refuse(lambda method, path: method in ("GET", "HEAD"), 403, "AccessDenied")

    answer = as_alice.get(url_of(job, "provenance.json"))

    assert (answer.status_code, answer.json()["code"]) == (503, "storage_away")
    assert "refuses to give it. Tell whoever runs this site." in answer.json()["detail"]


def test_a_download_goes_on_where_the_bucket_broke_off(
    faulty: Faulty, large: Callable[[bytes], Job], as_alice: Client
) -> None:
    content = os.urandom(18 * MIB)
    job = large(content)
    lose_disk(job)
    faulty.cut(is_content("trajectory"), times=3)

    assert as_alice.get(url_of(job, "trajectory")).getvalue() == content


def test_a_bucket_that_breaks_off_each_time_is_given_up(
    faulty: Faulty, large: Callable[[bytes], Job], as_alice: Client
) -> None:
    job = large(os.urandom(18 * MIB))
    lose_disk(job)
    faulty.refuse(is_content("trajectory"), 500, "InternalError")

    answer = as_alice.get(url_of(job, "trajectory"))
    with pytest.raises(OSError, match="InternalError"):
        answer.getvalue()


def test_a_part_that_is_refused_leaves_the_file_in_place_and_nothing_half_there(
    faulty: Faulty, bucket: S3, large: Callable[[bytes], Job], as_alice: Client
) -> None:
    content = os.urandom(18 * MIB)
    faulty.refuse(lambda method, path: "partNumber=2" in path, 403, "AccessDenied")
    job = large(content)

    row = job.artifacts.get(name="trajectory")
    assert (job.artifacts.filter(key="").count() > 0, row.key) == (True, "")
    assert as_alice.get(url_of(job, "trajectory")).getvalue() == content
    assert "Uploads" not in bucket.client.list_multipart_uploads(Bucket=BUCKET)


def test_a_name_with_a_backslash_is_kept_like_any_other(
    bucket: S3, stopped: Callable[..., Job], as_alice: Client
) -> None:
    odd = "50% a\\b.txt"
    job = stopped(**{odd: b"written all the same"})
    entry = '[{"name": "50% a\\\\b.txt", "title": "T", "media_type": "text/plain"}]'
    (job.workdir(1) / "artifacts.json").write_text(entry)
    files = keeping.keep(job, 1, artifacts.collect(job.workdir(1)))
    lifecycle.succeed(job, 1, {"total": 14}, files)
    lose_disk(job)

    assert keeping.sweep([job]) == 0
    assert as_alice.get(url_of(job, odd)).getvalue() == b"written all the same"


@pytest.mark.parametrize(
    ("method", "told"),
    [("PUT", "it cannot be written to"), ("GET", "it cannot be read"), ("POST", "removed from")],
)
def test_the_doctor_says_what_a_bucket_refuses(
    db: None, faulty: Faulty, method: str, told: str
) -> None:
    (well,) = service_checks.bucket()
    faulty.refuse(lambda verb, path: verb == method, 403, "AccessDenied")

    (finding,) = service_checks.bucket()

    assert (well.level, finding.level) == (Level.OK, Level.WRONG)
    assert told in finding.detail
    assert "AccessDenied" in finding.detail


def test_the_doctor_leaves_nothing_in_the_bucket(db: None, bucket: S3) -> None:
    before = bucket.keys()

    assert [finding.level for finding in service_checks.bucket()] == [Level.OK]

    assert bucket.keys() == before


def test_the_doctor_counts_what_never_came_to_the_bucket(
    faulty: Faulty, ended: Callable[..., Job]
) -> None:
    faulty.refuse(lambda method, path: method == "PUT", 403, "AccessDenied", times=1)
    job = ended()
    long_ago = timezone.now() - timedelta(days=1)
    Job.objects.filter(pk=job.pk).update(finished_at=long_ago)

    (finding,) = service_checks.bucket()

    assert finding.level is Level.WARNING
    assert f"{job.artifacts.filter(key='').count()} files" in finding.detail


def test_why_a_file_stays_in_place_is_in_the_log(
    faulty: Faulty, ended: Callable[..., Job], caplog: pytest.LogCaptureFixture
) -> None:
    faulty.refuse(lambda method, path: method == "PUT", 403, "AccessDenied")
    job = ended()
    caplog.clear()

    Storekeeper().look()

    assert str(job.artifacts.get(name="job.log").path) in caplog.text
    assert "AccessDenied" in caplog.text


def test_a_clock_that_is_wrong_is_not_tried_with_every_file(
    faulty: Faulty, ended: Callable[..., Job]
) -> None:
    refused: list[str] = []

    def is_put(method: str, path: str) -> bool:
        refused.extend([path] if method == "PUT" else [])
        return method == "PUT"

    faulty.refuse(is_put, 403, "RequestTimeTooSkewed")
    job = ended()
    assert job.artifacts.filter(key="").count() > 1
    refused.clear()

    Storekeeper().look()

    assert len(refused) == 1
