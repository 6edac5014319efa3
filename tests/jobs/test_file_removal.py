"""Uploads are removed: by their owner, or by a site that keeps unused ones for so long only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from jobs import contents, files, keys, lifecycle, retention
from jobs.lifecycle import filing
from jobs.models import Job, StoredFile
from jobs.states import Scope

pytestmark = pytest.mark.django_db(transaction=True)

WATER = b"3\nwater\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692\n"
URL = "/api/v1/files"


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.FILES_ROOT = tmp_path / "files"
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", lambda job: None)
    monkeypatch.setattr("jobs.lifecycle.batches.hand_all_to_backend", lambda jobs: None)


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def water(alice: Any) -> StoredFile:
    return files.keep(owner=alice, name="water.xyz", content=WATER)[0]


@pytest.fixture
def submit_on(submit: Callable[..., Job]) -> Callable[..., Job]:
    """A job that computes on a file."""

    def submit_on(stored: StoredFile, **options: Any) -> Job:
        params = {"structure": {"file": str(stored.pk)}}
        return submit(simulation="xtb_optimization", params=params, **options)

    return submit_on


def address(stored: StoredFile) -> str:
    return f"{URL}/{stored.pk}"


def end(job: Job) -> None:
    lifecycle.start(job, job.attempt, worker="host:1", host="host", pid=1)
    lifecycle.succeed(job, job.attempt, {"energy_hartree": -5.07})


def test_an_upload_is_deleted_with_its_content(as_alice: Client, water: StoredFile) -> None:
    answer = as_alice.delete(address(water))

    assert (answer.status_code, answer.content) == (204, b"")
    assert as_alice.get(address(water)).status_code == 404
    assert as_alice.get(URL).json()["results"] == []
    assert not water.path.exists()
    assert as_alice.delete(address(water)).status_code == 404


def test_content_goes_with_the_last_who_has_it(
    as_alice: Client, water: StoredFile, bob: Any
) -> None:
    of_bob, _ = files.keep(owner=bob, name="other.xyz", content=WATER)

    assert as_alice.delete(address(water)).status_code == 204
    assert of_bob.path.read_bytes() == WATER

    lifecycle.remove_file(of_bob)
    assert not of_bob.path.exists()


def test_a_file_of_a_job_that_has_not_ended_stays(
    as_alice: Client, water: StoredFile, submit_on: Callable[..., Job]
) -> None:
    job = submit_on(water)

    refused = as_alice.delete(address(water))

    assert (refused.status_code, refused.json()["code"]) == (409, "file_in_use")
    assert str(job.pk) in refused.json()["detail"]
    assert water.path.exists()
    lifecycle.start(job, 1, worker="host:1", host="host", pid=1)
    assert as_alice.delete(address(water)).status_code == 409
    lifecycle.succeed(job, 1, {"energy_hartree": -5.07})
    assert as_alice.delete(address(water)).status_code == 204


def test_a_job_whose_file_is_gone_is_told_of_and_says_so_when_run_again(
    as_alice: Client, water: StoredFile, submit_on: Callable[..., Job]
) -> None:
    job = submit_on(water)
    end(job)
    assert as_alice.delete(address(water)).status_code == 204

    assert as_alice.get(f"/api/v1/jobs/{job.pk}").json()["params"]["structure"]["name"]
    assert as_alice.get(job.get_absolute_url()).status_code == 200
    again = as_alice.post(f"/api/v1/jobs/{job.pk}/run-again", {}, content_type="application/json")
    assert (again.status_code, again.json()["errors"][0]["code"]) == (422, "no_such_file")


def test_the_same_may_be_uploaded_again(as_alice: Client, water: StoredFile, alice: Any) -> None:
    as_alice.delete(address(water))

    again, is_new = files.keep(owner=alice, name="water.xyz", content=WATER)

    assert is_new
    assert as_alice.get(f"{address(again)}/content").getvalue() == WATER


@pytest.mark.parametrize(("scopes", "status"), [([Scope.READ], 403), ([Scope.SUBMIT], 204)])
def test_it_takes_a_key_that_may_upload(
    client: Client, water: StoredFile, scopes: list[Scope], status: int
) -> None:
    _, text = keys.issue(owner=water.owner, name="agent", scopes=scopes)

    answer = client.delete(address(water), headers={"Authorization": f"Bearer {text}"})

    assert answer.status_code == status
    assert water.path.exists() == (status == 403)


# --- at the same time ------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["one", "batch"])
def test_what_goes_while_a_submission_is_looked_at_refuses_it(
    as_alice: Client, water: StoredFile, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    refuse, params = filing.refuse_removed, {"structure": {"file": str(water.pk)}}
    body: dict[str, Any] = {"simulation": "xtb_optimization", "params": params}

    def removed_before(owner: Any, jobs: Any) -> None:
        StoredFile.objects.filter(owner=owner).delete()
        refuse(owner, jobs)

    module = {"one": "submission", "batch": "batches"}[by]
    monkeypatch.setattr(f"jobs.lifecycle.{module}.refuse_removed", removed_before)
    path = "/api/v1/jobs" if by == "one" else "/api/v1/batches"
    body = body if by == "one" else {"jobs": [body]}
    answer = as_alice.post(path, body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (409, "file_removed")
    assert not Job.objects.exists()


@pytest.mark.slow
def test_uploads_and_removals_at_once_lose_nothing_that_somebody_has(alice: Any, bob: Any) -> None:
    """Each gives and removes the same content, again and again, and has it in the end."""

    def give_and_remove(owner: Any, n: int) -> None:
        try:
            for _ in range(n):
                stored, _ = files.keep(owner=owner, name="water.xyz", content=WATER)
                assert stored.path.exists()
                lifecycle.remove_file(stored)
            files.keep(owner=owner, name="water.xyz", content=WATER)
        except BaseException as exc:
            failures.append(exc)
            raise
        finally:
            connection.close()

    failures: list[BaseException] = []
    threads = [threading.Thread(target=give_and_remove, args=(who, 15)) for who in (alice, bob)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failures == []
    assert StoredFile.objects.count() == 2
    assert StoredFile.path_of(StoredFile.objects.first().sha256).read_bytes() == WATER


def test_what_is_removed_as_somebody_looks_for_it_fails_no_upload(
    alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, _ = files.keep(owner=alice, name="water.xyz", content=WATER)
    stat = Path.stat

    def removed_after(path: Path, **how: Any) -> Any:
        found = stat(path, **how)
        path.unlink()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", removed_after)
        contents.put(stored.sha256, WATER)

    contents.put(stored.sha256, WATER)
    assert stored.path.read_bytes() == WATER


# --- after some time -------------------------------------------------------------------------


def age(stored: StoredFile, days: int) -> StoredFile:
    StoredFile.objects.filter(pk=stored.pk).update(created_at=timezone.now() - timedelta(days=days))
    return stored


@pytest.fixture
def uploads(alice: Any, submit_on: Callable[..., Job], water: StoredFile) -> dict[str, StoredFile]:
    """Old ones, of which one is of a job that ended long ago, and a new one."""
    end(submit_on(water))
    old, _ = files.keep(owner=alice, name="old.xyz", content=WATER + b"old")
    new, _ = files.keep(owner=alice, name="new.xyz", content=WATER + b"new")
    return {"used": age(water, 400), "old": age(old, 31), "new": age(new, 29)}


def left() -> set[str]:
    return set(StoredFile.objects.values_list("name", flat=True))


def test_nothing_goes_unless_somebody_wants_it(uploads: dict[str, StoredFile]) -> None:
    retention.Pruner().look()

    assert left() == {"water.xyz", "old.xyz", "new.xyz"}
    with pytest.raises(CommandError, match="kept for ever"):
        call_command("prune")


def test_what_no_job_refers_to_goes_by_itself_after_so_many_days(
    uploads: dict[str, StoredFile], settings: Any
) -> None:
    settings.UPLOAD_RETENTION_DAYS = 30

    retention.Pruner().look()

    assert left() == {"water.xyz", "new.xyz"}
    assert not uploads["old"].path.exists()
    assert uploads["used"].path.exists()


def test_by_hand_it_is_shown_first(
    uploads: dict[str, StoredFile], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("prune", "--uploads", "30", "--dry-run")
    shown = capsys.readouterr().out
    assert left() == {"water.xyz", "old.xyz", "new.xyz"}

    call_command("prune", "--uploads", "30")

    assert str(uploads["old"].pk) in shown
    assert "1 uploads that no job refers to would be removed" in shown
    assert left() == {"water.xyz", "new.xyz"}
    with pytest.raises(CommandError, match="--uploads is 0"):
        call_command("prune", "--uploads", "0")


def test_what_is_given_again_counts_as_new(uploads: dict[str, StoredFile], alice: Any) -> None:
    files.keep(owner=alice, name="old.xyz", content=WATER + b"old")

    call_command("prune", "--uploads", "30")

    assert "old.xyz" in left()


def test_content_that_an_interrupted_removal_left_is_deleted_by_the_next(
    uploads: dict[str, StoredFile],
) -> None:
    StoredFile.objects.filter(pk=uploads["new"].pk).delete()
    assert uploads["new"].path.exists()

    call_command("prune", "--uploads", "30")

    assert not uploads["new"].path.exists()
    assert uploads["used"].path.exists()
