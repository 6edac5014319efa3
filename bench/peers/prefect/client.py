"""Submits tasks by `delay`, and hears from the server's events that they are over.

A future's own `result` asks the server first, a connection for each, and raises where a run is so
new that the server has recorded no state of it.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from prefect.states import State
from prefect.task_runs import TaskRunWaiter

from bench.peers import jobs
from bench.peers.prefect.tasks import molecule, nothing
from bench.peers.timing import MOLECULE, NOTHING, WITHIN_S, serve

Answer = TypeVar("Answer")
LISTENS_WITHIN_S = 10
TRIES = 18


class Client:
    send_many = NotImplemented
    """It maps a task over many inputs in a flow only, and then does not hand them to workers."""

    def __init__(self, xyz: str) -> None:
        self._calls = {NOTHING: partial(nothing.delay, 1), MOLECULE: partial(molecule.delay, xyz)}
        self._loop = asyncio.new_event_loop()
        # It may be subscribed later than the first runs end, and does not say when it is.
        tries = (self._wait(_ended(self.send(NOTHING), LISTENS_WITHIN_S)) for _ in range(TRIES))
        assert any(tries), "no event of a run came"

    def send(self, job: str) -> UUID:
        return self._calls[job]().task_run_id

    def results(self, sent: Sequence[UUID]) -> list[float]:
        return [jobs.figure(result) for result in self._wait(_results(sent))]

    def _wait(self, what: Coroutine[Any, Any, Answer]) -> Answer:
        return self._loop.run_until_complete(what)


async def _results(runs: Sequence[UUID]) -> list[Any]:
    states = await asyncio.gather(*(_ended(run, WITHIN_S) for run in runs))
    return [await _result(state) for state in states]


async def _ended(run: UUID, within_s: float) -> State | None:
    return await TaskRunWaiter.wait_for_task_run(run, timeout=within_s)


async def _result(state: State | None) -> Any:
    assert state, "a run did not end"
    return await state.aresult()


if __name__ == "__main__":
    serve(Client)
