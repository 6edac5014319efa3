"""The events of a job or a batch as server-sent events (WHATWG HTML, 9.2): text that a browser
reads by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from . import batches, events
from .batch_models import Batch, BatchEvent
from .models import Job, JobEvent

RECONNECT_MS = 2000
KEEP_ALIVE = b": still here\n\n"
END = b"event: end\n"
BY_KEY, BY_PERSON = "Backplane-Key", "Backplane-Person"
"""The headers by which Django tells who goes on with a stream by which key it was opened, or else
by whom."""
ID = re.compile(rb"^id: (\d+)$", re.MULTILINE)


def opening(after: int) -> bytes:
    """Sets the id to begin at, so that whoever is cut off before the first event knows it."""
    return f"retry: {RECONNECT_MS}\nid: {after}\n\n".encode()


def text(job: Job, found: Iterable[JobEvent], after: int) -> bytes:
    """These events, and the closing one if nothing follows them any more.

    :param after: the event before the first of them.
    """
    told = [_block(events.to_wire(event, job), event.seq) for event in found]
    return _closed(told, after, job.last_seq if job.is_final else None, str(job.state))


def text_of_batch(batch: Batch, found: Iterable[BatchEvent], after: int) -> bytes:
    """The same of a batch; one that is resumed after its end goes on for whoever asks again."""
    told = [_block(batches.event_to_wire(event), event.seq) for event in found]
    return _closed(told, after, batch.last_seq if batch.is_over else None, batches.standing(batch))


def _closed(told: list[bytes], after: int, ends_with: int | None, state: str) -> bytes:
    seq = last_id(b"".join(told[-1:]), or_else=after)
    if ends_with is not None and seq >= ends_with:
        # Not what was asked for: that may be beyond the last.
        told.append(END + _block({"seq": ends_with, "state": state}))
    return b"".join(told)


def refusal(why: str) -> bytes:
    """Closes the stream of who may not look any more."""
    return b"event: refused\n" + _block({"detail": why})


def last_id(written: bytes, *, or_else: int = 0) -> int:
    """The number of the last event in the text."""
    found = ID.findall(written)
    return int(found[-1]) if found else or_else


def _block(data: dict[str, Any], seq: int | None = None) -> bytes:
    number = "" if seq is None else f"id: {seq}\n"
    # On one line: JSON writes a line break within a string as \n.
    return f"{number}data: {json.dumps(data)}\n\n".encode()
