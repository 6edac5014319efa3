"""A job in the hand of an asyncio client. What each method does, `job.Job` says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from . import notebook
from .flows import jobs, streams
from .snapshot import JobSnapshot

if TYPE_CHECKING:
    from .aio import AsyncClient

Json = dict[str, Any]


class AsyncJob(JobSnapshot):
    """As it was last told of, and what can be done with it."""

    def __init__(self, client: AsyncClient, data: Json) -> None:
        super().__init__(data)
        self._client = client

    async def refresh(self) -> Self:
        self._update(await self._get())
        return self

    async def wait(self, timeout: float | None = None) -> Self:
        client = self._client
        self._update(await client.run(jobs.wait(client.ask, self.id, client.deadline(timeout))))
        return await self.refresh()

    async def result(self, timeout: float | None = None, *, fields: Sequence[str] = ()) -> Json:
        client = self._client
        deadline = client.deadline(timeout)
        return await client.run(jobs.result(client.ask, self.id, deadline, fields))

    async def watch(self, timeout: float | None = None) -> AsyncIterator[Self]:
        client = self._client
        flow = jobs.watch(client.ask, self.id, client.deadline(timeout))
        async for data in client.iterate(flow):
            self._update(data)
            yield self

    def events(self, after: int = 0) -> AsyncIterator[Json]:
        return self._client.iterate(streams.events(self._client.ask, self.id, after))

    def logs(self, *, follow: bool = False) -> AsyncIterator[str]:
        return self._client.iterate(streams.log(self._client.ask, self.id, follow=follow))

    async def cancel(self) -> Self:
        self._update(await self._client.run(jobs.cancel(self._client.ask, self.id)))
        return self

    async def restart(
        self,
        limits: Mapping[str, int] | None = None,
        /,
        *,
        idempotency_key: str | None = None,
        **more: int,
    ) -> AsyncJob:
        body: Json = {"limits": asked} if (asked := {**(limits or {}), **more}) else {}
        return await self._new("restart", body, idempotency_key)

    async def run_again(
        self, patch: Json | None = None, *, idempotency_key: str | None = None
    ) -> AsyncJob:
        return await self._new("run-again", {"patch": patch} if patch else {}, idempotency_key)

    async def explain(self) -> Json:
        explained: Json = await self._get("/explain")
        return explained

    async def artifacts(self) -> list[Json]:
        return list((await self._get(fields="artifacts"))["artifacts"])

    async def download(
        self, names: streams.Names = (), *, to: Path | str = ".", all_attempts: bool = False
    ) -> list[Path]:
        job = await self._get(fields="artifacts,attempt")
        plan = streams.wanted(job, names, Path(to), all_attempts)
        run, ask = self._client.run, self._client.ask
        return [await run(streams.download(ask, self.id, each, place)) for each, place in plan]

    async def live(self, timeout: float | None = None) -> Self:
        show = notebook.display()
        async for job in self.watch(timeout):
            show(job._repr_html_())
        return self

    async def view3d(self) -> Any:
        found = notebook.geometry_among(await self.artifacts())
        text = await self._client.run(streams.text(self._client.ask, self.id, found))
        return notebook.view3d(found["name"], text)

    async def _get(self, below: str = "", **query: Any) -> Any:
        path = f"{jobs.JOBS}/{self.id}{below}"
        return await self._client.run(jobs.get(self._client.ask, path, **query))

    async def _new(self, verb: str, body: Json, key: str | None) -> AsyncJob:
        path = f"{jobs.JOBS}/{self.id}/{verb}"
        made = await self._client.run(jobs.make(self._client.ask, path, body, key))
        return AsyncJob(self._client, made)
