"""The live socket of a list: which of its jobs have moved, and whether there is one more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser

from jobs import consumers, lifecycle, news
from jobs.models import Job
from jobs.routing import websocket_urlpatterns

pytestmark = pytest.mark.django_db(transaction=True)

POINT = {"fraction": 0.5, "message": "", "stage": ""}
progress = database_sync_to_async(lambda job: lifecycle.progress(job, 1, [POINT]))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", lambda job: None)
    monkeypatch.setattr(consumers, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(consumers, "MIN_GAP_OF_LIST_S", 0.01)
    monkeypatch.setattr(news, "LOOK_ANYWAY_S", 0.2)


@pytest.fixture
def job(submit: Callable[..., Job], start: Callable[[Job], Job]) -> Job:
    return start(submit())


@asynccontextmanager
async def socket(user: Any, query: str) -> AsyncIterator[WebsocketCommunicator]:
    app = URLRouter(websocket_urlpatterns)
    communicator = WebsocketCommunicator(app, f"/ws/v1/jobs/?{query}")
    communicator.scope["user"] = user
    connected, _ = await communicator.connect()
    assert connected
    yield communicator
    await communicator.disconnect()


async def news_of(ws: WebsocketCommunicator) -> dict[str, Any]:
    """The next message that is no heartbeat."""
    while (message := await ws.receive_json_from(timeout=5))["t"] == "hb":
        pass
    return message


async def test_it_tells_which_job_has_moved(
    job: Job, submit: Callable[..., Job], alice: Any
) -> None:
    other = await database_sync_to_async(submit)(params={"n": 4})
    async with socket(alice, f"jobs={job.pk}:{job.last_seq},{other.pk}:1") as ws:
        assert (await ws.receive_json_from(timeout=5))["t"] == "hb"
        await progress(job)

        assert await news_of(ws) == {"t": "jobs", "moved": [str(job.pk)], "more": False}


async def test_it_tells_what_moved_before_it_was_asked(job: Job, alice: Any) -> None:
    async with socket(alice, f"jobs={job.pk}:1") as ws:
        assert (await news_of(ws))["moved"] == [str(job.pk)]


async def test_it_tells_that_there_is_one_more(
    job: Job, submit: Callable[..., Job], alice: Any
) -> None:
    async with socket(alice, f"newest={job.pk}") as ws:
        assert (await ws.receive_json_from(timeout=5))["t"] == "hb"
        await database_sync_to_async(submit)(params={"n": 4})

        assert await news_of(ws) == {"t": "jobs", "moved": [], "more": True}


async def test_an_empty_list_hears_of_its_first_job(job: Job, alice: Any) -> None:
    async with socket(alice, "newest=") as ws:
        assert (await news_of(ws))["more"]


async def test_of_the_jobs_of_others_nothing_is_told(job: Job, bob: Any) -> None:
    async with socket(bob, f"jobs={job.pk}:0&newest=") as ws:
        for _ in range(3):
            await progress(job)
            assert await ws.receive_json_from(timeout=5) == {"t": "hb"}


@pytest.mark.parametrize(
    "query",
    [
        "jobs=7:1",
        "jobs={job}",
        "jobs={job}:x",
        "newest=7",
        f"jobs={','.join(f'{uuid4()}:1' for _ in range(consumers.MOST_WATCHED + 1))}",
    ],
    ids=["no id", "no number", "a word", "no newest", "too many"],
)
async def test_what_is_no_list_is_refused(job: Job, alice: Any, query: str) -> None:
    async with socket(alice, query.format(job=job.pk)) as ws:
        closing = await ws.receive_output(timeout=5)

    assert (closing["type"], closing["code"]) == ("websocket.close", consumers.BAD_REQUEST)


async def test_whoever_is_not_signed_in_is_refused(job: Job) -> None:
    async with socket(AnonymousUser(), "newest=") as ws:
        closing = await ws.receive_output(timeout=5)

    assert closing["code"] == consumers.SIGN_IN
