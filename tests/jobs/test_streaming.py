"""Server-sent events: what was missed, then what happens, each once; and the end is told."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.db import OperationalError
from django.test import Client
from redis.exceptions import ConnectionError as RedisAway

from backplane_site.asgi import rest
from backplane_site.local_user import local_user
from jobs import lifecycle, news, streaming
from jobs.models import Job, JobEvent

pytestmark = pytest.mark.django_db(transaction=True)

POINT = {"fraction": 0.5, "message": "a line\nand another", "stage": ""}


@pytest.fixture
def job(submit: Callable[..., Job], start: Callable[[Job], Job], monkeypatch: Any) -> Job:
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", lambda job: None)
    return start(submit(owner=local_user()))


class Stream:
    """What a client gets, byte by byte as it comes."""

    def __init__(self, path: str, headers: dict[str, str]) -> None:
        path, _, query = path.partition("?")
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._said.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        self._got: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.text = ""
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
            "headers": [(b"host", b"127.0.0.1")]
            + [(name.lower().encode(), text.encode()) for name, text in headers.items()],
        }  # fmt: skip
        self.task = asyncio.create_task(rest(scope, self._said.get, self._got.put))

    async def start(self) -> dict[str, Any]:
        return await asyncio.wait_for(self._got.get(), 10)

    async def until(self, words: str) -> None:
        async with asyncio.timeout(10):
            while words not in self.text:
                self.text += (await self._got.get()).get("body", b"").decode()

    async def to_its_end(self) -> None:
        async with asyncio.timeout(10):
            message: dict[str, Any] = {"more_body": True}
            while message.get("more_body"):
                message = await self._got.get()
                self.text += message.get("body", b"").decode()
            await self.task

    def leave(self) -> None:
        self._said.put_nowait({"type": "http.disconnect"})

    @property
    def seqs(self) -> list[int]:
        """The numbers of the events, as a reader that keeps to the standard finds them."""
        blocks = [block for block in self.text.split("\n\n") if "data:" in block]
        ids = [re.search(r"^id: (\d+)$", block, re.MULTILINE) for block in blocks]
        return [int(each[1]) for each in ids if each]


@asynccontextmanager
async def stream(path: str, **headers: str) -> AsyncIterator[Stream]:
    opened = Stream(path, {name.replace("_", "-"): text for name, text in headers.items()})
    try:
        yield opened
    finally:
        opened.task.cancel()
        with suppress(asyncio.CancelledError):
            await opened.task


def path_of(job: Job, query: str = "") -> str:
    return f"/api/v1/jobs/{job.pk}/events/stream{query}"


progress = database_sync_to_async(lambda job: lifecycle.progress(job, 1, [POINT]))
finish = database_sync_to_async(lambda job: lifecycle.succeed(job, 1, {"total": 14}))


async def test_what_was_missed_what_happens_and_the_end(job: Job) -> None:
    async with stream(path_of(job)) as got:
        start = await got.start()
        await got.until("id: 2\n")
        for _ in range(3):
            await progress(job)
        await got.until("id: 5\n")
        await finish(job)
        await got.to_its_end()

    headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    assert start["status"] == 200
    assert headers["content-type"] == "text/event-stream"
    assert headers["x-accel-buffering"] == "no"
    assert "content-length" not in headers
    assert got.text.startswith("retry: 2000\nid: 0\n\n")
    assert got.seqs == [1, 2, 3, 4, 5, 6]
    assert got.text.endswith('event: end\ndata: {"seq": 6, "state": "succeeded"}\n\n')


async def test_each_event_is_told_as_everywhere_else(job: Job) -> None:
    await progress(job)
    async with stream(path_of(job, "?after=2")) as got:
        await got.start()
        await got.until("id: 3\n")

    told = json.loads(re.findall(r"^data: (.*)$", got.text, re.MULTILINE)[-1])
    assert (told["seq"], told["kind"], told["progress"]) == (3, "progress", 0.5)
    assert told["points"] == [POINT]


@pytest.mark.parametrize("by", ["query", "header", "both"])
async def test_a_reader_that_comes_back_misses_nothing_and_gets_nothing_twice(
    job: Job, by: str
) -> None:
    async with stream(path_of(job)) as first:
        await first.start()
        await first.until("id: 2\n")
    await progress(job)
    query = {"query": "?after=2", "header": "", "both": "?after=0"}[by]
    headers = {} if by == "query" else {"Last_Event_ID": "2"}
    async with stream(path_of(job, query), **headers) as second:
        await second.start()
        await progress(job)
        await second.until("id: 4\n")

    assert first.seqs + second.seqs == [1, 2, 3, 4]


async def test_more_than_a_page_comes_whole(job: Job) -> None:
    def burst() -> None:
        JobEvent.objects.bulk_create(
            JobEvent(job=job, seq=seq, kind="log", data={}) for seq in range(3, 1203)
        )
        Job.objects.filter(pk=job.pk).update(last_seq=1202)

    await database_sync_to_async(burst)()
    async with stream(path_of(job)) as got:
        await got.start()
        await got.until("id: 1202\n")

    assert got.seqs == list(range(1, 1203))


async def test_the_events_are_a_stream_for_who_accepts_one(job: Job) -> None:
    async with stream(f"/api/v1/jobs/{job.pk}/events", Accept="text/event-stream") as got:
        await got.start()
        await got.until("id: 2\n")

    assert got.seqs == [1, 2]


async def test_while_nothing_happens_it_says_that_it_is_there(job: Job, monkeypatch: Any) -> None:
    monkeypatch.setattr(streaming, "KEEP_ALIVE_S", 0.1)
    async with stream(path_of(job)) as got:
        await got.start()
        await got.until(": still here\n\n")


async def test_what_has_ended_is_told_whole_and_closed(job: Job) -> None:
    await finish(job)
    async with stream(path_of(job)) as got:
        await got.start()
        await got.to_its_end()

    assert got.seqs == [1, 2, 3]
    assert "event: end" in got.text


async def test_a_browser_that_has_it_all_is_told_to_stay_away(job: Job) -> None:
    await finish(job)
    async with stream(path_of(job), Last_Event_ID="3") as got:
        start = await got.start()

    assert start["status"] == 204


async def test_without_a_redis_and_with_a_database_that_fails_once(
    job: Job, monkeypatch: Any
) -> None:
    async def refuse(*args: Any) -> None:
        raise RedisAway("nobody is there")

    real, failures = streaming._read, [OperationalError("locked")]

    async def fails_once(*args: Any) -> Any:
        if failures:
            raise failures.pop()
        return await real(*args)

    monkeypatch.setattr(news, "LOOK_ANYWAY_S", 0.2)
    monkeypatch.setattr(news, "TRY_AGAIN_S", 0.1)
    monkeypatch.setattr(streaming, "_read", fails_once)
    monkeypatch.setattr("channels.layers.InMemoryChannelLayer.new_channel", refuse)
    async with stream(path_of(job)) as got:
        await got.start()
        await finish(job)
        await got.to_its_end()

    assert got.seqs == [1, 2, 3]
    assert failures == []


async def test_a_stream_that_has_lasted_too_long_ends_without_an_end(
    job: Job, monkeypatch: Any
) -> None:
    monkeypatch.setattr(streaming, "MOST_S", 0.1)
    async with stream(path_of(job)) as got:
        await got.start()
        await got.to_its_end()

    assert got.seqs == [1, 2]
    assert "event: end" not in got.text


async def test_a_reader_that_leaves_leaves_nothing_behind(job: Job) -> None:
    before = len(asyncio.all_tasks())
    async with stream(path_of(job)) as got:
        await got.start()
        await got.until("id: 2\n")
        got.leave()
        await asyncio.wait_for(got.task, 10)

    async with asyncio.timeout(5):
        while len(asyncio.all_tasks()) > before:
            await asyncio.sleep(0)


@pytest.mark.parametrize(("query", "status"), [("?after=x", 422), ("?after=-1", 422)])
async def test_a_number_that_is_none_is_refused(job: Job, query: str, status: int) -> None:
    async with stream(path_of(job, query)) as got:
        start = await got.start()

    assert start["status"] == status


def test_a_stranger_s_stream_does_not_open(job: Job, client: Client, bob: Any) -> None:
    client.force_login(bob)

    answer = client.get(path_of(job), headers={"Accept": "text/event-stream"})

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
