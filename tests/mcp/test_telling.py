"""What a tool says of a job beside its data: the sentence first, and what may be done next."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.mcp import telling

RUNS = {
    "id": "j", "simulation": "md_simulation", "name": "", "state": "running", "progress": 0.4,
    "stage": "md", "message": "step 40", "reason_text": None, "cancelling": False,
    "links": {"page": "/jobs/j/"},
}  # fmt: skip
SILENT = "Its worker is silent; whether it still runs is not known"


def job(**changes: Any) -> dict[str, Any]:
    return RUNS | changes


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "running, 40%: md, step 40"),
        ({"reason_text": SILENT}, f"unconfirmed, 40%: {SILENT}"),
        ({"reason_text": SILENT, "cancelling": True}, "stopping"),
    ],
)
def test_a_job_that_may_not_run_is_not_said_to(changes: dict[str, Any], line: str) -> None:
    assert telling.progress_line(job(**changes)) == line


FIX = {"limits": {"wall_time_s": 120}}
ENDS: dict[str, tuple[dict[str, Any], str]] = {
    "timeout": (
        {"failure_kind": "timeout", "error": {"fix": FIX}},
        'restart_job(job_id="j", limits={"wall_time_s": 120}) goes on',
    ),
    "lost": ({"failure_kind": "lost", "error": {}}, 'restart_job(job_id="j") goes on'),
    "science": (
        {"failure_kind": "science", "error": {"fix": {"max_steps": 9}}},
        'run_job_again(job_id="j", patch={"params": {"max_steps": 9}})',
    ),
    "cancelled": ({"state": "cancelled"}, 'restart_job(job_id="j") goes on'),
}


@pytest.mark.parametrize("end", ENDS)
def test_what_was_stopped_is_to_go_on_from_there(end: str) -> None:
    changes, wanted = ENDS[end]
    links = {**RUNS["links"], "restart": "/restart"}

    told = telling.of_job(job(**{"state": "failed", "links": links, **changes}))

    assert told.next.startswith(wanted)


@pytest.mark.parametrize(
    ("end", "wanted"),
    [
        ("timeout", 'run_job_again(job_id="j", patch={"limits": {"wall_time_s": 120}})'),
        ("lost", 'explain_job(job_id="j")'),
        ("cancelled", 'run_job_again(job_id="j") if'),
    ],
)
def test_what_left_nothing_is_to_begin_anew(end: str, wanted: str) -> None:
    changes, _ = ENDS[end]

    assert telling.of_job(job(**{"state": "failed", **changes})).next.startswith(wanted)
