"""What users upload is in the bucket too, and read there by whoever has it not."""

from __future__ import annotations

import io
import os
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as site
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from jobs import contents, files, keeping, lifecycle, local_copies, references, storage
from jobs.artifacts import collect
from jobs.models import Job, StoredFile
from jobs.storekeeper import Storekeeper
from jobs.worker.run import run_job
from tests.s3 import S3

from .conftest import lose_disk, take_away

WATER = b"3\n\nO 0 0 0.119\nH 0 0.763 -0.477\nH 0 -0.763 -0.477\n"


@pytest.fixture(autouse=True)
def _a_folder_of_its_own(settings: Any, tmp_path: Any) -> None:
    settings.FILES_ROOT = tmp_path


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def given(bucket: S3, alice: Any) -> StoredFile:
    return files.keep(owner=alice, name="water.xyz", content=WATER)[0]


def lose_uploads() -> None:
    """As on another machine."""
    shutil.rmtree(site.FILES_ROOT)


def test_it_is_there_under_its_digest_and_served_from_there_to_its_owner_alone(
    bucket: S3, given: StoredFile, as_alice: Client, bob: Any
) -> None:
    url = f"/api/v1/files/{given.pk}/content"
    assert bucket.content(f"uploads/{given.sha256}") == WATER
    lose_uploads()

    assert as_alice.get(url).getvalue() == WATER
    as_alice.force_login(bob)
    assert as_alice.get(url).status_code == 404


# What it reports, it writes from a thread of its own.
@pytest.mark.django_db(transaction=True)
def test_a_worker_that_has_it_not_runs_what_refers_to_it(
    bucket: S3, given: StoredFile, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    wanted = {"structure": {"file": str(given.pk)}}
    job = start(submit(simulation="xtb_optimization", params=wanted))
    lose_uploads()

    run_job(str(job.pk), 1)

    job.refresh_from_db()
    assert job.state == "succeeded", job.error


def test_what_was_changed_there_is_not_taken(bucket: S3, given: StoredFile) -> None:
    bucket.put(f"uploads/{given.sha256}", b"not water")
    lose_uploads()

    with pytest.raises(FileNotFoundError, match="is not what its key says"):
        contents.read(given.sha256)


def test_it_is_removed_there_too_with_the_last_row_of_it(
    bucket: S3, given: StoredFile, bob: Any, django_capture_on_commit_callbacks: Any
) -> None:
    bobs = files.keep(owner=bob, name="mine.xyz", content=WATER)[0]
    with django_capture_on_commit_callbacks(execute=True):
        lifecycle.remove_file(given)
    assert bucket.keys("uploads") == [f"uploads/{given.sha256}"]

    with django_capture_on_commit_callbacks(execute=True):
        lifecycle.remove_file(bobs)

    assert bucket.keys("uploads") == []


@pytest.mark.django_db(transaction=True)
def test_nobody_who_writes_waits_for_a_bucket_that_is_slow_to_remove(
    bucket: S3, given: StoredFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = type(storage.bucket())
    remove, within_transaction = there.remove, []

    def noted(self: Any, keys: Any) -> None:
        within_transaction.append(connection.in_atomic_block)
        remove(self, keys)

    monkeypatch.setattr(there, "remove", noted)
    lifecycle.remove_file(given)

    assert within_transaction == [False]
    assert bucket.keys("uploads") == []


def test_one_that_is_given_while_the_bucket_is_away_is_taken_and_brought_later(
    bucket: S3, alice: Any, settings: Any
) -> None:
    with_bucket = settings.STORAGES
    take_away(settings)
    stored = files.keep(owner=alice, name="water.xyz", content=WATER)[0]
    assert references.texts({"structure": {"file": f"sha256:{stored.sha256}"}})

    settings.STORAGES = with_bucket
    assert bucket.keys("uploads") == []
    Storekeeper().look()

    assert bucket.content(f"uploads/{stored.sha256}") == WATER


def test_what_no_row_names_is_swept_once_it_is_not_young(
    bucket: S3, given: StoredFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    StoredFile.objects.all().delete()
    assert contents.sweep() == 0
    monkeypatch.setattr(contents, "YOUNG", -timedelta(days=1))

    assert contents.sweep() == 1

    assert bucket.keys("uploads") == []


def test_copies_are_removed_here_and_all_is_served_as_before(
    bucket: S3, given: StoredFile, ended: Callable[..., Job], as_alice: Client
) -> None:
    old, young = ended(), ended()
    Job.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=8))
    os.utime(given.path, (0, time.time() - 8 * 86400))
    never_brought = old.workdir(1) / "note"
    never_brought.write_text("mine")

    told = io.StringIO()
    call_command("store_artifacts", remove_after_days=7, stdout=told)

    n = old.artifacts.count() + 1
    assert f"{n} copies were removed here" in told.getvalue()
    left = [path.name for path in old.workdir(1).iterdir() if path.is_file()]
    assert "note" in left
    assert not {*left} & {row.name for row in old.artifacts.all()}
    assert all(row.path.is_file() for row in young.artifacts.all())
    assert not given.path.exists()
    for row in old.artifacts.all():
        url = f"/api/v1/jobs/{old.pk}/artifacts/{row.pk}"
        assert len(as_alice.get(url).getvalue()) == row.size_bytes
    assert contents.read(given.sha256) == WATER


def test_what_a_job_that_has_not_ended_goes_on_from_stays_here(
    bucket: S3, stopped: Callable[..., Job], alice: Any
) -> None:
    job = stopped(checkpoint=b"half way")
    lifecycle.fail(job, 1, "timeout", {"detail": "too long"}, keeping.keep(job, 1, []))  # type: ignore[arg-type]
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(days=8))
    job.refresh_from_db()
    lifecycle.restart(job, owner=alice)

    assert local_copies.remove(7) == 0

    assert (job.workdir(1) / "checkpoint").is_file()


@pytest.mark.parametrize("where", ["/api/v1/jobs/{}/log", "/jobs/{}/log/"])
def test_a_log_that_cannot_be_had_now_is_told_so(
    bucket: S3, stopped: Callable[..., Job], as_alice: Client, settings: Any, where: str
) -> None:
    job = stopped()
    left = keeping.keep(job, 1, collect(job.workdir(1)))
    lifecycle.succeed(job, 1, {"total": 14}, left)
    lose_disk(job)
    take_away(settings)

    answer = as_alice.get(where.format(job.pk))

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert b"does not answer" in answer.content
    assert storage.bucket()


def test_nor_is_it_a_defect_where_an_upload_cannot_be_had(
    given: StoredFile, as_alice: Client, settings: Any
) -> None:
    lose_uploads()
    take_away(settings)
    body = {"simulation": "xtb_optimization", "params": {"structure": {"file": str(given.pk)}}}

    api = as_alice.post("/api/v1/jobs", body, "application/json")
    content = as_alice.get(f"/api/v1/files/{given.pk}/content")

    assert (api.status_code, api.json()["code"]) == (503, "storage_away")
    assert (content.status_code, content.json()["code"]) == (503, "storage_away")
