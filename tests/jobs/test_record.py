"""What a job keeps of how its numbers came about: in its row, over the API, on its page."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from jobs import artifacts, lifecycle
from jobs.models import Job
from jobs.states import FailureKind
from jobs.worker.run import run_job

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
    assert "Provenance" not in html
