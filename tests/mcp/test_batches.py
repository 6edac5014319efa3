"""Campaigns by an agent."""

from __future__ import annotations

import asyncio

import pytest

from jobs.models import Job

from .conftest import Connect, run_to_its_end
from .test_tools import said

pytestmark = pytest.mark.django_db(transaction=True)

GRID = {
    "name": "Squares",
    "template": {"simulation": "demo.sum_squares", "params": {}},
    "grid": {"params.n": [3, 4, 5]},
}


async def test_a_batch_is_submitted_watched_and_read(alices: Connect) -> None:
    async with alices() as client:
        batch = said(await client.call_tool("submit_batch", GRID))["batch"]
        call = {"batch_id": batch["id"], "wait_seconds": 50}
        waiting = asyncio.create_task(client.call_tool("get_batch", call))
        async for job in Job.objects.filter(batch=batch["id"]):
            await run_to_its_end(str(job.pk))
        over = said(await asyncio.wait_for(waiting, 40))
        items = said(await client.call_tool("list_batch_items", {"batch_id": batch["id"]}))

    assert batch["counts"]["queued"] == 3
    assert over["batch"]["state"] == "finished"
    assert "3 succeeded" in over["summary"]
    assert [item["summary"] for item in items["items"]] == [{"total": 14}] * 3


async def test_a_batch_that_waits_for_approval_is_not_waited_for_in_vain(
    connect: Connect, watched_key: str
) -> None:
    async with connect(watched_key) as client:
        batch = said(await client.call_tool("submit_batch", GRID))

    assert "3 queued, 3 of these waiting for approval" in batch["summary"]
    assert batch["next"].startswith("its owner says yes to each")
    assert batch["batch"]["links"]["page"] in batch["next"]


async def test_a_batch_is_cancelled_and_resumed(alices: Connect) -> None:
    async with alices() as client:
        batch = said(await client.call_tool("submit_batch", GRID))["batch"]
        stopped = said(await client.call_tool("cancel_batch", {"batch_id": batch["id"]}))
        resumed = said(await client.call_tool("resume_batch", {"batch_id": batch["id"]}))

    assert "3 cancelled" in stopped["summary"]
    assert resumed["batch"]["state"] == "running"


async def test_what_is_wrong_in_a_batch_names_the_item(alices: Connect) -> None:
    async with alices() as client:
        answer = await client.call_tool("submit_batch", {**GRID, "grid": {"params.n": [3, 0]}})

    assert answer.is_error
    assert "n is 0; it must be at least 1" in answer.content[0].text
    assert not await Job.objects.aexists()


async def test_what_was_skipped_in_a_batch_is_found_with_what_is_wrong(alices: Connect) -> None:
    asked = {**GRID, "grid": {"params.n": [3, 0, 4]}}
    async with alices() as client:
        refused = (await client.call_tool("submit_batch", asked)).structured_content
        batch = said(await client.call_tool("submit_batch", {**asked, "on_invalid": "skip"}))
        call = {"batch_id": batch["batch"]["id"], "outcome": ["refused"]}
        told = said(await client.call_tool("list_batch_items", call))

    (wrong,) = told["items"]
    assert told["next"] == "change what the errors name and submit these anew"
    assert 'on_invalid = "skip"' in refused["next"]
    assert wrong["index"] == 1
    assert "n is 0" in wrong["errors"][0]["detail"]


async def test_what_is_over_is_not_to_be_tried_again(alices: Connect) -> None:
    async with alices() as client:
        call = {"batch_id": said(await client.call_tool("submit_batch", GRID))["batch"]["id"]}
        async for job in Job.objects.filter(batch=call["batch_id"]):
            await run_to_its_end(str(job.pk))
        over = (await client.call_tool("cancel_batch", call)).structured_content
        resumed = (await client.call_tool("resume_batch", call)).structured_content

    assert over["error"]["code"] == "E_BATCH_OVER"
    assert resumed["error"]["code"] == "E_NOTHING_TO_RESUME"
    for told in (over, resumed):
        assert told["next"].startswith("list_batch_items")


async def test_a_stranger_s_batch_does_not_exist(alices: Connect, bobs: Connect) -> None:
    async with alices() as client:
        batch = said(await client.call_tool("submit_batch", GRID))["batch"]
    async with bobs() as client:
        for tool in ("get_batch", "list_batch_items", "cancel_batch", "resume_batch"):
            answer = await client.call_tool(tool, {"batch_id": batch["id"]})
            assert answer.structured_content["error"]["code"] == "E_NOT_FOUND"


async def test_batches_of_earlier_conversations_are_listed(alices: Connect, bobs: Connect) -> None:
    async with alices() as client:
        for n in (3, 4, 5):
            await client.call_tool("submit_batch", {**GRID, "grid": {"params.n": [n]}})
    async with alices() as another:
        first = said(await another.call_tool("list_batches", {"limit": 2}))
        rest = said(await another.call_tool("list_batches", {"cursor": first["next_cursor"]}))
    async with bobs() as client:
        theirs = said(await client.call_tool("list_batches", {}))

    found = [*first["batches"], *rest["batches"]]
    assert len({each["id"] for each in found}) == 3
    assert {each["counts"]["queued"] for each in found} == {1}
    assert first["summary"] == "2 batches and more."
    assert theirs["batches"] == []
