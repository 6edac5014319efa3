"""The live socket in one process: what was missed, then what happens, each once and in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from jobs import consumers, lifecycle, news
from jobs.models import Job, JobEvent
from jobs.routing import websocket_urlpatterns

pytestmark = pytest.mark.django_db(transaction=True)

POINT = {"fraction": 0.5, "message": "", "stage": ""}


@pytest.fixture
def job(submit: Callable[..., Job], start: Callable[[Job], Job], monkeypatch: Any) -> Job:
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", lambda job: None)
    return start(submit())


@asynccontextmanager
async def socket(job_id: Any, user: Any, after: Any = 0) -> AsyncIterator[WebsocketCommunicator]:
    app = URLRouter(websocket_urlpatterns)
    communicator = WebsocketCommunicator(app, f"/ws/v1/jobs/{job_id}/?after={after}")
    communicator.scope["user"] = user
    connected, _ = await communicator.connect()
    assert connected
    yield communicator
    await communicator.disconnect()


async def seqs(communicator: WebsocketCommunicator, last: int) -> list[int]:
    """All the numbers that come in until `last` does."""
    found: list[int] = []
    while not found or found[-1] < last:
        message = await communicator.receive_json_from(timeout=5)
        assert message["t"] == "ev"
        found += [event["seq"] for event in message["events"]]
    return found


progress = database_sync_to_async(lambda job: lifecycle.progress(job, 1, [POINT]))


async def test_it_sends_what_was_missed_and_then_what_happens(job: Job, alice: Any) -> None:
    async with socket(job.pk, alice) as ws:
        assert await seqs(ws, 2) == [1, 2]
        for _ in range(5):
            await progress(job)
        assert await seqs(ws, 7) == [3, 4, 5, 6, 7]


async def test_after_a_reconnect_nothing_is_missing_and_nothing_comes_twice(
    job: Job, alice: Any
) -> None:
    async with socket(job.pk, alice) as ws:
        await progress(job)
        first = await seqs(ws, 3)
    await progress(job)
    async with socket(job.pk, alice, after=first[-1]) as ws:
        await progress(job)
        second = await seqs(ws, 5)

    assert first + second == [1, 2, 3, 4, 5]


async def test_a_doorbell_that_rang_for_nobody_costs_nothing(
    job: Job, alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(news, "LOOK_ANYWAY_S", 0.2)
    monkeypatch.setattr("jobs.events.nudge", lambda job_id: None)
    async with socket(job.pk, alice) as ws:
        assert await seqs(ws, 2) == [1, 2]
        await progress(job)
        while (message := await ws.receive_json_from(timeout=5))["t"] == "hb":
            pass

    assert [event["seq"] for event in message["events"]] == [3]


async def test_many_events_at_once_come_as_few_messages(job: Job, alice: Any) -> None:
    def burst() -> None:
        JobEvent.objects.bulk_create(
            JobEvent(job=job, seq=seq, kind="log", data={}) for seq in range(3, 503)
        )
        Job.objects.filter(pk=job.pk).update(last_seq=502)

    await database_sync_to_async(burst)()
    async with socket(job.pk, alice) as ws:
        messages = 0
        found: list[int] = []
        while not found or found[-1] < 502:
            found += [e["seq"] for e in (await ws.receive_json_from(timeout=5))["events"]]
            messages += 1

    assert found == list(range(1, 503))
    assert messages == 3


async def test_after_the_last_event_it_says_so_and_closes(job: Job, alice: Any) -> None:
    async with socket(job.pk, alice) as ws:
        assert await seqs(ws, 2) == [1, 2]
        await database_sync_to_async(lifecycle.succeed)(job, 1, {"total": 14})
        assert await seqs(ws, 3) == [3]

        assert await ws.receive_json_from(timeout=5) == {"t": "end", "seq": 3}
        assert (await ws.receive_output(timeout=5))["type"] == "websocket.close"


@pytest.mark.parametrize(
    ("who", "after", "code"),
    [
        ("bob", 0, consumers.UNKNOWN_JOB),
        ("nobody", 0, consumers.SIGN_IN),
        ("alice", "x", consumers.BAD_REQUEST),
    ],
)
async def test_it_turns_away_who_may_not_look(
    job: Job, alice: Any, bob: Any, who: str, after: Any, code: int
) -> None:
    from django.contrib.auth.models import AnonymousUser

    user = {"alice": alice, "bob": bob, "nobody": AnonymousUser()}[who]
    async with socket(job.pk, user, after) as ws:
        output = await ws.receive_output(timeout=5)

    assert (output["type"], output["code"]) == ("websocket.close", code)


async def test_a_job_that_does_not_exist_is_told(alice: Any) -> None:
    async with socket(uuid4(), alice) as ws:
        assert (await ws.receive_output(timeout=5))["code"] == consumers.UNKNOWN_JOB


async def test_a_closed_socket_leaves_no_task_behind(job: Job, alice: Any) -> None:
    before = len(asyncio.all_tasks())
    async with socket(job.pk, alice) as ws:
        await seqs(ws, 2)

    async with asyncio.timeout(5):
        while len(asyncio.all_tasks()) > before:
            await asyncio.sleep(0)
