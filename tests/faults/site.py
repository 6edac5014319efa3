"""What the fault tests do to a site, and what they ask of it afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.stack import Stack


def is_well(stack: Stack) -> bool:
    return stack.is_ready() and len(stack.processes("work")) == 2 and not stack.horses()


def assert_true(stack: Stack, job_ids: list[str]) -> None:
    """Each accepted job is final and true, once; and nothing works on behind our back."""
    for job_id in job_ids:
        stack.wait(job_id)
    found = stack.audit(job_ids) if job_ids else []
    assert {told["id"] for told in found} == set(job_ids)
    assert [told for told in found if told["faults"]] == []
    assert stack.orphans() == []


def long_run(stack: Stack, length_ps: int = 200) -> str:
    """Molecular dynamics of some seconds, in its midst, with a checkpoint."""
    job_id = stack.submit("md_simulation", structure="CCO", length_ps=length_ps)
    stack.wait(job_id, lambda job: job["metrics"].get("time_ps", 0) > 20)
    return job_id


def short_runs(stack: Stack, n: int = 5) -> list[str]:
    return [stack.submit("demo.sum_squares", n=100 + i) for i in range(n)]


def notice(stack: Stack, job_id: str, kind: str = "requeued") -> dict[str, Any]:
    """The event that tells of a fault."""
    return next(event for event in stack.events(job_id) if event["kind"] == kind)


def failures(site: Stack, job_ids: list[str]) -> list[str]:
    """Of their attempts, those that count against them."""
    attempts = [attempt for told in site.audit(job_ids) for attempt in told["attempts"]]
    return [attempt["evidence"] for attempt in attempts if attempt["failure_kind"]]


def told_after_s(stack: Stack, job_id: str, fault_at: float) -> float:
    return datetime.fromisoformat(notice(stack, job_id)["at"]).timestamp() - fault_at
