"""`Prefer: wait=N` on the inbox: the answer comes with the event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from channels.db import database_sync_to_async

from backplane_site.asgi import rest
from backplane_site.local_user import local_user
from jobs import inbox_waiting, lifecycle, news
from jobs.models import Job

pytestmark = pytest.mark.django_db(transaction=True)

EVENTS = "/api/v1/events"


@pytest.fixture
def job(submit: Callable[..., Job], start: Callable[[Job], Job], monkeypatch: Any) -> Job:
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", lambda job: None)
    # Without the doorbell a test would notice: it ends sooner than anybody looks.
    monkeypatch.setattr(inbox_waiting, "LOOK_ANYWAY_S", 30)
    return start(submit(owner=local_user()))


async def ask(prefer: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=rest)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.get(EVENTS, headers={"Prefer": prefer})


async def somebody_waits() -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(10):
        while not (doorbells := news._of_loop.get(loop)) or not doorbells._joined:
            await asyncio.sleep(0.01)


succeed = database_sync_to_async(lambda job: lifecycle.succeed(job, 1, {"total": 1}))


async def test_the_answer_comes_with_the_event(job: Job) -> None:
    asking = asyncio.create_task(ask("wait=20"))
    await somebody_waits()
    began = time.monotonic()

    await succeed(job)

    answer = await asking
    assert time.monotonic() - began < 10
    assert [event["kind"] for event in answer.json()["events"]] == ["succeeded"]
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert "Backplane-Inbox" not in answer.headers


async def test_what_is_there_is_not_waited_for(job: Job) -> None:
    await succeed(job)
    began = time.monotonic()

    answer = await ask("wait=30")

    assert time.monotonic() - began < 15
    assert len(answer.json()["events"]) == 1


async def test_when_nothing_comes_the_answer_is_empty(job: Job) -> None:
    answer = await ask("wait=1")

    assert (answer.status_code, answer.json()["events"]) == (200, [])


async def test_without_a_doorbell_it_looks_by_itself(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_waiting, "LOOK_ANYWAY_S", 0.2)
    monkeypatch.setattr("jobs.events.nudge_inbox", lambda owner_id: None)
    asking = asyncio.create_task(ask("wait=30"))
    await somebody_waits()

    await succeed(job)

    assert len((await asking).json()["events"]) == 1


async def test_a_refusal_does_not_wait(job: Job) -> None:
    transport = httpx.ASGITransport(app=rest)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get(f"{EVENTS}?cursor=x", headers={"Prefer": "wait=30"})

    assert answer.status_code == 422
    assert "Preference-Applied" not in answer.headers
