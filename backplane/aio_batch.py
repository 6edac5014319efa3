"""A batch in the hand of an asyncio client. What each method does, `batch.Batch` says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from .flows import batches, jobs
from .snapshot import BatchSnapshot

if TYPE_CHECKING:
    from .aio import AsyncClient

Json = dict[str, Any]


class AsyncBatch(BatchSnapshot):
    """As it was last told of, and what can be done with it."""

    def __init__(self, client: AsyncClient, data: Json) -> None:
        super().__init__(data)
        self._client = client

    async def refresh(self) -> Self:
        path = f"{batches.BATCHES}/{self.id}"
        self.data = await self._client.run(jobs.get(self._client.ask, path))
        return self

    async def watch(self, timeout: float | None = None) -> AsyncIterator[Self]:
        client = self._client
        deadline = client.deadline(timeout)
        async for data in client.iterate(batches.watch(client.ask, self.id, deadline)):
            self.data = data
            yield self

    async def wait(self, timeout: float | None = None) -> Self:
        client = self._client
        self.data = await client.run(batches.wait(client.ask, self.id, client.deadline(timeout)))
        return self

    def items(self, **filters: Any) -> AsyncIterator[Json]:
        return self._client.iterate(batches.items(self._client.ask, self.id, filters))

    def results(self, fields: Sequence[str] = ()) -> AsyncIterator[Json]:
        query = {"fields": ",".join(fields)} if fields else {}
        return self._client.iterate(batches.rows(self._client.ask, self.id, query))

    async def cancel(self) -> Self:
        self.data = await self._client.run(batches.cancel(self._client.ask, self.id))
        return self

    async def resume(self, also: Sequence[str] = (), *, idempotency_key: str | None = None) -> Self:
        path, body = f"{batches.BATCHES}/{self.id}/resume", {"also": [*also]}
        self.data = await self._client.run(jobs.make(self._client.ask, path, body, idempotency_key))
        return self
