"""Answers with jobs in them: written by the serializers themselves, from a job of no table."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from rest_framework.utils.encoders import JSONEncoder

from jobs.api.serializers import JobSerializer, JobSummarySerializer
from jobs.models import Job
from jobs.states import JobState

JOB_ID = UUID("6f1c2d3e-0a4b-4c5d-8e6f-7a8b9c0d1e2f")
EARLIER_ID = UUID("1b2c3d4e-5f60-4718-8a9b-0c1d2e3f4a5b")
APPLIED: dict[str, Any] = {"not_applied": [], "not_applied_text": None}
AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def answer(name: str, status: int) -> Any:
    """What the operation answers when all is well; None: it is not told yet."""
    if name in {"submit_job", "run_job_again", "restart_job"}:
        return _submitted(status)
    if name in {"get_job", "approve_job", "reject_job", "cancel_job", "change_job"}:
        return _of_state(name)
    if name == "get_job_result" and status == 202:
        return _summary(state="running", progress=0.4, message="term 2 of 3")
    known = _made_of_jobs()
    return _plain(known[name]) if name in known else None


def _submitted(status: int) -> dict[str, Any]:
    if status == 200:
        why = "An equal job of yours has succeeded: same simulation, versions and input."
        return _done() | {"reuse": {"outcome": "hit", "reason": why, **APPLIED}}
    why = "No equal job of yours has succeeded or is on its way."
    return _waiting() | {"reuse": {"outcome": "new", "reason": why, **APPLIED}}


def _of_state(name: str) -> dict[str, Any]:
    if name == "get_job":
        return _done()
    if name in {"cancel_job", "reject_job"}:
        end = {"finished_at": "2026-11-23T10:00:05Z", "waiting": None}
        return _waiting() | {"state": "cancelled", "failure_kind": "cancelled_by"} | end
    return _waiting() | ({"priority": "high"} if name == "change_job" else {})


def _waiting() -> dict[str, Any]:
    waiting = {
        "reason": "no_free_worker", "text": "Waiting for a worker, about 3rd in line",
        "place": 3, "starts_in_s": None,
    }  # fmt: skip
    nothing = {"reason": "no_free_worker", "reason_text": "Waiting for a worker"}
    empty = {"result": None, "summary": None, "started_at": None, "finished_at": None}
    return _done() | empty | nothing | {"state": "queued", "progress": 0, "waiting": waiting}


def _summary(**changes: Any) -> dict[str, Any]:
    return _plain(JobSummarySerializer(_job(), context={"request": None}).data) | changes


@cache
def _done_once() -> str:
    return json.dumps(JobSerializer(_job(), context={"request": None}).data, cls=JSONEncoder)


def _done() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_done_once())
    return found


def _job() -> Job:
    """One that has succeeded, and is in no table."""
    example = Job(
        id=JOB_ID,
        name="Squares",
        simulation="demo.sum_squares",
        params={"n": 3},
        state=JobState.SUCCEEDED,
        progress=1,
        message="term 3 of 3",
        metrics={"total": 14.0},
        result={"total": 14},
        summary={"total": 14},
        last_seq=3,
        wall_time_limit_s=3600,
        memory_limit_mib=2000,
        disk_limit_mib=20480,
        threads=1,
        created_at=AT,
        queued_at=AT,
        started_at=AT + timedelta(seconds=1),
        finished_at=AT + timedelta(seconds=2),
    )
    example._prefetched_objects_cache = {"attempts": [], "artifacts": []}  # type: ignore[attr-defined]
    return example


def _made_of_jobs() -> dict[str, Any]:
    """Answers with jobs in them."""
    earlier = _summary(id=str(EARLIER_ID))
    differences = [{"field": "n", "here": 3, "there": 4}]
    nearest = {"nearest": earlier, "differences": differences}
    plan_fields = ("simulation", "name", "tags", "priority", "placement", "params", "structure",
                   "notes", "estimate", "limits", "retry")  # fmt: skip
    return {
        "list_jobs": {"results": [_summary()], "next": None, "next_cursor": None},
        "get_nearest_job": nearest,
        "get_job_result": {"total": 14},
        "check_job": {
            "ok": True,
            "errors": [],
            "patch": None,
            "patch_suffices": None,
            "job": {name: _done()[name] for name in plan_fields},
            "same": {"outcome": "hit", "reason": "An equal job of yours has succeeded: same "
                     "simulation, versions and input.", "job": _summary()},
            "outlook": {"queued": 0, "max_queued": 50_000, "running": 0, "max_running": None,
                        "awaits_approval": False, "place": 1, "starts_in_s": None},
        },
        "explain_job": {
            "id": str(JOB_ID),
            "state": "queued",
            "cause": "no_free_worker",
            "text": "Waiting for a worker, about 3rd in line.",
            "evidence": {"reason": "no_free_worker", "place": 3, "starts_in_s": None,
                         "running_of_owner": 1, "queued_of_owner": 3, "own_ahead": 2,
                         "failed_attempts": []},
            "hints": [],
            "patch": None,
            "actions": [{
                "operation": "change_job",
                "method": "PATCH",
                "url": f"/api/v1/jobs/{JOB_ID}",
                "body": {"priority": "high"},
                "why": "It then goes before your jobs of a lower priority.",
            }],
            "computed_anew": {"text": "The most similar job before it, Squares, differs in n.",
                              "nearest": nearest},
        },
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """As it goes over the wire."""
    return json.loads(json.dumps(value, cls=JSONEncoder))
