"""What runs on a Slurm that is played, told by its files."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs import reconciler
from jobs.dispatch.slurm.site import Site
from jobs.models import Job
from jobs.states import FailureKind, JobState
from jobs.watcher import Watcher, files

from .played import POINT, Cluster, leave, now, report, workdir

# --- running ---


def test_progress_is_read_on_from_where_it_was(
    running: Callable[..., Job], watcher: Watcher
) -> None:
    job = running()
    report(job, POINT)
    watcher.look()
    report(job, POINT | {"fraction": 0.75})

    # One that was started anew reads no line twice either.
    Watcher(Site()).look()

    told = [event.data["points"] for event in job.events.filter(kind="progress").order_by("seq")]
    assert [[point["fraction"] for point in points] for points in told] == [[0.5], [0.75]]
    assert now(job).metrics == {"energy_hartree": -1.0}


def test_a_torn_line_waits_for_its_rest(running: Callable[..., Job], watcher: Watcher) -> None:
    job = running()
    path = workdir(job) / "progress.jsonl"
    line = json.dumps(POINT)
    path.write_text(line[:20])
    watcher.look()
    assert now(job).progress == 0

    path.write_text(f"{line}\n")
    watcher.look()

    assert now(job).progress == 0.5


@pytest.mark.parametrize("line", ["\0\0\0\0", "[1]", "{}", '{"fraction": NaN}', "3", "{"])
def test_a_line_that_is_none_costs_no_other(
    running: Callable[..., Job], watcher: Watcher, line: str
) -> None:
    job = running()
    (workdir(job) / "progress.jsonl").write_text(f"{line}\n")
    report(job, POINT | {"bad": float("nan")})

    watcher.look()

    assert (now(job).progress, job.metrics) == (0.5, {"energy_hartree": -1.0})


def test_the_log_becomes_events(running: Callable[..., Job], watcher: Watcher) -> None:
    job = running()
    (workdir(job) / "job.log").write_text("converged\n")

    watcher.look()

    assert job.events.get(kind="log").data["log"] == "converged\n"


def test_the_lease_of_what_runs_is_the_watchers_to_extend(
    running: Callable[..., Job], cluster: Cluster, settings: Any
) -> None:
    job = running()
    long_ago = timezone.now() - timedelta(hours=1)
    Job.objects.update(lease_expires_at=long_ago)

    reconciler.reconcile()

    assert (now(job).state, job.reason) == (JobState.RUNNING, "")
    Watcher(Site()).look()
    assert now(job).lease_expires_at > timezone.now()  # type: ignore[operator]


def test_a_result_ends_it_with_its_files(running: Callable[..., Job], watcher: Watcher) -> None:
    job = running()
    (workdir(job) / "scf.csv").write_text("1,2\n")
    leave(
        job,
        artifacts=[{"name": "scf.csv", "title": "SCF", "media_type": "text/csv"}],
        summary={"total": 14},
        methods={"text": "", "references": []},
        result={"total": 14},
    )

    watcher.look()

    assert (now(job).state, job.result, job.summary) == ("succeeded", {"total": 14}, {"total": 14})
    assert [artifact.name for artifact in job.artifacts.all()] == ["scf.csv"]


def test_what_it_reports_while_we_look_is_told_before_its_result(
    running: Callable[..., Job], watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = running()
    report(job, POINT)
    read = files.outcome

    def outcome(*asked: Any, **how: Any) -> Any:
        """It ends between our look at its progress and that at its result."""
        report(job, POINT | {"fraction": 1.0})
        leave(job, result={"total": 14})
        return read(*asked, **how)

    monkeypatch.setattr(files, "outcome", outcome)
    watcher.look()

    told = [event.data["points"] for event in job.events.filter(kind="progress").order_by("seq")]
    assert [point["fraction"] for points in told for point in points] == [0.5, 1.0]
    assert now(job).state == JobState.SUCCEEDED


def test_a_result_waits_for_the_files_that_are_not_to_be_seen_yet(
    running: Callable[..., Job], cluster: Cluster, db: None
) -> None:
    job = running()
    watcher = Watcher(Site(visible_within_s=600))
    leave(job, artifacts=[{"name": "a", "title": "A", "media_type": "text/plain"}], result={})
    cluster.say(job, "COMPLETED")
    watcher.look()
    assert now(job).state == JobState.RUNNING

    (workdir(job) / "a").write_text("late")
    watcher.look()

    assert now(job).state == JobState.SUCCEEDED
    assert job.artifacts.count() == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"kind": "input", "detail": "no"}, FailureKind.INPUT),
        ({"kind": "science", "detail": "no", "hints": [], "fix": None}, FailureKind.SCIENCE),
        ({"kind": "internal", "detail": "no"}, FailureKind.INTERNAL),
        ({"kind": "memory", "detail": "no"}, FailureKind.MEMORY),
    ],
)
def test_why_a_run_says_that_it_failed_is_why_it_did(
    running: Callable[..., Job], watcher: Watcher, error: dict[str, Any], kind: FailureKind
) -> None:
    job = running()
    leave(job, error=error)
    (workdir(job) / "traceback.txt").write_text("Traceback")

    watcher.look()

    assert (now(job).state, job.failure_kind) == (JobState.FAILED, kind)
    assert (job.error or {})["detail"] == "no"
