"""In a bucket a file is whole or not there, and served as from a disk."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from jobs import artifacts, keeping, lifecycle, retention, storage
from jobs.models import Artifact, Job
from jobs.storekeeper import Storekeeper
from jobs.worker.inheritance import left_behind
from tests.s3 import BUCKET, PREFIX, S3
from tests.stack import ROOT

from .conftest import lose_disk

MIB = 1024**2


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


def url_of(artifact: Artifact) -> str:
    return f"/api/v1/jobs/{artifact.job_id}/artifacts/{artifact.pk}"


def test_each_file_is_there_under_its_digest_and_the_row_names_it(
    bucket: S3, ended: Callable[..., Job]
) -> None:
    job = ended()

    rows = list(job.artifacts.all())
    assert {row.name for row in rows} >= {"job.log", "provenance.json"}
    assert sorted(bucket.keys(job.pk)) == sorted(row.key for row in rows)
    for row in rows:
        assert row.key == f"{job.pk}/1/{row.sha256}/{row.name}"
        assert hashlib.sha256(bucket.content(row.key)).hexdigest() == row.sha256


def test_it_is_served_whole_in_parts_and_by_a_signed_link(
    bucket: S3, ended: Callable[..., Job], as_alice: Client, client: Client
) -> None:
    job = ended()
    row = job.artifacts.get(name="provenance.json")
    content = bucket.content(row.key)
    lose_disk(job)

    whole = as_alice.get(url_of(row))
    part = as_alice.get(url_of(row), headers={"Range": "bytes=5-24"})
    two = as_alice.get(url_of(row), headers={"Range": "bytes=0-1,-2"})
    known = as_alice.get(url_of(row), headers={"If-None-Match": whole["ETag"]})
    link = as_alice.post(f"{url_of(row)}/url", {}, "application/json").json()["url"]
    client.logout()
    signed = client.get(link, headers={"Range": "bytes=-3"})

    assert (whole.getvalue(), whole["ETag"]) == (content, f'"{row.sha256}"')
    assert (part.status_code, part.getvalue()) == (206, content[5:25])
    assert part["Content-Range"] == f"bytes 5-24/{len(content)}"
    assert content[:2] in (told := two.getvalue())
    assert content[-2:] in told
    assert known.status_code == 304
    assert (signed.status_code, signed.getvalue()) == (206, content[-3:])
    assert client.get(url_of(row)).status_code == 404


def test_an_object_that_was_changed_or_removed_is_told_and_not_sent(
    bucket: S3, ended: Callable[..., Job], as_alice: Client
) -> None:
    row = ended().artifacts.get(name="provenance.json")
    content = bucket.content(row.key)
    lose_disk(row.job)

    bucket.put(row.key, b"x" * len(content))
    changed = as_alice.get(url_of(row))
    bucket.client.delete_object(Bucket=BUCKET, Key=f"{PREFIX}/{row.key}")
    removed = as_alice.get(url_of(row))

    assert (changed.status_code, changed.json()["code"]) == (410, "file_damaged")
    assert (removed.status_code, removed.json()["code"]) == (410, "file_gone")


def test_a_large_file_goes_in_parts_and_comes_back_the_same(
    bucket: S3, stopped: Callable[..., Job], as_alice: Client
) -> None:
    large = os.urandom(20 * MIB)
    job = stopped(trajectory=large)
    entry = {"name": "trajectory", "title": "Trajectory", "media_type": "chemical/x-dcd"}
    (job.workdir(1) / "artifacts.json").write_text(json.dumps([entry]))

    files = keeping.keep(job, 1, artifacts.collect(job.workdir(1)))
    lifecycle.succeed(job, 1, {"total": 14}, files)
    lose_disk(job)

    row = job.artifacts.get(name="trajectory")
    head = bucket.client.head_object(Bucket=BUCKET, Key=f"{PREFIX}/{row.key}")
    assert "-" in head["ETag"], "an object in one part has the MD5 of it all"
    assert as_alice.get(url_of(row)).getvalue() == large
    some = as_alice.get(url_of(row), headers={"Range": f"bytes={9 * MIB}-{9 * MIB + 99}"})
    assert some.getvalue() == large[9 * MIB : 9 * MIB + 100]


def test_the_log_is_read_wherever_it_was_written(
    bucket: S3, stopped: Callable[..., Job], as_alice: Client
) -> None:
    job = stopped()
    files = keeping.keep(job, 1, artifacts.collect(job.workdir(1)))
    lifecycle.fail(job, 1, "science", {"detail": "no"}, files)
    lose_disk(job)

    answer = as_alice.get(f"/api/v1/jobs/{job.pk}/log", headers={"Accept": "text/plain"})

    assert answer.content == b"so far\n"
    assert answer["X-Log-Complete"] == "true"


@pytest.mark.parametrize(
    ("where", "status"),
    [("/api/v1/jobs/{}/log", 410), ("/jobs/{}/log/", 410), ("/admin/jobs/job/{}/change/", 200)],
)
def test_a_log_that_was_changed_in_the_bucket_is_told_and_not_served(
    bucket: S3, stopped: Callable[..., Job], admin_client: Client, where: str, status: int
) -> None:
    job = stopped()
    files = keeping.keep(job, 1, artifacts.collect(job.workdir(1)))
    lifecycle.fail(job, 1, "science", {"detail": "no"}, files)
    (key,) = [key for key in bucket.keys(job.pk) if key.endswith("job.log")]
    bucket.put(key, b"so bad\n")
    lose_disk(job)

    answer = admin_client.get(where.format(job.pk), headers={"Accept": "application/json"})

    assert answer.status_code == status
    assert b"The log of attempt 1 is not served: it was changed" in answer.content
    assert b"so bad" not in answer.content
    assert b"file_damaged" in answer.content or "/api/" not in where


def test_another_machine_goes_on_from_what_an_attempt_left(
    bucket: S3, stopped: Callable[..., Job]
) -> None:
    job = stopped(checkpoint=b"half way")
    files = keeping.keep(job, 1, artifacts.collect(job.workdir(1)))
    lifecycle.hand_over(job, 1, "Its worker was told to stop.", files)
    lose_disk(job)

    job.refresh_from_db()
    view = left_behind(job, 2)

    assert view
    found = {str(p.relative_to(view)): p.read_bytes() for p in view.rglob("*") if p.is_file()}
    assert found == {"checkpoint": b"half way", "job.log": b"so far\n"}
    assert not job.artifacts.exists()


def test_what_was_changed_in_the_bucket_is_not_gone_on_from(
    bucket: S3, stopped: Callable[..., Job]
) -> None:
    job = stopped(checkpoint=b"half way")
    keeping.keep(job, 1, [])
    (key,) = [key for key in bucket.keys(job.pk) if key.endswith("checkpoint")]
    bucket.put(key, b"half mad")
    lose_disk(job)

    with pytest.raises(keeping.Changed, match="is not what its key says"):
        left_behind(job, 2)
    assert not (job.workdir(1) / "checkpoint").exists()


def test_a_job_may_be_restarted_from_what_is_only_in_the_bucket(
    bucket: S3, stopped: Callable[..., Job], alice: Any
) -> None:
    job = stopped(checkpoint=b"half way")
    files = keeping.keep(job, 1, artifacts.collect(job.workdir(1)))
    lifecycle.fail(job, 1, "wall_time", {"detail": "too long"}, files)
    lose_disk(job)

    assert lifecycle.why_no_restart(job) == ""
    new = lifecycle.restart(job, owner=alice)

    view = left_behind(new, 1)
    assert view
    assert (view / "checkpoint").read_bytes() == b"half way"


def test_a_worker_that_dies_between_object_and_row_leaves_nothing_to_see(
    bucket: S3, stopped: Callable[..., Job], start: Callable[[Job], Job], as_alice: Client
) -> None:
    job = stopped(checkpoint=b"half way")
    keeping.keep(job, 1, artifacts.collect(job.workdir(1)))
    # It is dead here: objects, and no row.
    lifecycle.lose(job, 1, "Its worker is gone.")
    assert as_alice.get(f"/api/v1/jobs/{job.pk}").json()["artifacts"] == []

    job.refresh_from_db()
    start(job)
    (job.workdir(2)).mkdir(parents=True)
    (job.workdir(2) / "job.log").write_bytes(b"second\n")
    lifecycle.succeed(
        job, 2, {"total": 14}, keeping.keep(job, 2, artifacts.collect(job.workdir(2)))
    )
    (row,) = as_alice.get(f"/api/v1/jobs/{job.pk}").json()["artifacts"]
    assert row["size_bytes"] == len(b"second\n")

    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(hours=1))
    Storekeeper().look()
    left = [key.split("/")[1::2] for key in bucket.keys(job.pk)]
    assert sorted(left) == [["1", "job.log"], ["2", "job.log"]]


def test_an_upload_that_was_cut_short_is_no_object_and_is_given_up(
    bucket: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"{PREFIX}/job/1/digest/large"
    begun = bucket.client.create_multipart_upload(Bucket=BUCKET, Key=key)
    bucket.client.upload_part(
        Bucket=BUCKET, Key=key, UploadId=begun["UploadId"], PartNumber=1, Body=b"half"
    )
    there = storage.bucket()
    assert there
    assert [*there.objects("job/")] == []

    monkeypatch.setattr(keeping, "UNFINISHED", timedelta(seconds=-5))
    assert there.abandon_uploads(timezone.now() + timedelta(days=365 * 20)) == 1
    assert "Uploads" not in bucket.client.list_multipart_uploads(Bucket=BUCKET)


def test_a_bucket_that_is_away_costs_no_result_and_is_given_it_later(
    bucket: S3, ended: Callable[..., Job], as_alice: Client, settings: Any
) -> None:
    with_bucket = settings.STORAGES
    options = with_bucket["artifacts"]["OPTIONS"] | {"endpoint_url": "http://127.0.0.1:9"}
    settings.STORAGES = with_bucket | {"artifacts": with_bucket["artifacts"] | {"OPTIONS": options}}
    job = ended()
    row = job.artifacts.get(name="provenance.json")
    assert (job.state, row.key) == ("succeeded", "")
    before = as_alice.get(url_of(row)).getvalue()

    settings.STORAGES = with_bucket
    told = io.StringIO()
    call_command("store_artifacts", stdout=told)

    assert f"{job.artifacts.count()} files were brought" in told.getvalue()
    lose_disk(job)
    row.refresh_from_db()
    assert row.key in bucket.keys(job.pk)
    assert as_alice.get(url_of(row)).getvalue() == before


def test_a_file_that_cannot_be_had_now_may_be_asked_for_again(
    bucket: S3, ended: Callable[..., Job], as_alice: Client, settings: Any
) -> None:
    row = ended().artifacts.get(name="provenance.json")
    lose_disk(row.job)
    kept = settings.STORAGES["artifacts"]
    options = kept["OPTIONS"] | {"endpoint_url": "http://127.0.0.1:9"}
    settings.STORAGES = settings.STORAGES | {"artifacts": kept | {"OPTIONS": options}}

    answer = as_alice.get(url_of(row))
    page = as_alice.get(f"/jobs/{row.job_id}/files/{row.pk}/")

    assert (answer.status_code, answer.json()["code"]) == (503, "storage_away")
    assert answer["Retry-After"]
    assert (page.status_code, page.context["status"]) == (503, 503)


def test_without_a_bucket_there_is_nothing_to_bring_to(db: None) -> None:
    with pytest.raises(CommandError, match="set BACKPLANE_S3_BUCKET"):
        call_command("store_artifacts")


def test_a_file_that_was_changed_meanwhile_is_not_brought(
    bucket: S3, ended: Callable[..., Job], settings: Any
) -> None:
    with_bucket = settings.STORAGES
    settings.STORAGES = with_bucket | {"artifacts": {"BACKEND": "jobs.storage.InPlace"}}
    job = ended()
    (job.workdir(1) / "job.log").write_text("not what was recorded")
    settings.STORAGES = with_bucket

    with pytest.raises(CommandError, match="1 files could not be brought"):
        call_command("store_artifacts", stdout=io.StringIO(), stderr=io.StringIO())

    assert job.artifacts.get(name="job.log").key == ""
    assert not [key for key in bucket.keys(job.pk) if key.endswith("job.log")]


def test_retention_empties_the_bucket_too(bucket: S3, ended: Callable[..., Job]) -> None:
    old, young = ended(), ended()
    month_ago = timezone.now() - timedelta(days=31)
    Job.objects.filter(pk=old.pk).update(finished_at=month_ago)

    (removal,) = retention.prune(30)

    assert removal.size_bytes > 0
    assert bucket.keys(old.pk) == []
    assert len(bucket.keys(young.pk)) == young.artifacts.count()


def test_what_a_prune_that_was_cut_short_left_is_swept(
    bucket: S3, ended: Callable[..., Job]
) -> None:
    job, other = ended(), ended()
    lifecycle.remove_files(job, kept_days=1)
    lose_disk(job)

    assert retention.sweep() == [job.pk]

    assert bucket.keys(job.pk) == []
    assert bucket.keys(other.pk)


def test_an_endpoint_without_a_bucket_is_refused() -> None:
    env = {**os.environ, "BACKPLANE_S3_ENDPOINT": "http://127.0.0.1:9"}
    probe = [sys.executable, "-c", "import backplane_site.settings"]

    done = subprocess.run(probe, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    assert "BACKPLANE_S3_ENDPOINT is set, and BACKPLANE_S3_BUCKET is not" in done.stderr
