"""The client for asyncio: the same flows, and nothing that blocks but small files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from . import settings, submission, transport
from .aio_batch import AsyncBatch
from .aio_job import AsyncJob
from .client import by_id, ignore
from .flows import batches, inbox, jobs
from .wire import Answer, Call, Deadline, Emit, Flow, NoAnswer, Patience, Pause, Read, asking

T = TypeVar("T")
Json = dict[str, Any]

__all__ = ["AsyncBatch", "AsyncClient", "AsyncJob"]


async def _nothing() -> AsyncGenerator[bytes, None]:
    return
    yield b""


class AsyncClient:
    """As `Client`, where each method is awaited, and what iterates is iterated by `async for`."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience_s: float = 60,
        on_retry: Callable[[str, float], None] = ignore,
        http_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings.resolve(url, key)
        options = transport.options(self._settings)
        # As many waits at a time as there are tasks that wait.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        self._http = httpx.AsyncClient(**options, limits=limits, transport=http_transport)
        self._on_retry = on_retry
        self.ask = asking(Patience(total_s=patience_s))

    def __repr__(self) -> str:
        return f"<AsyncClient {self.url}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    @property
    def url(self) -> str:
        return self._settings.url

    async def close(self) -> None:
        await self._http.aclose()

    # --- jobs ---

    async def submit(
        self,
        simulation: str,
        params: Mapping[str, Any] | None = None,
        /,
        *,
        name: str = "",
        tags: Sequence[str] = (),
        purpose: str = "",
        priority: str | None = None,
        backend: str | None = None,
        queue: str | None = None,
        limits: Mapping[str, int] | None = None,
        retry: Mapping[str, Any] | None = None,
        reuse: bool | None = None,
        webhook: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        **more: Any,
    ) -> AsyncJob:
        """See `Client.submit`."""
        body = submission.body_of(
            simulation, params, name=name, tags=tags, purpose=purpose, priority=priority,
            backend=backend, queue=queue, limits=limits, retry=retry, reuse=reuse,
            webhook=webhook, **more,
        )  # fmt: skip
        return AsyncJob(self, await self.run(jobs.submit(self.ask, body, idempotency_key)))

    async def check(
        self, simulation: str, params: Mapping[str, Any] | None = None, /, **asked: Any
    ) -> Json:
        """See `Client.check`."""
        body = submission.body_of(simulation, params, **asked)
        return await self.run(jobs.check(self.ask, body))

    async def job(self, job_id: str) -> AsyncJob:
        """See `Client.job`."""
        return AsyncJob(self, await self.run(jobs.found(self.ask, job_id)))

    async def jobs(self, *, most: int | None = None, **filters: Any) -> AsyncIterator[AsyncJob]:
        """See `Client.jobs`."""
        async for data in self.iterate(jobs.listed(self.ask, filters, most)):
            yield AsyncJob(self, data)

    async def as_completed(
        self, wanted: Iterable[AsyncJob | str], timeout: float | None = None
    ) -> AsyncIterator[AsyncJob]:
        """See `Client.as_completed`."""
        known = by_id(wanted)
        flow = jobs.as_completed(self.ask, [*known], self.deadline(timeout))
        async for data in self.iterate(flow):
            yield self._told(known, data)

    async def watch(
        self, wanted: Iterable[AsyncJob | str], timeout: float | None = None
    ) -> AsyncIterator[AsyncJob]:
        """See `Client.watch`."""
        known = by_id(wanted)
        async for data in self.iterate(jobs.follow(self.ask, [*known], self.deadline(timeout))):
            yield self._told(known, data)

    def _told(self, known: dict[str, AsyncJob | None], data: Json) -> AsyncJob:
        job = known[data["id"]] = known[data["id"]] or AsyncJob(self, data)
        job._update(data)
        return job

    # --- beside jobs ---

    async def submit_batch(self, *, idempotency_key: str | None = None, **asked: Any) -> AsyncBatch:
        """See `Client.submit_batch`."""
        made = await self.run(batches.submit(self.ask, asked, idempotency_key))
        return AsyncBatch(self, made)

    async def batch(self, batch_id: str) -> AsyncBatch:
        """A batch of before."""
        found = await self.run(jobs.get(self.ask, f"{batches.BATCHES}/{batch_id}"))
        return AsyncBatch(self, found)

    async def batches(self, *, most: int | None = None) -> AsyncIterator[AsyncBatch]:
        """See `Client.batches`."""
        async for data in self.iterate(batches.listed(self.ask, most)):
            yield AsyncBatch(self, data)

    async def simulations(self) -> list[Json]:
        """Each with the JSON schemas of its params and of its result."""
        found: list[Json] = await self.run(jobs.get(self.ask, "/api/v1/simulations"))
        return found

    async def upload(self, path: Path) -> Json:
        """A file to name in params, as `{"file": its id}`."""
        return await self.run(submission.upload(self.ask, path))

    def inbox(self, *, kinds: Sequence[str] = ()) -> AsyncIterator[Json]:
        """See `Client.inbox`."""
        return self.iterate(inbox.unread(self.ask, kinds))

    # --- how flows are run ---

    def deadline(self, timeout: float | None) -> Deadline:
        return Deadline.after(timeout, time.monotonic)

    async def run(self, flow: Flow[T]) -> T:
        """Take all its steps; returns its outcome."""
        outcome: list[T] = []
        async with aclosing(self.iterate(flow, outcome.append)) as steps:
            async for _ in steps:
                pass
        return outcome[0]

    async def iterate(
        self, flow: Flow[T], end: Callable[[T], None] = lambda outcome: None
    ) -> AsyncGenerator[Any, None]:
        """Take its steps one by one, and hand out what it emits; its outcome goes to `end`."""
        reply: Answer | NoAnswer | bytes | None = None
        chunks: AsyncIterator[bytes] = _nothing()
        async with AsyncExitStack() as opened:
            while True:
                try:
                    step = flow.send(reply)
                except StopIteration as stop:
                    end(stop.value)
                    return
                match step:
                    case Emit():
                        yield step.value
                        reply = None
                    case Pause():
                        await self._pause(step)
                        reply = None
                    case Call():
                        await opened.aclose()
                        reply, chunks = await self._send(step, opened)
                    case Read():
                        reply = await self._read(chunks)

    async def _pause(self, step: Pause) -> None:
        if step.why:
            self._on_retry(step.why, step.seconds)
        await asyncio.sleep(step.seconds)

    async def _send(
        self, call: Call, opened: AsyncExitStack
    ) -> tuple[Answer | NoAnswer, AsyncIterator[bytes]]:
        request = transport.request_of(call, self._http)
        try:
            response = await self._http.send(request, stream=True)
            opened.push_async_callback(response.aclose)
            if call.is_stream and response.is_success:
                return transport.head_of(response), response.aiter_bytes()
            await response.aread()
        except httpx.TransportError as exc:
            return transport.no_answer(exc, self._settings), _nothing()
        return transport.answer_of(response), _nothing()

    async def _read(self, chunks: AsyncIterator[bytes]) -> bytes | NoAnswer:
        try:
            return await anext(chunks, b"")
        except httpx.TransportError as exc:
            return transport.no_answer(exc, self._settings)
