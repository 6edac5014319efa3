"""The tools that make a job of an old one, and those that say yes or no to one that waits."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from jobs.mcp import telling
from jobs.mcp.telling import Told
from jobs.states import Scope

from .base import Call, OneJob, tool
from .submitting import Limits, Waiting, told_of_new


class Again(OneJob, Waiting):
    patch: dict[str, Any] | None = Field(
        None, description='What to change, {"params": {"scf_max_cycles": 300}}.'
    )


class Restart(OneJob, Waiting):
    limits: Limits | None = None


class Rejection(OneJob):
    why: str = ""


@tool("run_job_again", "Run a job again", Again, Scope.SUBMIT, patch_in="patch")
async def run_job_again(call: Call, given: Again) -> Told:
    """A new job with the input of an old one, from the beginning; with patch, a JSON merge patch
    on its submission, as explain_job proposes one."""
    body = {"patch": given.patch} if given.patch else None
    answer = await call.site.ask("POST", f"{given.path}/run-again", body)
    return await told_of_new(call, answer.body, given)


@tool("restart_job", "Restart a job", Restart, Scope.SUBMIT)
async def restart_job(call: Call, given: Restart) -> Told:
    """A new job that goes on from where one that failed or was cancelled had got, within other
    limits if need be."""
    body = given.model_dump(include={"limits"}, exclude_none=True)
    answer = await call.site.ask("POST", f"{given.path}/restart", body)
    return await told_of_new(call, answer.body, given)


@tool("approve_job", "Approve a job", OneJob, Scope.APPROVE)
async def approve_job(call: Call, given: OneJob) -> Told:
    """Let a job start that waits for approval. Only when its owner has said so; never the job of
    the key that you act by."""
    answer = await call.site.ask("POST", f"{given.path}/approve")
    return telling.of_job(answer.body)


@tool("reject_job", "Reject a job", Rejection, Scope.APPROVE)
async def reject_job(call: Call, given: Rejection) -> Told:
    """Cancel a job that waits for approval, and say why."""
    answer = await call.site.ask("POST", f"{given.path}/reject", {"why": given.why})
    return telling.of_job(answer.body)


TOOLS = [run_job_again, restart_job, approve_job, reject_job]
