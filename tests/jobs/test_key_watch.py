"""What was opened by a key ends with it, soon and without being asked for all the time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from backplane.flows.streams import EventStream
from backplane_site.asgi import application
from jobs import bells, consumers, key_watch, keys, lifecycle, news
from jobs.key_models import ApiKey
from jobs.models import Job
from jobs.routing import websocket_urlpatterns
from jobs.states import Scope

from .test_streaming import Stream, path_of, stream

pytestmark = pytest.mark.django_db(transaction=True)

SCOPES = [Scope.READ, Scope.CANCEL]
POINT = {"fraction": 0.5, "message": "", "stage": ""}


@pytest.fixture
def job(submit: Callable[..., Job], start: Callable[[Job], Job], monkeypatch: Any) -> Job:
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", lambda job: None)
    return start(submit())


@pytest.fixture
def made(alice: Any, transactional_db: None) -> tuple[ApiKey, str]:
    return keys.issue(owner=alice, name="watcher", scopes=SCOPES)


@asynccontextmanager
async def socket(job: Job, text: str) -> AsyncIterator[WebsocketCommunicator]:
    """Open, and told all that has happened so far."""
    headers = [(b"host", b"lab.example"), (b"authorization", f"Bearer {text}".encode())]
    communicator = WebsocketCommunicator(application, f"/ws/v1/jobs/{job.pk}/", headers=headers)
    connected, _ = await communicator.connect(timeout=10)
    assert connected
    told = [(await communicator.receive_json_from(timeout=10))["t"] for _ in range(2)]
    assert told == ["hello", "ev"]
    yield communicator
    await communicator.disconnect()


async def closed(communicator: WebsocketCommunicator) -> int:
    """The code that it is closed with; whatever it says before is passed over."""
    async with asyncio.timeout(10):
        while (message := await communicator.receive_output(timeout=10))["type"] != (
            "websocket.close"
        ):
            assert json.loads(message["text"])["t"] == "hb"
    return int(message["code"])


revoke = database_sync_to_async(keys.revoke)
change = database_sync_to_async(keys.change)
progress = database_sync_to_async(lambda job: lifecycle.progress(job, 1, [POINT]))


@database_sync_to_async
def leave(key: ApiKey) -> None:
    get_user_model().objects.filter(pk=key.owner_id).update(is_active=False)


ENDS: dict[str, Callable[[ApiKey], Awaitable[Any]]] = {
    "revoked": revoke,
    "may not look": lambda key: change(key, scopes=[Scope.CANCEL]),
    "expires": lambda key: change(key, expires_at=timezone.now() + timedelta(seconds=0.3)),
}


@pytest.mark.parametrize("end", ENDS)
async def test_a_socket_closes_when_its_key_ends(
    job: Job, made: tuple[ApiKey, str], monkeypatch: Any, end: str
) -> None:
    # By the ring alone: nobody looks in the time that the test has.
    monkeypatch.setattr(news, "LOOK_ANYWAY_S", 1000)
    key, text = made
    async with socket(job, text) as ws:
        await ENDS[end](key)

        assert await closed(ws) == consumers.SIGN_IN


async def test_a_socket_on_another_s_job_closes_when_its_key_is_no_administrator_s_any_more(
    job: Job, transactional_db: None
) -> None:
    @database_sync_to_async
    def issue() -> tuple[ApiKey, str]:
        root = get_user_model().objects.create_superuser("root")
        return keys.issue(owner=root, name="caretaker", scopes=[Scope.READ, Scope.ADMIN])

    key, text = await issue()
    async with socket(job, text) as ws:
        await change(key, scopes=[Scope.READ])

        assert await closed(ws) == consumers.SIGN_IN


@pytest.mark.parametrize("end", ["revoked", "its owner left"])
async def test_an_end_for_which_nobody_rang_is_noticed_at_the_next_look(
    job: Job, made: tuple[ApiKey, str], monkeypatch: Any, end: str
) -> None:
    monkeypatch.setattr(news, "LOOK_ANYWAY_S", 0.2)
    monkeypatch.setattr(bells, "ring", lambda group: None)
    key, text = made
    async with socket(job, text) as ws:
        await {"revoked": revoke, "its owner left": leave}[end](key)

        assert await closed(ws) == consumers.SIGN_IN


async def test_another_key_and_a_change_that_takes_nothing_close_no_socket(
    job: Job, made: tuple[ApiKey, str], alice: Any
) -> None:
    key, text = made
    other, _ = await database_sync_to_async(keys.issue)(owner=alice, name="x", scopes=SCOPES)
    async with socket(job, text) as ws:
        await revoke(other)
        await change(key, name="still watching", scopes=[Scope.READ])
        await progress(job)

        message = await ws.receive_json_from(timeout=10)

    assert [event["kind"] for event in message["events"]] == ["progress"]


async def test_however_many_are_open_by_a_key_it_is_one_question_a_look(
    made: tuple[ApiKey, str], monkeypatch: Any
) -> None:
    looks: list[list[str]] = []
    ask = news._ended_keys

    async def counted(key_ids: list[str]) -> list[str]:
        looks.append(key_ids)
        return await ask(key_ids)

    monkeypatch.setattr(news, "LOOK_ANYWAY_S", 0.2)
    monkeypatch.setattr(news, "_ended_keys", counted)
    async with asyncio.TaskGroup() as group:
        staying = [group.create_task(stay(made[0])) for _ in range(50)]
        async with asyncio.timeout(10):
            while len(looks) < 2:
                await asyncio.sleep(0.01)
        for task in staying:
            task.cancel()

    assert looks[-1] == [str(made[0].pk)]


async def test_a_stream_is_closed_with_the_reason_when_its_key_ends(
    job: Job, made: tuple[ApiKey, str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(news, "LOOK_ANYWAY_S", 1000)
    key, text = made
    async with stream(path_of(job), Authorization=f"Bearer {text}") as got:
        start = await got.start()
        await got.until("id: 2\n")
        await revoke(key)
        await got.to_its_end()

    assert b"backplane-key" not in {name.lower() for name, _ in start["headers"]}
    *_, last = got.text.strip().split("\n\n")
    kind, data = last.split("\n")
    assert kind == "event: refused"
    assert "was revoked" in json.loads(data.removeprefix("data: "))["detail"]
    await _is_taken_by_a_client(got)
    async with stream(path_of(job), Authorization=f"Bearer {text}") as again:
        assert (await again.start())["status"] == 401


async def _is_taken_by_a_client(got: Stream) -> None:
    """Ours comes back, and is then told why it may not."""
    reader = EventStream()
    assert [event["seq"] for event in reader.feed(got.text.encode())] == got.seqs
    assert not reader.is_over


# --- A person, who is signed in ---


@asynccontextmanager
async def page_of(user: Any, path: str) -> AsyncIterator[WebsocketCommunicator]:
    communicator = WebsocketCommunicator(URLRouter(websocket_urlpatterns), path)
    communicator.scope["user"] = user
    connected, _ = await communicator.connect(timeout=10)
    assert connected
    yield communicator
    await communicator.disconnect()


async def end_of(communicator: WebsocketCommunicator) -> int:
    async with asyncio.timeout(20):
        while (said := await communicator.receive_output(timeout=20))["type"] != "websocket.close":
            pass
    return int(said["code"])


@database_sync_to_async
def become(user: Any, **rights: bool) -> None:
    get_user_model().objects.filter(pk=user.pk).update(**rights)


@pytest.mark.parametrize("path", ["/ws/v1/jobs/{job.pk}/", "/ws/v1/jobs/?jobs={job.pk}:1"])
async def test_what_a_person_has_open_closes_once_they_may_not_sign_in(
    job: Job, alice: Any, monkeypatch: Any, path: str
) -> None:
    monkeypatch.setattr(news, "LOOK_ANYWAY_S", 0.2)
    async with page_of(alice, path.format(job=job)) as ws:
        await ws.receive_json_from(timeout=10)
        await become(alice, is_active=False)

        assert await end_of(ws) == consumers.SIGN_IN


async def test_what_an_administrator_has_open_of_others_closes_once_they_are_none(
    job: Job, alice: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(news, "LOOK_ANYWAY_S", 0.2)
    root = await database_sync_to_async(get_user_model().objects.create_superuser)("root")
    async with page_of(root, f"/ws/v1/jobs/{job.pk}/") as ws:
        await ws.receive_json_from(timeout=10)
        await become(root, is_superuser=False)

        assert await end_of(ws) == consumers.SIGN_IN


async def test_the_stream_of_a_person_who_may_not_sign_in_any_more_is_closed_with_the_reason(
    job: Job, alice: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(news, "LOOK_ANYWAY_S", 0.2)
    async with stream(path_of(job), Cookie=await signed_in(alice)) as got:
        start = await got.start()
        await got.until("id: 2\n")
        await become(alice, is_active=False)
        await got.to_its_end()

    assert b"backplane-person" not in {name.lower() for name, _ in start["headers"]}
    assert "You may no longer sign in." in got.text.strip().split("\n\n")[-1]


@database_sync_to_async
def signed_in(user: Any) -> str:
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}"


async def test_the_reader_of_a_whole_job_is_told_no_key(job: Job, made: tuple[ApiKey, str]) -> None:
    await database_sync_to_async(lifecycle.succeed)(job, 1, {"total": 14})
    async with stream(path_of(job), Authorization=f"Bearer {made[1]}") as got:
        start = await got.start()
        await got.to_its_end()

    assert b"backplane-key" not in {name.lower() for name, _ in start["headers"]}


# --- The watch itself ---


async def stay(key: ApiKey, act: Callable[[ApiKey], Awaitable[Any]] | None = None) -> None:
    async with key_watch.while_it_opens(key.pk):
        if act:
            await act(key)
        await asyncio.Event().wait()


async def test_what_is_done_by_a_key_that_ends_is_broken_off(made: tuple[ApiKey, str]) -> None:
    with pytest.raises(key_watch.KeyEnded, match="revoked"):
        await stay(made[0], revoke)


async def test_a_key_that_has_ended_already_begins_nothing_for_long(
    made: tuple[ApiKey, str],
) -> None:
    await revoke(made[0])

    with pytest.raises(key_watch.KeyEnded, match="revoked"):
        await stay(made[0])


async def test_a_timeout_of_what_is_done_stays_one(made: tuple[ApiKey, str]) -> None:
    with pytest.raises(TimeoutError):
        async with key_watch.while_it_opens(made[0].pk), asyncio.timeout(0.01):
            await asyncio.Event().wait()


async def test_a_database_that_is_away_ends_nothing(
    made: tuple[ApiKey, str], monkeypatch: Any
) -> None:
    look, failures = key_watch._look, [OperationalError("locked")]

    async def fails_once(key_id: Any) -> Any:
        if failures:
            raise failures.pop()
        return await look(key_id)

    monkeypatch.setattr(key_watch, "_look", fails_once)
    monkeypatch.setattr(news, "TRY_AGAIN_S", 0.05)

    async def revoke_later(key: ApiKey) -> None:
        async with asyncio.timeout(10):
            while failures:
                await asyncio.sleep(0.01)
        await revoke(key)

    with pytest.raises(key_watch.KeyEnded, match="revoked"):
        await stay(made[0], revoke_later)


async def test_of_many_that_one_person_has_open_the_rest_stays_when_the_first_goes(
    alice: Any, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, looked = [], key_watch._look_at

    async def counted(person_id: Any) -> tuple[bool, bool]:
        looks.append(person_id)
        return await looked(person_id)

    async def watching(until: asyncio.Event) -> str:
        try:
            async with key_watch.while_it_opens(None, alice.pk):
                await until.wait()
        except key_watch.KeyEnded as exc:
            return str(exc)
        return "closed"

    monkeypatch.setattr(news, "LOOK_ANYWAY_S", 0.2)
    monkeypatch.setattr(key_watch, "_look_at", counted)
    ends = [asyncio.Event() for _ in range(3)]
    first, *rest = [asyncio.create_task(watching(each)) for each in ends]
    while not looks:
        await asyncio.sleep(0)
    ends[0].set()

    assert await asyncio.wait_for(first, 10) == "closed"
    assert looks == [alice.pk]
    await become(alice, is_active=False)
    assert await asyncio.wait_for(asyncio.gather(*rest), 30) == 2 * ["You may no longer sign in."]
    assert key_watch._watches == {}


async def test_it_leaves_nothing_behind(made: tuple[ApiKey, str]) -> None:
    before = len(asyncio.all_tasks())
    async with key_watch.while_it_opens(made[0].pk):
        pass

    async with asyncio.timeout(10):
        while len(asyncio.all_tasks()) > before:
            await asyncio.sleep(0)
