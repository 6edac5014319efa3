"""What is served is what was recorded, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from jobs import artifacts, downloads, lifecycle
from jobs.models import Artifact, Job

WRITTEN = b"all is well\n"


@pytest.fixture
def artifact(submit: Callable[..., Job], start: Callable[[Job], Job]) -> Artifact:
    job = start(submit())
    _write(job)
    lifecycle.succeed(job, job.attempt, {"total": 14}, artifacts.collect(job.workdir(1)))
    return job.artifacts.get()


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


def _write(job: Job) -> None:
    job.workdir(job.attempt).mkdir(parents=True)
    (job.workdir(job.attempt) / artifacts.LOG_NAME).write_bytes(WRITTEN)


def _doors(artifact: Artifact) -> list[str]:
    job_id = artifact.job_id
    return [
        f"/api/v1/jobs/{job_id}/artifacts/{artifact.pk}",
        f"/jobs/{job_id}/files/{artifact.pk}/",
    ]


def _assert_gone(client: Client, artifact: Artifact, code: str, words: str) -> None:
    problem, page = (client.get(url) for url in _doors(artifact))

    assert (problem.status_code, page.status_code) == (410, 410)
    assert problem["Content-Type"] == "application/problem+json"
    assert problem.json()["code"] == code
    assert words in problem.json()["detail"]
    assert words in page.content.decode()


def test_a_file_is_served_as_it_was_recorded(as_alice: Client, artifact: Artifact) -> None:
    for url in _doors(artifact):
        answer = as_alice.get(url)

        assert answer.getvalue() == WRITTEN
        assert answer["ETag"] == f'"{artifact.sha256}"'


@pytest.mark.parametrize(
    ("spoilt", "differs"), [(b"all is we", "size"), (b"all is hell\n"[:12], "checksum")]
)
def test_a_file_that_was_changed_since_is_not_served(
    as_alice: Client, artifact: Artifact, spoilt: bytes, differs: str
) -> None:
    artifact.path.write_bytes(spoilt)

    _assert_gone(as_alice, artifact, "file_damaged", f"its {differs} is no longer")


def test_of_a_large_file_the_size_has_to_do(artifact: Artifact) -> None:
    artifact.path.write_bytes(WRITTEN.swapcase())

    with downloads.opened(artifact, sum_up_to=3) as stream:
        assert stream.read() == WRITTEN.swapcase()
    with pytest.raises(downloads.Damaged):
        downloads.opened(artifact, sum_up_to=float("inf"))


def test_a_file_that_vanished_is_told(as_alice: Client, artifact: Artifact) -> None:
    artifact.path.unlink()

    _assert_gone(as_alice, artifact, "file_gone", "no longer on disk")


def test_a_file_that_was_removed_says_when(as_alice: Client, artifact: Artifact) -> None:
    lifecycle.remove_files(artifact.job, kept_days=30)

    _assert_gone(as_alice, artifact, "file_expired", f"removed on {timezone.now():%Y-%m-%d}")


def test_no_row_tells_of_a_file_before_the_job_has_ended(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    _write(job)

    found = artifacts.collect(job.workdir(1))
    assert (job.artifacts.count(), len(found)) == (0, 1)
    lifecycle.succeed(job, 1, {"total": 14}, found)

    assert job.artifacts.count() == 1


@pytest.mark.parametrize("ended", ["cancelled", "succeeded"])
def test_what_a_stopped_run_left_is_called_partial(
    as_alice: Client, submit: Callable[..., Job], start: Callable[[Job], Job], ended: str
) -> None:
    job = start(submit())
    _write(job)
    files = artifacts.collect(job.workdir(1))
    if ended == "succeeded":
        lifecycle.succeed(job, 1, {"total": 14}, files)
    else:
        lifecycle.cancel(job, 1, files)

    body = as_alice.get(f"/api/v1/jobs/{job.pk}").json()
    page = as_alice.get(f"/jobs/{job.pk}/").content.decode()

    assert [file["partial"] for file in body["artifacts"]] == [ended == "cancelled"]
    assert (">partial<" in page) == (ended == "cancelled")


def test_size_and_checksum_are_of_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(WRITTEN)
    with (tmp_path / "log").open("rb") as stream:
        stream.read(3)

        size_bytes, sha256 = artifacts.measure(stream)

    assert size_bytes == len(WRITTEN)
    assert sha256 == "d40b628baf7f757149f5b6d6d6aca317d478ef3a29433064d21cfdd06fb33b8d"
