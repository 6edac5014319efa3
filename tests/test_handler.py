"""Django's requests when nobody waits for their answer any more: all that was begun ends."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from backplane_site import handler as handler_module
from backplane_site.handler import Handler

SCOPE = {
    "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/",
    "raw_path": b"/", "query_string": b"", "headers": [(b"host", b"localhost")],
    "server": ("localhost", 80), "client": ("127.0.0.1", 1),
}  # fmt: skip
entered, go_on = threading.Event(), threading.Event()


def slow(request: HttpRequest) -> HttpResponse:
    entered.set()
    assert go_on.wait(20)
    return HttpResponse("late")


async def two() -> AsyncIterator[bytes]:
    yield b"one, "
    yield b"two"


def pieces(request: HttpRequest) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(two())
    answer._resource_closers.append(go_on.set)
    return answer


urlpatterns = [path("", slow), path("pieces", pieces)]


@pytest.fixture
def handler(settings: Any) -> Iterator[Handler]:
    settings.ROOT_URLCONF, settings.MIDDLEWARE = __name__, []
    entered.clear()
    go_on.clear()
    yield Handler()
    go_on.set()


class Exchange:
    """A request, and what came of it."""

    def __init__(self, handler: Handler, path: str = "/", *, is_whole: bool = True) -> None:
        self.said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.said.put_nowait({"type": "http.request", "body": b"", "more_body": not is_whole})
        self.answers: list[dict[str, Any]] = []
        self.faults: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, fault: self.faults.append(fault))
        self.asked = loop.create_task(handler(SCOPE | {"path": path}, self.said.get, self._send))

    async def _send(self, message: dict[str, Any]) -> None:
        self.answers.append(message)

    def leave(self) -> None:
        self.said.put_nowait({"type": "http.disconnect"})


async def all_have_ended() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait_for(asyncio.gather(*others, return_exceptions=True), 20)
    gc.collect()


@pytest.mark.parametrize("is_ended_by", ["its client", "the server", "the server, then its client"])
def test_what_nobody_waits_for_ends_without_an_answer_and_without_a_fault(
    handler: Handler, is_ended_by: str
) -> None:
    finished: list[Any] = []

    def note(**told: Any) -> None:
        finished.append(told["sender"])

    async def lifetime() -> Exchange:
        exchange = Exchange(handler)
        assert await asyncio.to_thread(entered.wait, 20)
        if "server" in is_ended_by:
            exchange.asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await exchange.asked
        if "client" in is_ended_by:
            exchange.leave()
        await asyncio.sleep(0)
        go_on.set()
        await all_have_ended()
        return exchange

    request_finished.connect(note)
    try:
        exchange = asyncio.run(lifetime())
    finally:
        request_finished.disconnect(note)

    assert exchange.faults == []
    assert exchange.answers == []
    assert finished == [Handler]


def test_what_the_server_ends_before_all_of_it_came_ends_too(handler: Handler) -> None:
    async def lifetime() -> Exchange:
        exchange = Exchange(handler, is_whole=False)
        while not exchange.said.empty():
            await asyncio.sleep(0)
        exchange.asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await exchange.asked
        await all_have_ended()
        return exchange

    exchange = asyncio.run(lifetime())

    assert not entered.is_set()
    assert (exchange.faults, exchange.answers) == ([], [])


def test_whoever_waits_is_answered(handler: Handler) -> None:
    async def lifetime() -> Exchange:
        exchange = Exchange(handler)
        go_on.set()
        await asyncio.wait_for(exchange.asked, 20)
        await all_have_ended()
        return exchange

    exchange = asyncio.run(lifetime())

    assert exchange.faults == []
    assert [each["type"] for each in exchange.answers] == [
        "http.response.start",
        "http.response.body",
    ]


def test_one_turn_in_its_thread_is_enough(
    handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[Any] = []

    class Counted(ThreadPoolExecutor):
        def submit(self, *asked: Any, **more: Any) -> Any:
            turns.append(asked)
            return super().submit(*asked, **more)

    async def lifetime() -> None:
        await asyncio.wait_for(Exchange(handler).asked, 20)

    monkeypatch.setattr(handler_module, "ThreadPoolExecutor", Counted)
    go_on.set()
    asyncio.run(lifetime())

    assert len(turns) == 1


def test_what_comes_in_pieces_is_closed_after_the_last(handler: Handler) -> None:
    async def lifetime() -> Exchange:
        exchange = Exchange(handler, "/pieces")
        await asyncio.wait_for(exchange.asked, 20)
        await all_have_ended()
        return exchange

    exchange = asyncio.run(lifetime())

    assert b"".join(each.get("body", b"") for each in exchange.answers) == b"one, two"
    assert go_on.is_set()
    assert exchange.faults == []
