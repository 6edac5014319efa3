"""Many jobs as one."""

from __future__ import annotations

import json
from typing import Any

from backplane import errors
from backplane.wire import Ask, Call, Deadline, Emit, Flow, Pause, Read

from .jobs import get, make

Json = dict[str, Any]
BATCHES = "/api/v1/batches"
GOING = frozenset({"running", "cancelling"})
SOONEST_S = 0.5
LATEST_S = 5.0


def submit(ask: Ask, body: Json, idempotency_key: str | None = None) -> Flow[Json]:
    return (yield from make(ask, BATCHES, body, idempotency_key))


def cancel(ask: Ask, batch_id: str) -> Flow[Json]:
    answer = yield from ask(Call(method="POST", path=f"{BATCHES}/{batch_id}/cancel"))
    batch: Json = answer.json()
    return batch


def watch(ask: Ask, batch_id: str, deadline: Deadline) -> Flow[None]:
    """Emits where it stands, now and whenever that has changed, until it is over.

    :raises WaitTimeout: it is not by the deadline; it goes on.
    """
    known, pause_s = None, SOONEST_S
    while True:
        batch = yield from get(ask, f"{BATCHES}/{batch_id}")
        is_news = batch["last_seq"] != known or batch["state"] not in GOING
        known = batch["last_seq"]
        if is_news:
            yield Emit(batch)
        if batch["state"] not in GOING:
            return
        if deadline.is_over:
            told = f"Batch {batch_id} goes on; {deadline.timeout_s:g} s were not enough."
            raise errors.WaitTimeout(told)
        pause_s = SOONEST_S if is_news else min(pause_s * 2, LATEST_S)
        yield Pause(deadline.at_most(pause_s))


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
