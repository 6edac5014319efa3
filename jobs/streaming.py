"""Server-sent events that go on: Django opens the stream, and what follows needs no thread of it.

A stream ends with `event: end`. One that ends without it was cut off, or has lasted so long that
its reader should say again who they are: it is gone on with by `Last-Event-ID`. One whose key lets
nobody look any more ends with `event: refused`, and whoever comes back is refused as ever.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from channels.db import database_sync_to_async
from django.db import DatabaseError

from . import batches, events, key_watch, news, sse
from .asking import (
    UUID,
    App,
    Desk,
    Line,
    Receive,
    Scope,
    Send,
    headers_of,
    path_of,
    reading,
)
from .batch_models import Batch
from .models import Job

logger = logging.getLogger(__name__)

PLACE = re.compile(rf"(/api/v1/(jobs|batches)/({UUID})/events)(/stream)?")
MEDIA_TYPE = "text/event-stream"
KEEP_ALIVE_S = 15.0
MOST_S = 15 * 60.0
MIN_GAP_S = 0.1
AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A job or a batch.

    :param group: what rings for it.
    :param read: what follows an event of it, as it is sent, and whether that is all.
    """

    id: str
    group: Callable[[str], str]
    read: Callable[[str, int], tuple[bytes, bool]]


class Streaming:
    """In front of Django."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._desk = Desk(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _place(scope)
        if found is None:
            await self._app(scope, receive, send)
            return
        line = Line(receive)
        opened = reading(scope, f"{found[1]}/stream", Accept=MEDIA_TYPE)
        answer = await self._desk.ask(opened, line.receive)
        if answer is None:
            return
        opener = answer.header(sse.BY_KEY), answer.header(sse.BY_PERSON)
        answer = answer.with_headers(**{sse.BY_KEY: None, sse.BY_PERSON: None})
        if answer.status != 200 or sse.END in answer.body:
            await answer.send_by(send)
            return
        await answer.with_headers(Content_Length=None).send_by(send, more=True)
        what = Followed(id=found[3], **KINDS[found[2]])
        going_on = _while_let_in(opener, what, sse.last_id(answer.body), send)
        await line.while_there(going_on)
        if not line.is_gone:
            await send({"type": "http.response.body", "body": b""})


def _place(scope: Scope) -> re.Match[str] | None:
    """Where a stream was asked for, by its address or by the type that is accepted."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    found = PLACE.fullmatch(path_of(scope))
    if found and (found[4] or MEDIA_TYPE in headers_of(scope, "Accept")):
        return found
    return None


async def _while_let_in(
    opener: tuple[str | None, str | None], what: Followed, seq: int, send: Send
) -> None:
    """:param opener: the key by which the stream was opened, or else the person who did."""
    try:
        async with key_watch.while_it_opens(*opener):
            await _go_on(what, seq, send)
    except key_watch.KeyEnded as exc:
        text = sse.refusal(str(exc))
        await send({"type": "http.response.body", "body": text, "more_body": True})


async def _go_on(what: Followed, seq: int, send: Send) -> None:
    """Send what follows the event `seq`, until there is no more or it has lasted too long."""
    clock = asyncio.get_running_loop().time
    until = clock() + MOST_S
    async with news.of_group(what.group(what.id)) as bell:
        while clock() < until:
            if await bell.wait(KEEP_ALIVE_S):
                text = await _news(what, seq, bell)
            else:
                text = sse.KEEP_ALIVE
            if text:
                await send({"type": "http.response.body", "body": text, "more_body": True})
            if sse.END in text:
                return
            seq = sse.last_id(text, or_else=seq)
            await asyncio.sleep(MIN_GAP_S)


async def _news(what: Followed, seq: int, bell: news.Bell) -> bytes:
    """What there is now. The bell rings again if that was not all, or could not be read."""
    try:
        text, is_whole = await _read(what, seq)
    except DatabaseError as exc:
        logger.warning("the stream of %s waits for the database: %s", what.id, exc)
        await asyncio.sleep(news.TRY_AGAIN_S)
        text, is_whole = b"", False
    if not is_whole:
        bell.ring()
    return text


async def _read(what: Followed, seq: int) -> tuple[bytes, bool]:
    return await database_sync_to_async(what.read)(what.id, seq)


def _of_job(job_id: str, seq: int) -> tuple[bytes, bool]:
    job = Job.objects.only("state", "last_seq", "agent", "purpose").get(pk=job_id)
    found = events.after(job, seq, AT_ONCE)
    return sse.text(job, found, seq), len(found) < AT_ONCE


def _of_batch(batch_id: str, seq: int) -> tuple[bytes, bool]:
    batch = Batch.objects.get(pk=batch_id)
    found = batches.events_after(batch, seq, AT_ONCE)
    return sse.text_of_batch(batch, found, seq), len(found) < AT_ONCE


KINDS: dict[str, Any] = {
    "jobs": {"group": events.group_name, "read": _of_job},
    "batches": {"group": events.batch_group_name, "read": _of_batch},
}
"""By the word in their address."""
