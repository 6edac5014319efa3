"""Files of jobs that ended long ago go, where a site wants that; nothing else ever does."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from backplane_site import environment
from jobs import artifacts, lifecycle, retention
from jobs.models import Job


@pytest.fixture
def ended(submit: Callable[..., Job], start: Callable[[Job], Job]) -> Callable[..., Job]:
    """A job with one file that ended some days ago."""

    def ended(days_ago: float) -> Job:
        job = start(submit())
        _write(job)
        lifecycle.succeed(job, 1, {"total": 14}, artifacts.collect(job.workdir(1)))
        Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(days=days_ago))
        job.refresh_from_db()
        return job

    return ended


def _write(job: Job) -> None:
    job.workdir(1).mkdir(parents=True)
    (job.workdir(1) / artifacts.LOG_NAME).write_text("all is well\n")


def prune(**options: Any) -> str:
    told = io.StringIO()
    call_command("prune", stdout=told, **options)
    return told.getvalue()


def test_only_what_is_overdue_loses_its_files(ended: Callable[..., Job]) -> None:
    old, young = ended(31), ended(29)

    told = prune(days=30)

    assert (old.directory.exists(), young.directory.exists()) == (False, True)
    assert str(old.pk) in told
    assert "The files of 1 jobs were removed" in told


def test_result_rows_and_events_stay_and_tell_of_it(ended: Callable[..., Job]) -> None:
    job = ended(31)

    prune(days=30)

    job.refresh_from_db()
    assert (job.state, job.result, job.artifacts.count()) == ("succeeded", {"total": 14}, 1)
    event = job.events.get(seq=job.last_seq)
    assert (event.kind, event.data["kept_days"]) == ("files_removed", 30)


def test_a_job_that_goes_on_keeps_everything_however_old(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit())
    _write(job)
    Job.objects.update(created_at=timezone.now() - timedelta(days=400))

    assert "The files of 0 jobs" in prune(days=1)
    assert job.directory.exists()
    with pytest.raises(lifecycle.IllegalTransition):
        lifecycle.remove_files(job, kept_days=1)


def test_what_an_active_job_goes_on_from_is_kept_over_all_generations(
    submit: Callable[..., Job], ended: Callable[..., Job]
) -> None:
    first, second, heir, other = ended(90), ended(60), submit(), ended(60)
    Job.objects.filter(pk=second.pk).update(restarted_from=first)
    Job.objects.filter(pk=heir.pk).update(restarted_from=second)

    prune(days=30)
    assert [job.directory.exists() for job in (first, second, other)] == [True, True, False]

    Job.objects.filter(pk=heir.pk).update(state="cancelled", finished_at=timezone.now())
    prune(days=30)
    assert [job.directory.exists() for job in (first, second)] == [False, False]


def test_a_dry_run_only_tells(ended: Callable[..., Job]) -> None:
    job = ended(31)

    told = prune(days=30, dry_run=True)

    assert "The files of 1 jobs would be removed: 12" in told
    assert job.directory.exists()
    job.refresh_from_db()
    assert job.files_removed_at is None


def test_it_is_off_unless_somebody_turns_it_on() -> None:
    with pytest.raises(CommandError, match="kept for ever"):
        prune()


@pytest.mark.parametrize("days", ["0", "-3", "soon", "1.5"])
def test_a_setting_that_would_remove_everything_is_refused(
    monkeypatch: pytest.MonkeyPatch, days: str
) -> None:
    monkeypatch.setenv("BACKPLANE_RETENTION_DAYS", days)

    with pytest.raises(ImproperlyConfigured, match="a number of days, 1 or more"):
        environment.days("BACKPLANE_RETENTION_DAYS")


def test_what_an_interrupted_prune_left_is_deleted_by_the_next(ended: Callable[..., Job]) -> None:
    job, kept = ended(31), ended(1)
    lifecycle.remove_files(job, kept_days=30)

    prune(days=30)

    assert (job.directory.exists(), kept.directory.exists()) == (False, True)


def test_it_runs_by_itself_once_an_hour_where_it_is_on(
    ended: Callable[..., Job], settings: Any
) -> None:
    now = [100.0]
    pruner = retention.Pruner(clock=lambda: now[0])
    first = ended(31)
    pruner.look()
    assert first.directory.exists()

    settings.JOB_RETENTION_DAYS = 30
    pruner.look()
    second = ended(31)
    pruner.look()
    assert (first.directory.exists(), second.directory.exists()) == (False, True)

    now[0] += retention.LOOK_EVERY_S
    pruner.look()
    assert not second.directory.exists()


def test_pages_and_api_say_how_long_files_are_kept_and_when_they_went(
    client: Client, alice: Any, ended: Callable[..., Job], settings: Any
) -> None:
    client.force_login(alice)
    job = ended(31)
    url = f"/api/v1/jobs/{job.pk}"
    assert "kept for" not in client.get("/jobs/").content.decode()
    assert client.get(url).json()["files_kept_until"] is None

    settings.JOB_RETENTION_DAYS = 40
    assert "kept for 40 days" in client.get("/jobs/").content.decode()
    assert "Kept until" in client.get(f"/jobs/{job.pk}/").content.decode()
    assert client.get(url).json()["files_kept_until"] > timezone.now().isoformat()

    prune(days=30)
    page = client.get(f"/jobs/{job.pk}/").content.decode()
    assert f"Removed on {timezone.now():%Y-%m-%d}" in page
    assert f"/files/{job.artifacts.get().pk}/" not in page
    assert client.get(url).json()["artifacts"][0]["expired_at"]
