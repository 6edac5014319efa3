"""The tools for what happened while the agent was away: told until it says that it has it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from jobs.mcp.telling import Told, shortened

from .base import MAX_WAIT_S, Call, tool

EVENTS = "/api/v1/events"
SAID = ("by", "why", "evidence")
"""Of an event: who said yes or no to a job, and why it went as it did."""
KEPT = ("id", "name", "simulation", "failure_kind", "summary")


class Unread(BaseModel, extra="forbid"):
    limit: int = Field(20, ge=1, le=100)
    wait_seconds: int = Field(0, ge=0, le=MAX_WAIT_S)


class Acknowledgement(BaseModel, extra="forbid"):
    cursor: str = Field(description="The one that read_inbox answered.")


@tool("read_inbox", "Read the inbox", Unread)
async def read_inbox(call: Call, given: Unread) -> Told:
    """What became of your jobs while you were away (succeeded, failed, cancelled, approved, …),
    oldest first, the same again until you acknowledge it; with wait_seconds it waits for the first
    event. One call for all of your jobs."""
    said = {"Prefer": f"wait={given.wait_seconds}"} if given.wait_seconds else {}
    page = await call.site.get(EVENTS, {"limit": given.limit}, **said)
    found = [_row(event) for event in page["events"]]
    return Told(
        summary=_counted(found, has_more=page["has_more"]),
        next=_after(page) if found else "wait_seconds waits for the next; list_jobs shows all",
        data={"events": found, "cursor": page["cursor"], "has_more": page["has_more"]},
    )


@tool(
    "acknowledge_inbox",
    "Acknowledge the inbox",
    Acknowledgement,
    annotations=ToolAnnotations(
        read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    ),
)
async def acknowledge_inbox(call: Call, given: Acknowledgement) -> Told:
    """Say that you have dealt with every event up to this cursor: they are not told again."""
    await call.site.ask("POST", f"{EVENTS}/ack", {"cursor": given.cursor})
    return Told(summary="Acknowledged.", next="read_inbox for what came since")


TOOLS = [read_inbox, acknowledge_inbox]


def _row(event: dict[str, Any]) -> dict[str, Any]:
    job = {name: event["job"][name] for name in KEPT if event["job"][name]}
    said = {name: event[name] for name in SAID if event.get(name)}
    return shortened({"kind": event["kind"], "at": event["at"], **said, "job": job})


def _counted(found: list[dict[str, Any]], *, has_more: bool) -> str:
    if not found:
        return "Nothing new."
    kinds = Counter(each["kind"] for each in found)
    told = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
    return f"{told}{', and more' if has_more else ''}."


def _after(page: dict[str, Any]) -> str:
    more = ", then read_inbox for the rest" if page["has_more"] else ""
    return f'acknowledge_inbox(cursor="{page["cursor"]}") once all of these are dealt with{more}'
