"""What happens around a run: whose it is, what it inherits, what it may report."""

from __future__ import annotations

import gc
import math
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, OperationalError

import simulations
from jobs import artifacts, lifecycle
from jobs.budget import Budget
from jobs.models import Job
from jobs.states import FailureKind
from jobs.worker import ahead, patience
from jobs.worker import context as contexts
from jobs.worker.ahead import preload
from jobs.worker.context import JobContext, plain
from jobs.worker.host import HOST, identity
from jobs.worker.inheritance import left_behind
from jobs.worker.run import run_job
from jobs.worker.tree import Tree
from jobs.worker.warden import Warden
from simulations.record import digests

EXITED = 0


@pytest.fixture
def mine(submit: Callable[..., Job]) -> Job:
    """A job that this very process runs."""
    job = submit()
    lifecycle.start(job, 1, worker=identity(os.getpid()), host=HOST, pid=os.getpid())
    return job


def settled(job: Job, status: int | None = EXITED) -> Job:
    warden = Warden(job, tree=Tree(), kill=lambda: None)
    warden.settle(status, None)
    job.refresh_from_db()
    return job


def test_a_process_gone_without_a_word_is_a_lost_attempt(mine: Job) -> None:
    assert settled(mine).attempt == 2
    assert "exit status 0 and no result" in mine.attempts.get().evidence


def out_of_time(job: Job, status: int) -> Job:
    """Its process was found gone just after its time was over, and nobody had looked since."""
    warden = Warden(job, tree=Tree(), kill=lambda: None)
    warden._gauge._started -= job.budget.wall_time_s + 0.1  # type: ignore[operator]
    warden.settle(status, None)
    job.refresh_from_db()
    return job


def test_one_that_stopped_by_itself_for_its_time_was_over_fails_as_timeout(mine: Job) -> None:
    job = out_of_time(mine, EXITED)

    assert (job.state, job.failure_kind) == ("failed", "timeout")
    limit_s = job.budget.wall_time_s
    assert job.error["limit"] == {"wall_time_s": limit_s}
    assert job.error["reached"]["wall_time_s"] >= limit_s


def test_one_that_crashed_did_not_stop_by_itself(mine: Job) -> None:
    assert out_of_time(mine, signal.SIGSEGV).attempts.get(number=1).failure_kind == "lost"


def test_one_that_had_its_result_in_time_or_soon_after_succeeded(mine: Job) -> None:
    lifecycle.succeed(mine, 1, {"total": 14})

    assert out_of_time(mine, EXITED).state == "succeeded"


