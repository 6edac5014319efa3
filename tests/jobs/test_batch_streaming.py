"""The events of a batch as they happen, by the same stream as those of a job."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async
from redis.exceptions import ConnectionError as RedisAway

from backplane_site.local_user import local_user
from jobs import keys, lifecycle, news, streaming
from jobs.batch_models import Batch
from jobs.lifecycle import batch_course, many
from jobs.models import Job
from jobs.states import JobState, Scope

from .test_streaming import stream

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def batch(monkeypatch: pytest.MonkeyPatch, db: None) -> Batch:
    """Of two jobs, none of which a worker knows of."""
    monkeypatch.setattr("jobs.lifecycle.batches.hand_all_to_backend", lambda jobs: None)
    monkeypatch.setattr(many, "withdraw_all", lambda jobs: None)
    wanted = [lifecycle.Wanted(simulation="demo.sum_squares", params={"n": n}) for n in (1, 2)]
    return lifecycle.submit_batch(owner=local_user(), wanted=wanted)


def path_of(batch: Batch, query: str = "") -> str:
    return f"/api/v1/batches/{batch.pk}/events/stream{query}"


@database_sync_to_async
def finish_one(batch: Batch) -> None:
    job = Job.objects.filter(batch=batch, state=JobState.QUEUED).order_by("queued_at", "id")[0]
    lifecycle.start(job, 1, worker="host:1", host="host", pid=1)
    lifecycle.succeed(job, 1, {"total": 14})


cancel = database_sync_to_async(lambda batch: lifecycle.cancel_batch(batch, by="alice"))


def kinds(text: str) -> list[str]:
    told = [json.loads(each) for each in re.findall(r"^data: (.*)$", text, re.MULTILINE)]
    return [each["kind"] for each in told if "kind" in each]


async def test_what_was_missed_what_happens_and_the_end(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_course, "TOLD_EVERY", 0 * batch_course.TOLD_EVERY)
    async with stream(path_of(batch)) as got:
        start = await got.start()
        await got.until("id: 1\n")
        await finish_one(batch)
        await got.until("id: 2\n")
        await finish_one(batch)
        await got.to_its_end()

    headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    assert (start["status"], headers["content-type"]) == (200, "text/event-stream")
    assert "content-length" not in headers
    assert kinds(got.text) == ["submitted", "progress", "finished"]
    assert got.seqs == [1, 2, 3]
    assert got.text.endswith('event: end\ndata: {"seq": 3, "state": "finished"}\n\n')


async def test_however_often_its_jobs_move_progress_is_told_once_a_second(batch: Batch) -> None:
    async with stream(path_of(batch)) as got:
        await got.start()
        await finish_one(batch)
        await finish_one(batch)
        await got.to_its_end()

    assert kinds(got.text) == ["submitted", "finished"]


async def test_a_reader_that_comes_back_misses_nothing_and_gets_nothing_twice(
    batch: Batch,
) -> None:
    async with stream(path_of(batch)) as first:
        await first.start()
        await first.until("id: 1\n")
    await cancel(batch)
    async with stream(path_of(batch), Last_Event_ID="1") as second:
        await second.start()
        await second.to_its_end()
    async with stream(path_of(batch), Last_Event_ID="3") as third:
        start = await third.start()

    assert (first.seqs, second.seqs) == ([1], [2, 3])
    assert kinds(second.text) == ["cancel_requested", "finished"]
    assert start["status"] == 204


async def test_what_is_resumed_after_its_end_is_streamed_on(batch: Batch) -> None:
    await cancel(batch)
    await database_sync_to_async(lambda: lifecycle.resume_batch(batch, by="alice"))()
    async with stream(path_of(batch), Last_Event_ID="3") as got:
        assert (await got.start())["status"] == 200
        await got.until("id: 4\n")
        await cancel(batch)
        await got.to_its_end()

    assert kinds(got.text) == ["resumed", "cancel_requested", "finished"]


async def test_while_nothing_happens_it_says_that_it_is_there(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "KEEP_ALIVE_S", 0.1)
    async with stream(path_of(batch)) as got:
        await got.start()
        await got.until(": still here\n\n")


async def test_without_a_redis_it_is_seconds_late(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*args: Any) -> None:
        raise RedisAway("nobody is there")

    monkeypatch.setattr(news, "LOOK_ANYWAY_S", 0.2)
    monkeypatch.setattr(news, "TRY_AGAIN_S", 0.1)
    monkeypatch.setattr("channels.layers.InMemoryChannelLayer.new_channel", refuse)
    async with stream(path_of(batch)) as got:
        await got.start()
        await cancel(batch)
        await got.to_its_end()

    assert got.seqs == [1, 2, 3]


@pytest.mark.parametrize(("scopes", "status"), [([Scope.READ], 200), ([Scope.SUBMIT], 403)])
async def test_it_takes_a_key_that_may_read(batch: Batch, scopes: list[Scope], status: int) -> None:
    issue: Callable[..., Any] = database_sync_to_async(keys.issue)
    _, text = await issue(owner=batch.owner, name="crawler", scopes=scopes)
    async with stream(path_of(batch), Authorization=f"Bearer {text}") as got:
        start = await got.start()

    assert start["status"] == status


async def test_it_ends_with_the_key_that_opened_it(batch: Batch) -> None:
    issue: Callable[..., Any] = database_sync_to_async(keys.issue)
    key, text = await issue(owner=batch.owner, name="crawler", scopes=[Scope.READ])
    async with stream(path_of(batch), Authorization=f"Bearer {text}") as got:
        await got.start()
        await database_sync_to_async(keys.revoke)(key)
        await got.to_its_end()

    assert "event: refused" in got.text
    assert "event: end" not in got.text


@pytest.mark.parametrize("query", ["?after=x", "?after=-1"])
async def test_a_number_that_is_none_is_refused(batch: Batch, query: str) -> None:
    async with stream(path_of(batch, query)) as got:
        assert (await got.start())["status"] == 422
