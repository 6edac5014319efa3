"""What a job keeps of how its numbers came about: in its row, over the API, on its page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from jobs import artifacts, lifecycle
from jobs.models import Job
from jobs.states import FailureKind
from jobs.worker.run import run_job
from jobs.worker.tree import Tree
from jobs.worker.warden import Warden

METHODS = {
    "text": "Computed with PySCF 2.14.0 [1].",
    "references": [
        {
            "number": 1, "key": "pyscf", "authors": "Sun et al.", "title": "Recent <b>developments",
            "journal": "J. Chem. Phys.", "year": 2020, "doi": "10.1063/5.0006074",
            "url": "https://doi.org/10.1063/5.0006074",
        }
    ],
}  # fmt: skip
PROVENANCE = {
    "outcome": "running",
    "backplane_version": "0.1.0",
    "software": {"python": "3.11.7", "pyscf": "2.14.0"},
    "input_sha256": "ab" * 32,
    "seeds": {"seed": 42, "seeds": [1, 2]},
    "params": {"secret": "of the job's own column"},
}


@pytest.fixture
def running(submit: Callable[..., Job], start: Callable[[Job], Job]) -> Job:
    """A job whose run has begun, and has written so."""
    job = start(submit())
    workdir = job.workdir(1)
    workdir.mkdir(parents=True, exist_ok=True)
    (workdir / "provenance.json").write_text(json.dumps(PROVENANCE))
    return job


def succeed(job: Job) -> None:
    lifecycle.succeed(job, 1, {"total": 14}, summary={"total": 14}, methods=METHODS)


def test_a_real_run_is_recorded_in_its_row(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit(params={"n": 3}))

    run_job(str(job.pk), 1)

    job.refresh_from_db()
    assert job.summary == {"total": 14}
    assert job.methods == {"text": "", "references": []}
    assert job.provenance["outcome"] == "succeeded"
    assert job.provenance["simulation"] == "demo.sum_squares"
    assert "params" not in job.provenance
    assert "provenance.json" in {file.name for file in job.artifacts.all()}


@pytest.mark.parametrize(
    "end",
    [
        lambda job: lifecycle.fail(job, 1, FailureKind.SCIENCE, {"detail": "No."}),
        lambda job: lifecycle.cancel(job, 1),
    ],
    ids=["failed", "cancelled"],
)
def test_a_run_that_did_not_succeed_keeps_what_is_known(
    running: Job, end: Callable[[Job], None]
) -> None:
    end(running)

    running.refresh_from_db()
    assert running.provenance["backplane_version"] == "0.1.0"
    assert (running.summary, running.methods) == (None, None)


USAGE = SimpleNamespace(ru_maxrss=190 << 10, ru_utime=2.0, ru_stime=0.5)


def killed(job: Job, kind: FailureKind, reached: float, limit: int, peak_mib: float = 103.0) -> Job:
    """Its warden found the process gone, after its gauge had ended it at a limit."""
    warden = Warden(job, tree=Tree(), kill=lambda: None)
    warden._gauge.excess = (kind, reached, limit)
    warden._gauge.peak_memory_mib = peak_mib
    warden.settle(9, USAGE)
    job.refresh_from_db()
    return job


def declare(job: Job, record: dict[str, Any]) -> None:
    entry = {"name": "provenance.json", "title": "Provenance", "media_type": "application/json"}
    (job.workdir(1) / "artifacts.json").write_text(json.dumps([entry]))
    (job.workdir(1) / "provenance.json").write_text(json.dumps(record))


def record_handed_out(job: Job) -> dict[str, Any]:
    """What the artifact holds, once its size and checksum are those of its row."""
    found = job.artifacts.get(name="provenance.json")
    content = (job.workdir(1) / found.name).read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (found.size_bytes, found.sha256)
    record: dict[str, Any] = json.loads(content)
    return record


def test_a_run_that_was_killed_is_recorded_as_it_ended(running: Job) -> None:
    declare(running, PROVENANCE)
    (running.workdir(1) / "job.log").write_text("began")

    job = killed(running, FailureKind.TIMEOUT, 12.4, 12)

    record = record_handed_out(job)
    assert (job.state, record["outcome"], record["failure_kind"]) == ("failed",) * 2 + ("timeout",)
    assert (record["cpu_s"], record["peak_memory_mib"]) == (2.5, 103.0)
    assert record["ended_at"].endswith("Z")
    assert record["wall_s"] >= 0
    assert record.pop("params") == PROVENANCE["params"]
    assert record == job.provenance


def test_a_run_killed_before_its_result_was_safe_did_not_succeed(running: Job) -> None:
    ended = {
        "outcome": "succeeded",
        "ended_at": "2026-01-01T00:00:00.000Z",
        "wall_s": 1.5,
        "cpu_s": 1.25,
        "result_sha256": "cd" * 32,
    }
    declare(running, PROVENANCE | ended)

    job = killed(running, FailureKind.MEMORY, 103.0, 100)

    record = record_handed_out(job)
    assert (record["outcome"], record["failure_kind"]) == ("failed", "memory")
    assert record["result_sha256"] is None
    assert {name: record[name] for name in ("ended_at", "wall_s", "cpu_s")} == {
        name: ended[name] for name in ("ended_at", "wall_s", "cpu_s")
    }
    assert job.provenance["outcome"] == "failed"


def test_a_record_that_says_it_all_stays_as_the_run_wrote_it(
    submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    job = start(submit(params={"n": 3}))

    run_job(str(job.pk), 1)

    job.refresh_from_db()
    record = record_handed_out(job)
    del record["params"], record["structure"]
    assert record == job.provenance
    assert record["peak_resident_mib"] > 10


def test_who_comes_too_late_does_not_touch_the_record(running: Job) -> None:
    before = (running.workdir(1) / "provenance.json").read_bytes()
    lifecycle.lose(Job.objects.get(pk=running.pk), 1, "taken for dead")

    with pytest.raises(lifecycle.IllegalTransition):
        succeed(running)

    assert (running.workdir(1) / "provenance.json").read_bytes() == before


def test_a_record_that_cannot_be_completed_does_not_keep_a_job_from_ending(
    running: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(artifacts.records, "complete", full)

    assert killed(running, FailureKind.DISK, 12.0, 10).failure_kind == "disk"


@pytest.mark.parametrize(("seen_mib", "told_mib"), [(96.0, 96.0), (0.0, 190.0)])
def test_the_peak_is_by_the_measure_that_is_judged(
    running: Job, seen_mib: float, told_mib: float
) -> None:
    """What the system tells has the pages in it that a worker had loaded ahead."""
    killed(running, FailureKind.TIMEOUT, 12.4, 12, peak_mib=seen_mib)

    assert running.attempts.get().peak_memory_mib == told_mib


@pytest.mark.parametrize("text", ["{", "[1]", '"x"'])
def test_a_broken_record_costs_the_record_and_not_the_job(running: Job, text: str) -> None:
    (running.workdir(1) / "provenance.json").write_text(text)

    succeed(running)

    running.refresh_from_db()
    assert running.state == "succeeded"
    assert running.provenance is None


def test_a_directory_without_a_record_has_none(tmp_path: Any) -> None:
    assert artifacts.provenance(tmp_path) is None


def test_the_api_tells_all_of_one_job_and_the_summary_of_each(
    running: Job, client: Any, alice: Any
) -> None:
    succeed(running)
    client.force_login(alice)

    one = client.get(f"/api/v1/jobs/{running.pk}").json()
    (listed,) = client.get("/api/v1/jobs").json()["results"]

    assert one["summary"] == listed["summary"] == {"total": 14}
    assert one["methods"] == METHODS
    assert one["provenance"]["software"]["pyscf"] == "2.14.0"
    assert "methods" not in listed
    assert "provenance" not in listed


def test_a_job_is_stored_and_found_by_its_own_name(client: Any, alice: Any) -> None:
    client.force_login(alice)
    body = {"simulation": "XTB", "params": {"structure": "O"}}

    job = client.post("/api/v1/jobs", body, content_type="application/json").json()

    assert job["simulation"] == "xtb_optimization"
    assert "'XTB' was asked for" in next(n["message"] for n in job["notes"] if n["code"] == "alias")
    assert len(client.get("/api/v1/jobs?simulation=xtb").json()["results"]) == 1
    assert client.get("/api/v1/jobs?simulation=md").json()["results"] == []


def test_the_page_tells_methods_references_and_provenance(
    running: Job, client: Any, alice: Any
) -> None:
    succeed(running)
    client.force_login(alice)

    html = client.get(running.get_absolute_url()).content.decode()

    assert "Computed with PySCF 2.14.0 [1]." in html
    assert 'href="https://doi.org/10.1063/5.0006074"' in html
    assert "Recent &lt;b&gt;developments" in html
    assert 'data-copy="#methods-text"' in html
    assert "pyscf 2.14.0, python 3.11.7" in html
    assert "seed 42, seeds 1 2" in html
    assert "SHA-256 abab" in html


def test_a_page_without_a_record_has_no_empty_blocks(
    submit: Callable[..., Job], client: Any, alice: Any
) -> None:
    client.force_login(alice)

    html = client.get(submit().get_absolute_url()).content.decode()

    assert "methods-text" not in html
    assert "Provenance:" not in html