def test_a_run_hears_that_its_time_is_over(
    submit: Callable[..., Job], start: Callable[[Job], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And leaves it to its worker to tell so."""
    job = submit(limits=Budget(wall_time_s=1))
    told: list[float] = []

    def reports(self: Any, params: Any, context: JobContext) -> None:
        began = context._over_at - 1
        monkeypatch.setattr(contexts, "time", SimpleNamespace(monotonic=lambda: began + told[-1]))
        for second in (0.1, 0.9, 1.1, 1.9):
            told.append(second)
            context.report(second / 2)

    monkeypatch.setattr(simulations.Simulation, "run", reports)

    start(job)
    succeeded = run_job(str(job.pk), 1)

    job.refresh_from_db()
    assert (succeeded, told, job.state) == (False, [0.1, 0.9, 1.1], "running")
    assert job.progress == 0.55


def test_an_attempt_that_nobody_started_here_is_not_run(submit: Callable[..., Job]) -> None:
    job = submit()

    run_job(str(job.pk), 1)

    job.refresh_from_db()
    assert (job.state, job.last_seq) == ("queued", 1)


def test_a_final_word_is_not_overruled(mine: Job) -> None:
    lifecycle.succeed(mine, 1, {"total": 14})

    assert settled(mine).state == "succeeded"


def test_an_attempt_inherits_the_newest_of_every_file(mine: Job) -> None:
    for number, files in {1: {"a": "1", "chk": "1"}, 2: {"a": "2"}, 3: {}}.items():
        directory = mine.workdir(number)
        directory.mkdir(parents=True)
        for name, text in files.items():
            (directory / name).write_text(text)
    (mine.workdir(1) / "chunks").mkdir()
    (mine.workdir(1) / "chunks" / "0").write_text("c")

    view = left_behind(mine, 4)

    assert view
    found = {str(p.relative_to(view)): p.read_text() for p in view.rglob("*") if p.is_file()}
    assert found == {"a": "2", "chk": "1", "chunks/0": "c"}
    assert left_behind(mine, 1) is None
    (mine.workdir(4) / "a").write_text("4")
    again = left_behind(mine, 5)
    assert again
    assert (again / "a").read_text() == "4"


def test_numbers_reach_the_database_as_json_takes_them() -> None:
    metrics = {"a": np.float64(1.5), "b": np.int32(2), "c": math.inf, "d": float("nan"), "e": 3}

    assert plain(metrics) == {"a": 1.5, "b": 2, "e": 3}


def test_a_directory_that_cannot_be_made_is_the_machines_fault(
    submit: Callable[..., Job], start: Callable[[Job], Job], settings: Any, tmp_path: Any
) -> None:
    (tmp_path / "file").touch()
    settings.JOBS_ROOT = tmp_path / "file"
    job = submit()

    start(job)
    run_job(str(job.pk), 1)

    attempt = job.attempts.get()
    assert (attempt.failure_kind, attempt.outcome) == ("infrastructure", "requeued")
    assert "Not a directory" in attempt.evidence


def test_a_result_with_a_figure_that_is_none_is_a_defect_and_no_success(
    submit: Callable[..., Job], start: Callable[[Job], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit()
    monkeypatch.setattr(simulations.Simulation, "run", lambda *_: {"energy_hartree": math.nan})

    start(job)
    run_job(str(job.pk), 1)

    job.refresh_from_db()
    assert (job.state, job.failure_kind) == ("failed", "internal")
    assert "Traceback" not in str(job.error)


def test_a_run_reports_and_ends_with_its_log(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = submit(params={"n": 4})

    start(job)
    run_job(str(job.pk), 1)

    job.refresh_from_db()
    assert (job.state, job.result) == ("succeeded", {"total": 30})
    points = [p for e in job.events.filter(kind="progress") for p in e.data["points"]]
    assert [point["total"] for point in points] == [1, 5, 14, 30]


def test_memory_that_was_refused_at_once_is_told_with_figures(
    submit: Callable[..., Job], start: Callable[[Job], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(*_: Any) -> Any:
        raise MemoryError("Unable to allocate 50.0 GiB")

    job = submit(limits=Budget(memory_mib=800))
    monkeypatch.setattr(simulations.Simulation, "run", greedy)

    start(job)
    run_job(str(job.pk), 1)

    job.refresh_from_db()
    assert (job.state, job.failure_kind) == ("failed", "memory")
    assert "limit of 800 MiB (Unable to allocate 50.0 GiB)" in job.error["detail"]
    assert job.error["reached"]["memory_mib"] > 10
    assert job.error["fix"]["limits"]["memory_mib"] >= 1600


def test_a_job_that_asked_to_is_tried_again_after_want_of_memory(
    submit: Callable[..., Job], start: Callable[[Job], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(*_: Any) -> Any:
        raise MemoryError

    job = submit(retry_on=[FailureKind.MEMORY])
    monkeypatch.setattr(simulations.Simulation, "run", greedy)

    start(job)
    run_job(str(job.pk), 1)

    job.refresh_from_db()
    assert (job.state, job.attempt) == ("queued", 2)


def test_a_run_takes_the_threads_of_its_job(submit: Callable[..., Job], settings: Any) -> None:
    settings.JOB_MOST = settings.JOB_MOST | {"threads": 8}
    context = JobContext(submit(limits=Budget(threads=3)), 1)

    assert context.threads == 3
    context.log.close()


def test_a_fenced_run_hears_that_it_is_to_stop(mine: Job) -> None:
    context = JobContext(mine, 1)
    lifecycle.lose(Job.objects.get(pk=mine.pk), 1, "taken for dead")
    context.report(0.5, "late")
    context._flush()

    with pytest.raises(simulations.Cancelled):
        context.report(0.6, "later")

    context.log.close()


def test_a_broken_list_of_files_costs_the_files_and_not_the_job(tmp_path: Any) -> None:
    (tmp_path / "job.log").write_text("x")
    for broken in ("{", "[1]", "[{}]", '{"a": 1}'):
        (tmp_path / "artifacts.json").write_text(broken)

        assert [file.name for file in artifacts.collect(tmp_path)] == ["job.log"]


def test_only_plain_files_of_its_own_directory_are_handed_out(tmp_path: Any) -> None:
    workdir = tmp_path / "1"
    workdir.mkdir()
    (tmp_path / "secret").write_text("x")
    (workdir / "link").symlink_to(tmp_path / "secret")
    (workdir / "folder").mkdir()
    names = ["../secret", "link", "folder", "/etc/hostname", "absent"]
    entries = [f'{{"name": "{n}", "title": "t", "media_type": "text/plain"}}' for n in names]
    (workdir / "artifacts.json").write_text(f"[{','.join(entries)}]")

    assert artifacts.collect(workdir) == []


def test_patience_is_for_a_database_that_is_away(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience.time, "sleep", lambda s: None)
    monkeypatch.setattr(patience.connection, "close", lambda: None)
    answers = iter([OperationalError("locked"), OperationalError("locked"), None])

    def write() -> None:
        if (answer := next(answers)) is not None:
            raise answer

    patience.insist(write)
    assert list(answers) == []

    def refuse() -> None:
        raise IntegrityError("CHECK")

    with pytest.raises(IntegrityError):
        patience.insist(refuse)


def test_what_was_refused_for_something_deleted_meanwhile_is_told_once_more() -> None:
    answers = iter([IntegrityError("FOREIGN KEY"), None])

    def write() -> None:
        if (answer := next(answers)) is not None:
            raise answer

    patience.insist(write)

    assert list(answers) == []


def test_a_run_need_not_read_what_its_worker_has_read(monkeypatch: pytest.MonkeyPatch) -> None:
    digests.of_sources.cache_clear()
    preload("demo.sum_squares")
    monkeypatch.setattr(digests, "of_file", refuse_to_read)

    assert len(digests.of_sources()) == 64


def test_a_run_does_not_look_for_rubbish_in_what_its_worker_has_imported() -> None:
    ahead._keep_out_of_rubbish.cache_clear()

    preload("demo.sum_squares")
    try:
        assert len(gc.get_objects()) < gc.get_freeze_count() / 20
    finally:
        gc.unfreeze()


def test_a_worker_that_cannot_look_ahead_leaves_it_to_the_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    digests.of_sources.cache_clear()
    monkeypatch.setattr(digests, "of_file", refuse_to_read)

    preload("demo.sum_squares")

    assert "not loaded ahead" in caplog.text


def refuse_to_read(path: Path) -> str:
    raise OSError("Input/output error")
