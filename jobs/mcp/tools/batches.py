"""The tools for campaigns: many jobs submitted, watched, stopped and taken up again as one."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from pydantic import BaseModel, Field

from jobs import events, news
from jobs.mcp.telling import Told, path_part, shortened
from jobs.states import Scope

from .base import MAX_WAIT_S, Call, cursor_of, tool

BATCHES = "/api/v1/batches"
LOOK_ANYWAY_S = 5.0
OPEN = {"running", "cancelling"}
KEPT = (
    "id", "name", "state", "n_items", "counts", "n_awaiting_approval", "n_reused", "progress",
    "over_in_s",
    "first_failures", "created_at", "finished_at", "links",
)  # fmt: skip
LISTED = ("id", "name", "state", "n_items", "counts", "created_at", "finished_at")


class OneBatch(BaseModel, extra="forbid"):
    batch_id: str = Field(description="The id that submit_batch answered.")

    @property
    def path(self) -> str:
        return f"{BATCHES}/{path_part(self.batch_id)}"


class Campaign(BaseModel, extra="forbid"):
    name: str | None = None
    tags: list[str] | None = None
    purpose: str | None = None
    jobs: list[dict[str, Any]] | None = Field(
        None, description='Submissions: [{"simulation": …, "params": {…}}, …].'
    )
    template: dict[str, Any] | None = Field(None, description="One submission, to be varied.")
    grid: dict[str, list[Any]] | None = Field(
        None,
        description='Every combination: {"params.structure": ["O", "CO"], "params.basis": […]}.',
    )
    zip: dict[str, list[Any]] | None = Field(None, description="The same, taken in step.")
    priority: Literal["low", "normal", "high"] | None = None
    reuse: bool | None = None
    fail_fast: float | None = Field(
        None, description="Stop after so many failures; below 1 a fraction."
    )
    on_invalid: Literal["refuse", "skip"] | None = None
    idempotency_key: str | None = None


class Listing(BaseModel, extra="forbid"):
    limit: int = Field(20, ge=1, le=50)
    cursor: str | None = Field(None, description="next_cursor of the answer before.")


class Look(OneBatch):
    wait_seconds: int = Field(0, ge=0, le=MAX_WAIT_S)


class Items(OneBatch):
    outcome: list[Literal["accepted", "reused", "refused"]] | None = None
    state: list[Literal["queued", "running", "succeeded", "failed", "cancelled"]] | None = None
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = None


class Resume(OneBatch):
    also: list[str] | None = Field(None, description="Kinds of failure to try again: science.")


@tool("submit_batch", "Submit a batch", Campaign, Scope.SUBMIT)
async def submit_batch(call: Call, given: Campaign) -> Told:
    """Up to 10,000 jobs at once, all or none: a list of jobs, or a template with a grid or zip of
    values. Answers with the batch's id."""
    body = given.model_dump(exclude_none=True, exclude={"idempotency_key"})
    said = {"Idempotency-Key": given.idempotency_key} if given.idempotency_key else {}
    return _told((await call.site.ask("POST", BATCHES, body, headers=said)).body)


@tool("get_batch", "Look at a batch", Look)
async def get_batch(call: Call, given: Look) -> Told:
    """How many of its jobs stand where, what failed first, and when it may be over; with
    wait_seconds once it is over, or how it stands by then."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + given.wait_seconds
    batch = await call.site.get(given.path)
    async with news.of_group(events.batch_group_name(batch["id"])) as bell:
        while batch["state"] in OPEN and (left := deadline - loop.time()) > 0:
            await bell.wait(min(left, LOOK_ANYWAY_S))
            batch = await call.site.get(given.path)
    return _told(batch)


@tool("list_batches", "List batches", Listing)
async def list_batches(call: Call, given: Listing) -> Told:
    """Your batches, newest first, those of earlier conversations included."""
    page = await call.site.get(BATCHES, given.model_dump(exclude_none=True))
    rows = [shortened({name: each[name] for name in LISTED}) for each in page["results"]]
    cursor = cursor_of(page)
    word = "batch" if len(rows) == 1 else "batches"
    return Told(
        summary=f"{len(rows)} {word}{' and more' if cursor else ''}.",
        next=f'list_batches(cursor="{cursor}")' if cursor else "get_batch for one of them",
        data={"batches": rows, "next_cursor": cursor},
    )


@tool("list_batch_items", "List what became of a batch", Items)
async def list_batch_items(call: Call, given: Items) -> Told:
    """Each job of a batch with its state and its key figures, in the order asked for."""
    query = given.model_dump(exclude_none=True, exclude={"batch_id", "outcome", "state"})
    for name, wanted in (("outcome", given.outcome), ("state", given.state)):
        if wanted:
            query[name] = ",".join(wanted)
    page = await call.site.get(f"{given.path}/items", query)
    rows = [_row(item) for item in page["results"]]
    cursor = page["next_cursor"]
    return Told(
        summary=f"{len(rows)} items{' and more' if cursor else ''}.",
        next=f'the same with cursor="{cursor}"' if cursor else _after(rows),
        data={"items": rows, "next_cursor": cursor},
    )


def _after(rows: list[dict[str, Any]]) -> str:
    """What is refused has no job of which there could be a result."""
    if any("job_id" in row for row in rows):
        return "get_result for one of the jobs"
    return "change what the errors name and submit these anew" if rows else "other filters, or none"


@tool("cancel_batch", "Cancel a batch", OneBatch, Scope.CANCEL)
async def cancel_batch(call: Call, given: OneBatch) -> Told:
    """Cancel at once all of its jobs that wait, and stop those that run."""
    return _told((await call.site.ask("POST", f"{given.path}/cancel")).body)


@tool("resume_batch", "Resume a batch", Resume, Scope.SUBMIT)
async def resume_batch(call: Call, given: Resume) -> Told:
    """New jobs for those only that were cancelled or lost, and that failed in a way that `also`
    names."""
    body = given.model_dump(exclude_none=True, exclude={"batch_id"})
    return _told((await call.site.ask("POST", f"{given.path}/resume", body)).body)


TOOLS = [submit_batch, get_batch, list_batches, list_batch_items, cancel_batch, resume_batch]


def _told(batch: dict[str, Any]) -> Told:
    counts = ", ".join(f"{n} {state}" for state, n in batch["counts"].items() if n)
    named = f"{batch['id']} {batch['name']!r}" if batch["name"] else batch["id"]
    looks = f'get_batch(batch_id="{batch["id"]}", wait_seconds=50)'
    if batch["state"] in OPEN and (awaited := batch["n_awaiting_approval"]):
        counts += f", {awaited} of these waiting for approval"
        what = f"its owner says yes to each; they are at {batch['links']['page']}; tell them"
    elif batch["state"] in OPEN:
        what = f"{looks} waits; or come back later, it goes on by itself"
    else:
        what = f'list_batch_items(batch_id="{batch["id"]}"), or all as CSV from links.results'
    return Told(
        summary=f"Batch {named} is {batch['state']}, {batch['progress']:.0%}: {counts}.",
        next=what,
        data={"batch": shortened({name: batch[name] for name in KEPT if batch[name]})},
    )


def _row(item: dict[str, Any]) -> dict[str, Any]:
    names = ("index", "outcome", "job_id", "name", "state", "failure_kind", "summary", "errors")
    kept = {name: item[name] for name in names if item[name] not in (None, "", [])}
    return dict(shortened(kept))
