"""What became of its jobs while the agent was away, over MCP."""

from __future__ import annotations

import pytest
from channels.db import database_sync_to_async

from jobs import lifecycle
from jobs.models import Job

from .conftest import Connect, run_to_its_end
from .test_tools import SUBMIT, said

pytestmark = pytest.mark.django_db(transaction=True)


async def test_what_happened_is_told_again_until_it_is_acknowledged(alices: Connect) -> None:
    async with alices() as client:
        calls = [await client.call_tool(SUBMIT, {"n": n}) for n in (3, 4)]
        ids = [said(each)["job"]["id"] for each in calls]
    await run_to_its_end(ids[0])
    await run_to_its_end(ids[1], {"detail": "It diverged."})
    async with alices() as another:
        first = said(await another.call_tool("read_inbox", {}))
        again = said(await another.call_tool("read_inbox", {}))
        one = said(await another.call_tool("read_inbox", {"limit": 1}))
        await another.call_tool("acknowledge_inbox", {"cursor": one["cursor"]})
        rest = said(await another.call_tool("read_inbox", {}))
        await another.call_tool("acknowledge_inbox", {"cursor": rest["cursor"]})
        nothing = said(await another.call_tool("read_inbox", {}))

    assert [each["job"]["id"] for each in first["events"]] == ids
    assert first["summary"] == "1 succeeded, 1 failed."
    assert again["events"] == first["events"]
    assert (one["has_more"], [each["kind"] for each in rest["events"]]) == (True, ["failed"])
    assert (nothing["events"], nothing["summary"]) == ([], "Nothing new.")


async def test_a_no_is_told_with_its_reason_and_is_not_to_be_asked_about_again(
    connect: Connect, watched_key: str
) -> None:
    async with connect(watched_key) as client:
        job_id = said(await client.call_tool(SUBMIT, {"n": 3}))["job"]["id"]
        await _reject(job_id)
        inbox = said(await client.call_tool("read_inbox", {}))
        job = said(await client.call_tool("get_job", {"job_id": job_id}))

    rejected = next(each for each in inbox["events"] if each["kind"] == "rejected")
    assert (rejected["by"], rejected["why"]) == ("alice", "Too wide.")
    assert job["summary"].endswith("was cancelled: Rejected by alice: Too wide.")
    assert job["next"].startswith("tell its owner")


@database_sync_to_async
def _reject(job_id: str) -> None:
    lifecycle.reject(Job.objects.get(pk=job_id), by="alice", why="Too wide.")


async def test_a_cursor_that_is_none_is_refused(alices: Connect) -> None:
    async with alices() as client:
        answer = await client.call_tool("acknowledge_inbox", {"cursor": "x"})

    assert answer.is_error
    assert "none of this inbox" in answer.structured_content["summary"]


async def test_a_stranger_hears_nothing(alices: Connect, bobs: Connect) -> None:
    async with alices() as client:
        job = said(await client.call_tool(SUBMIT, {"n": 3}))["job"]
    await run_to_its_end(job["id"])
    async with bobs() as client:
        told = said(await client.call_tool("read_inbox", {}))

    assert told["events"] == []
