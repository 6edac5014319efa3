"""A site whose artifacts go to a bucket, on a real S3 server in a process of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as site_settings

from jobs.artifacts import collect
from jobs.models import Job
from jobs.worker.run import run_job
from tests.s3 import KEYS, S3

from .faulty import Faulty, before


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    with S3() as server:
        yield server


@pytest.fixture
def bucket(s3: S3, settings: Any, monkeypatch: pytest.MonkeyPatch) -> S3:
    """From here on the site has one."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    told = s3.settings
    settings.S3_BUCKET = told["BACKPLANE_S3_BUCKET"]
    settings.STORAGES = {
        **site_settings.STORAGES,
        "artifacts": {
            "BACKEND": "jobs.object_store.ObjectStore",
            "OPTIONS": {
                "bucket_name": told["BACKPLANE_S3_BUCKET"],
                "endpoint_url": told["BACKPLANE_S3_ENDPOINT"],
                "region_name": told["BACKPLANE_S3_REGION"],
                "location": told["BACKPLANE_S3_PREFIX"],
            },
        },
    }
    return s3


@pytest.fixture
def ended(submit: Callable[..., Job], start: Callable[[Job], Job]) -> Callable[..., Job]:
    """A job that ran to its end by the code that runs it in a worker."""

    def ended(**params: Any) -> Job:
        job = start(submit(params={"n": 3} | params))
        run_job(str(job.pk), 1)
        job.refresh_from_db()
        return job

    return ended


@pytest.fixture
def stopped(submit: Callable[..., Job], start: Callable[[Job], Job]) -> Callable[..., Job]:
    """A job whose first attempt wrote these files and its log, and was not concluded."""

    def stopped(**files: bytes) -> Job:
        job = start(submit())
        workdir = job.workdir(1)
        workdir.mkdir(parents=True)
        (workdir / "job.log").write_bytes(b"so far\n")
        for name, content in files.items():
            (workdir / name).write_bytes(content)
        assert [file.name for file in collect(workdir)] == ["job.log"]
        return job

    return stopped


def lose_disk(job: Job) -> None:
    """As on another machine: of what the attempts wrote nothing is here."""
    shutil.rmtree(job.directory)


def take_away(settings: Any) -> None:
    """Nobody answers where the bucket was."""
    kept = settings.STORAGES["artifacts"]
    options = kept["OPTIONS"] | {"endpoint_url": "http://127.0.0.1:9"}
    settings.STORAGES = settings.STORAGES | {"artifacts": kept | {"OPTIONS": options}}


@pytest.fixture
def faulty(bucket: S3, settings: Any) -> Iterator[Faulty]:
    """The bucket, behind what refuses or cuts what a test says."""
    with before(bucket.url) as proxy:
        kept = settings.STORAGES["artifacts"]
        options = kept["OPTIONS"] | {"endpoint_url": proxy.url}
        settings.STORAGES = settings.STORAGES | {"artifacts": kept | {"OPTIONS": options}}
        yield proxy
