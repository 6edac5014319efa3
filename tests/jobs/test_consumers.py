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

from jobs import consumers, lifecycle, log_epoch, news
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
        assert message["t"] in {"hello", "ev"}
        found += [event["seq"] for event in message.get("events", [])]
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


async def test_it_says_first_which_log_it_reads_from(job: Job, alice: Any) -> None:
    async with socket(job.pk, alice) as ws:
        before = await ws.receive_json_from(timeout=5)
    await database_sync_to_async(log_epoch.begin)()
    async with socket(job.pk, alice) as ws:
        after = await ws.receive_json_from(timeout=5)

    assert before == {
        "t": "hello",
        "v": 1,
        "epoch": "first",
        "seq": 2,
        "heartbeat_s": consumers.HEARTBEAT_S,
    }
    assert after["epoch"] not in {"first", ""}


def burst(job: Job, n: int) -> int:
    """So many events at once; the number of the last one."""
    last = n + 2
    JobEvent.objects.bulk_create(
        JobEvent(job=job, seq=seq, kind="log", data={}) for seq in range(3, last + 1)
    )
    Job.objects.filter(pk=job.pk).update(last_seq=last)
    return last


async def test_who_says_what_they_have_read_is_sent_no_more_than_that(
    job: Job, alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "MOST_UNREAD", 100)
    monkeypatch.setattr(consumers.JobConsumer, "gap_s", 0.01)
    last = await database_sync_to_async(burst)(job, 600)
    async with socket(job.pk, alice) as ws:
        await ws.send_json_to({"t": "ack", "seq": 0})
        found = await seqs(ws, consumers.BATCH)
        while not await ws.receive_nothing(timeout=0.3):
            found += [e["seq"] for e in (await ws.receive_json_from())["events"]]
        held_at = found[-1]
        while found[-1] < last:
            await ws.send_json_to({"t": "ack", "seq": found[-1]})
            found += [e["seq"] for e in (await ws.receive_json_from(timeout=5))["events"]]

    # A batch may have been on its way when the first word came.
    assert held_at <= 2 * consumers.BATCH
    assert found == list(range(1, last + 1))


async def test_who_reads_nothing_any_more_is_let_go(
    job: Job, alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "MOST_UNREAD", 100)
    monkeypatch.setattr(consumers, "STUCK_S", 0.05)
    await database_sync_to_async(burst)(job, 600)
    async with socket(job.pk, alice) as ws:
        await ws.send_json_to({"t": "ack", "seq": 0})
        while (output := await ws.receive_output(timeout=5))["type"] == "websocket.send":
            pass

    assert (output["type"], output["code"]) == ("websocket.close", consumers.TOO_SLOW)


async def test_a_tab_that_nobody_sees_gets_its_news_seldom_and_at_once_when_it_is_seen(
    job: Job, alice: Any
) -> None:
    async with socket(job.pk, alice) as ws:
        await seqs(ws, 2)
        # Not before: what it is sent next would already be seldom.
        await ws.send_json_to({"t": "rate", "hz": 0.2})
        await progress(job)
        await seqs(ws, 3)
        await progress(job)
        assert await ws.receive_nothing(timeout=0.5)
        await progress(job)
        await ws.send_json_to({"t": "rate", "hz": 10})
        message = await ws.receive_json_from(timeout=2)

    assert [event["seq"] for event in message["events"]] == [4, 5]


@pytest.mark.parametrize(
    "said",
    ["[", "null", '{"t": "rate", "hz": "fast"}', '{"t": "rate", "hz": -1}', '{"t": "ack"}'],
)
async def test_what_it_does_not_understand_changes_nothing(job: Job, alice: Any, said: str) -> None:
    async with socket(job.pk, alice) as ws:
        await ws.send_to(text_data=said)
        assert await seqs(ws, 2) == [1, 2]


async def test_many_events_at_once_come_as_few_messages(job: Job, alice: Any) -> None:
    await database_sync_to_async(burst)(job, 500)
    async with socket(job.pk, alice) as ws:
        messages = 0
        found: list[int] = []
        while not found or found[-1] < 502:
            message = await ws.receive_json_from(timeout=5)
            found += [e["seq"] for e in message.get("events", [])]
            messages += message["t"] == "ev"

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
