"""`Prefer: wait=N`: the answer comes on the event, and nothing is held until then."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from channels.db import database_sync_to_async
from django.db import connection
from redis.exceptions import ConnectionError as RedisAway

from backplane_site.asgi import rest
from backplane_site.handler import KEPT
from backplane_site.local_user import local_user
from jobs import glance, lifecycle, news, waiting
from jobs.models import Job
from jobs.waiting import Wish, parsed

pytestmark = pytest.mark.django_db(transaction=True)

JOB = {"simulation": "demo.sum_squares", "params": {"n": 3}}


@pytest.fixture
def job(submit: Callable[..., Job], start: Callable[[Job], Job], monkeypatch: Any) -> Job:
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", lambda job: None)
    # Without the doorbell a test would notice: it ends sooner than anybody looks.
    monkeypatch.setattr(news, "LOOK_ANYWAY_S", 30)
    return start(submit(owner=local_user()))


@asynccontextmanager
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=rest)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def ask(method: str, path: str, prefer: str = "wait=20", **options: Any) -> httpx.Response:
    headers = {"Prefer": prefer, **options.pop("headers", {})}
    async with browser() as client:
        return await client.request(method, path, headers=headers, **options)


async def somebody_waits() -> None:
    """By now."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(10):
        while not (doorbells := news._of_loop.get(loop)) or not doorbells._joined:
            await asyncio.sleep(0.01)


def path_of(job: Job) -> str:
    return f"/api/v1/jobs/{job.pk}"


def finish(job: Job) -> None:
    lifecycle.succeed(job, 1, {"total": 14})


def report(job: Job) -> None:
    lifecycle.progress(job, 1, [{"fraction": 0.5, "message": "", "stage": ""}])


async def test_the_wait_ends_on_the_event(job: Job) -> None:
    asked = asyncio.create_task(ask("GET", path_of(job)))
    await somebody_waits()
    await database_sync_to_async(finish)(job)
    ended = time.monotonic()

    answer = await asked

    assert time.monotonic() - ended < 5
    assert answer.status_code == 200
    assert answer.json()["state"] == "succeeded"
    assert answer.json()["result"] == {"total": 14}
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert "Prefer" in answer.headers["Vary"]
    assert "Retry-After" not in answer.headers


async def test_what_happens_before_the_end_does_not_end_it(job: Job) -> None:
    asked = asyncio.create_task(ask("GET", path_of(job)))
    await somebody_waits()
    await database_sync_to_async(report)(job)
    await asyncio.sleep(0.3)

    assert not asked.done()
    await database_sync_to_async(finish)(job)
    assert (await asked).json()["state"] == "succeeded"


async def test_when_the_time_is_over_it_tells_how_far_the_job_is(job: Job) -> None:
    answer = await ask("GET", path_of(job), "wait=1")

    assert answer.status_code == 200
    assert answer.json()["state"] == "running"
    assert answer.headers["Preference-Applied"] == "wait=1"
    assert answer.headers["Retry-After"] == "2"


async def test_what_has_ended_is_answered_at_once(job: Job) -> None:
    await database_sync_to_async(finish)(job)

    async with asyncio.timeout(10):
        answer = await ask("GET", path_of(job), "wait=50")

    assert answer.json()["state"] == "succeeded"


async def test_while_many_wait_no_thread_is_theirs(job: Job) -> None:
    before = threading.active_count()
    asked = [asyncio.create_task(ask("GET", path_of(job))) for _ in range(30)]
    await somebody_waits()
    bells = news._of_loop[asyncio.get_running_loop()].bells
    async with asyncio.timeout(20):
        while sum(map(len, bells.values())) < 30:
            await asyncio.sleep(0.01)

    # That of the test's own database reads at most, and those that stay for the next requests.
    assert threading.active_count() <= before + 1 + KEPT < before + 30
    await database_sync_to_async(finish)(job)
    assert {(await each).json()["state"] for each in asked} == {"succeeded"}


async def test_a_lost_nudge_costs_seconds_and_no_more(job: Job, monkeypatch: Any) -> None:
    monkeypatch.setattr(news, "LOOK_ANYWAY_S", 0.2)
    monkeypatch.setattr("jobs.events.nudge", lambda job_id: None)
    asked = asyncio.create_task(ask("GET", path_of(job)))
    await somebody_waits()
    await database_sync_to_async(finish)(job)

    assert (await asked).json()["state"] == "succeeded"


async def test_without_a_redis_it_looks_by_itself(job: Job, monkeypatch: Any) -> None:
    async def refuse(*args: Any) -> None:
        raise RedisAway("nobody is there")

    monkeypatch.setattr(news, "LOOK_ANYWAY_S", 0.2)
    monkeypatch.setattr("channels.layers.InMemoryChannelLayer.new_channel", refuse)
    asked = asyncio.create_task(ask("GET", path_of(job)))
    await asyncio.sleep(0.3)
    await database_sync_to_async(finish)(job)

    assert (await asked).json()["state"] == "succeeded"


