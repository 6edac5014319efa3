"""A batch in the hand of a blocking client."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from .flows import batches, jobs
from .snapshot import BatchSnapshot

if TYPE_CHECKING:
    from .client import Client

Json = dict[str, Any]


class Batch(BatchSnapshot):
    """As it was last told of, and what can be done with it."""

    def __init__(self, client: Client, data: Json) -> None:
        super().__init__(data)
        self._client = client

    def refresh(self) -> Self:
        self.data = self._client.run(jobs.get(self._client.ask, f"{batches.BATCHES}/{self.id}"))
        return self

    def watch(self, timeout: float | None = None) -> Iterator[Self]:
        """This batch, now and whenever its counts have changed, the last time with its end."""
        client = self._client
        deadline = client.deadline(timeout)
        for data in client.iterate(batches.watch(client.ask, self.id, deadline)):
            self.data = data
            yield self

    def wait(self, timeout: float | None = None) -> Self:
        """Until none of its jobs is on its way.

        :raises WaitTimeout: some are after `timeout` seconds; they go on.
        """
        client = self._client
        self.data = client.run(batches.wait(client.ask, self.id, client.deadline(timeout)))
        return self

    def items(self, **filters: Any) -> Iterator[Json]:
        """What became of each thing that was asked for, in order: `outcome="refused"`,
        `state="failed"`."""
        return self._client.iterate(batches.items(self._client.ask, self.id, filters))

    def results(self, fields: Sequence[str] = ()) -> Iterator[Json]:
        """A row an item, in order, failed and refused ones included."""
        query = {"fields": ",".join(fields)} if fields else {}
        return self._client.iterate(batches.rows(self._client.ask, self.id, query))

    def cancel(self) -> Self:
        """Cancel what waits, and ask what runs to stop."""
        self.data = self._client.run(batches.cancel(self._client.ask, self.id))
        return self

    def resume(self, also: Sequence[str] = (), *, idempotency_key: str | None = None) -> Self:
        """New jobs for what was cancelled or lost, and for the kinds of failure in `also`."""
        path, body = f"{batches.BATCHES}/{self.id}/resume", {"also": [*also]}
        self.data = self._client.run(jobs.make(self._client.ask, path, body, idempotency_key))
        return self
