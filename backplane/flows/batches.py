"""Many jobs as one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from backplane.wire import Ask, Call, Deadline, Emit, Flow, Pause, Read

from . import waiting
from .jobs import get, make
from .waiting import Awaited

Json = dict[str, Any]
BATCHES = "/api/v1/batches"
GOING = frozenset({"running", "cancelling"})
SOONEST_S = 0.5
BATCHES_A_PAGE = 100


def submit(ask: Ask, body: Json, idempotency_key: str | None = None) -> Flow[Json]:
    return (yield from make(ask, BATCHES, body, idempotency_key))


def listed(ask: Ask, most: int | None = None) -> Flow[None]:
    """Emits batches, newest first."""
    cursor: Json = {}
    left = math.inf if most is None else most
    while left > 0:
        page = yield from get(ask, BATCHES, limit=int(min(left, BATCHES_A_PAGE)), **cursor)
        for batch in page["results"]:
            yield Emit(batch)
        left -= len(page["results"])
        if not page["next"]:
            return
        cursor = {"cursor": parse_qs(urlsplit(page["next"]).query)["cursor"][0]}


def cancel(ask: Ask, batch_id: str) -> Flow[Json]:
    answer = yield from ask(Call(method="POST", path=f"{BATCHES}/{batch_id}/cancel"))
    batch: Json = answer.json()
    return batch


def wait(ask: Ask, batch_id: str, deadline: Deadline) -> Flow[Json]:
    """Where it stands once it is over.

    :raises WaitTimeout: it is not by the deadline; it goes on.
    """
    return waiting.wait(ask, _awaited(batch_id), deadline)


def watch(ask: Ask, batch_id: str, deadline: Deadline) -> Flow[None]:
    """Emits where it stands, now and whenever that has changed, until it is over.

    :raises WaitTimeout: see `wait`.
    """
    return waiting.watch(ask, _awaited(batch_id), deadline)


def _awaited(batch_id: str) -> Awaited:
    path, goes_on = f"{BATCHES}/{batch_id}", f"Batch {batch_id} goes on"
    return Awaited(path=path, is_over=_is_over, goes_on=goes_on)


def _is_over(batch: Mapping[str, Any]) -> bool:
    return batch["state"] not in GOING


def items(ask: Ask, batch_id: str, query: Json) -> Flow[None]:
    """Emits what became of each thing that was asked for."""
    cursor: Json = {}
    while True:
        page = yield from get(ask, f"{BATCHES}/{batch_id}/items", **query, **cursor)
        for item in page["results"]:
            yield Emit(item)
        if not page["next_cursor"]:
            return
        cursor = {"cursor": page["next_cursor"]}


def results(ask: Ask, batch_id: str, query: Json) -> Flow[None]:
    """Emits the lines of the stream, as bytes without their end.

    One that breaks off is asked for anew, and what was emitted of it is left out.
    """
    emitted = 0
    while True:
        path = f"{BATCHES}/{batch_id}/results"
        # Many lines, of a type that the query names.
        headers = {"Accept": "*/*"}
        call = Call(method="GET", path=path, query=query, headers=headers, is_stream=True)
        yield from ask(call)
        seen, rest = 0, b""
        while piece := (yield Read()):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                seen += 1
                if seen > emitted:
                    emitted = seen
                    yield Emit(line)
        if piece == b"":
            return
        yield Pause(SOONEST_S, "the stream of results broke off")


def rows(ask: Ask, batch_id: str, query: Json) -> Flow[None]:
    """Emits a line of the results as what it says."""
    flow = results(ask, batch_id, query | {"format": "jsonl"})
    reply = None
    while True:
        try:
            step = flow.send(reply)
        except StopIteration:
            return
        reply = yield (Emit(json.loads(step.value)) if isinstance(step, Emit) else step)