async def test_a_submission_waits_for_its_result(monkeypatch: Any) -> None:
    def run(job: Job) -> None:
        lifecycle.start(job, 1, worker="host:1", host="host", pid=1)
        finish(job)

    made: list[Job] = []
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", made.append)
    asked = asyncio.create_task(ask("POST", "/api/v1/jobs", json=JOB))
    await somebody_waits()
    await database_sync_to_async(run)(made[0])

    answer = await asked

    assert answer.status_code == 200
    assert answer.json()["result"] == {"total": 14}
    assert answer.json()["reuse"]["outcome"] == "new"
    assert answer.headers["Location"].endswith(path_of(made[0]))
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert int(answer.headers["Content-Length"]) == len(answer.content)


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [("wait=1", "wait=1"), ("respond-async", "respond-async"),
     ("respond-async, wait=1", "wait=1, respond-async"), ("handling=lenient", None)],
)  # fmt: skip
async def test_a_submission_that_has_not_ended_is_accepted(
    prefer: str, applied: str | None, monkeypatch: Any
) -> None:
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", lambda job: None)

    answer = await ask("POST", "/api/v1/jobs", prefer, json=JOB)

    assert answer.status_code == 202
    assert answer.json()["state"] == "queued"
    assert answer.json()["reuse"]["outcome"] == "new"
    assert answer.headers.get("Preference-Applied") == applied


async def test_with_a_known_version_any_change_ends_the_wait(job: Job) -> None:
    tag = (await ask("GET", path_of(job), "wait=0")).headers["ETag"]
    asked = asyncio.create_task(ask("GET", path_of(job), headers={"If-None-Match": tag}))
    await somebody_waits()
    await database_sync_to_async(report)(job)

    answer = await asked

    assert answer.status_code == 200
    assert answer.json()["progress"] == 0.5
    assert answer.headers["ETag"] != tag


async def test_with_an_old_version_there_is_nothing_to_wait_for(job: Job) -> None:
    tag = (await ask("GET", path_of(job), "wait=0")).headers["ETag"]
    await database_sync_to_async(report)(job)

    async with asyncio.timeout(10):
        answer = await ask("GET", path_of(job), headers={"If-None-Match": tag})

    assert answer.status_code == 200


async def test_a_version_that_stays_is_304_in_the_end(job: Job) -> None:
    tag = (await ask("GET", path_of(job), "wait=0")).headers["ETag"]

    answer = await ask("GET", path_of(job), "wait=1", headers={"If-None-Match": tag})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["Preference-Applied"] == "wait=1"


async def test_a_stranger_waits_for_nothing(job: Job, bob: Any) -> None:
    await database_sync_to_async(Job.objects.filter(pk=job.pk).update)(owner=bob)

    async with asyncio.timeout(10):
        answer = await ask("GET", path_of(job), "wait=50")

    assert answer.status_code == 404
    assert "Preference-Applied" not in answer.headers


async def test_who_goes_away_waits_no_longer(job: Job) -> None:
    gone: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    gone.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path_of(job), "raw_path": b"", "query_string": b"", "root_path": "",
        "headers": [(b"host", b"127.0.0.1"), (b"prefer", b"wait=50")],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    asked = asyncio.create_task(rest(scope, gone.get, send))
    await somebody_waits()
    gone.put_nowait({"type": "http.disconnect"})

    async with asyncio.timeout(10):
        await asked

    assert sent == []


@pytest.mark.parametrize(
    ("header", "wait_s", "is_async"),
    [
        ("wait=10", 10, False),
        ('Wait="10"', 10, False),
        ("wait=120", waiting.MOST_S, False),
        ("wait", waiting.MOST_S, False),
        ("wait=", waiting.MOST_S, False),
        ("wait=-1", None, False),
        ("wait=ten", None, False),
        ("wait=٣", None, False),
        ("wait=1, wait=9", 1, False),
        ('foo="bar"; some=x, respond-async, wait=5', 5, True),
        ("respond-async", None, True),
        ("", None, False),
    ],
)
def test_how_a_preference_is_read(header: str, wait_s: int | None, is_async: bool) -> None:
    assert parsed(header) == Wish(wait_s=wait_s, is_async=is_async)


def test_where_a_job_stands_is_told_without_waiting(job: Job) -> None:
    """Where the database is a file; elsewhere a thread asks."""
    for move in (
        lambda: lifecycle.progress(job, 1, [{"fraction": 0.5, "message": "half", "stage": ""}]),
        lambda: lifecycle.succeed(job, 1, {"total": 14}),
    ):
        move()
        now = Job.objects.get(pk=job.pk)
        by_file = (now.last_seq, now.state) if connection.vendor == "sqlite" else None
        assert glance.standing(str(job.pk)) == by_file
    assert glance.standing(str(uuid4())) is None


async def test_who_waits_is_told_the_end_whoever_looks(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glance, "standing", lambda job_id: None)
    asked = asyncio.create_task(ask("GET", path_of(job)))
    await somebody_waits()

    await database_sync_to_async(lifecycle.succeed)(job, 1, {"total": 14})

    assert (await asked).json()["state"] == "succeeded"
