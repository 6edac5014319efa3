"""Server-sent events that go on: Django opens the stream, and what follows needs no thread of it.

A stream ends with `event: end`. One that ends without it was cut off, or has lasted so long that
its reader should say again who they are: it is gone on with by `Last-Event-ID`.
"""

from __future__ import annotations

import asyncio
import logging
import re

from channels.db import database_sync_to_async
from django.db import DatabaseError

from . import events, news, sse
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
from .models import Job

logger = logging.getLogger(__name__)

PLACE = re.compile(rf"(/api/v1/jobs/({UUID})/events)(/stream)?")
MEDIA_TYPE = "text/event-stream"
KEEP_ALIVE_S = 15.0
MOST_S = 15 * 60.0
MIN_GAP_S = 0.1
BATCH = 200


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
        if answer.status != 200 or sse.END in answer.body:
            await answer.send_by(send)
            return
        await answer.with_headers(Content_Length=None).send_by(send, more=True)
        await line.while_there(_go_on(found[2], sse.last_id(answer.body), send))
        if not line.is_gone:
            await send({"type": "http.response.body", "body": b""})


def _place(scope: Scope) -> re.Match[str] | None:
    """Where a stream was asked for, by its address or by the type that is accepted."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    found = PLACE.fullmatch(path_of(scope))
    if found and (found[3] or MEDIA_TYPE in headers_of(scope, "Accept")):
        return found
    return None


async def _go_on(job_id: str, seq: int, send: Send) -> None:
    """Send what follows the event `seq`, until there is no more or it has lasted too long."""
    clock = asyncio.get_running_loop().time
    until = clock() + MOST_S
    async with news.of_job(job_id) as bell:
        while clock() < until:
            if await bell.wait(KEEP_ALIVE_S):
                text = await _news(job_id, seq, bell)
            else:
                text = sse.KEEP_ALIVE
            if text:
                await send({"type": "http.response.body", "body": text, "more_body": True})
            if sse.END in text:
                return
            seq = sse.last_id(text, or_else=seq)
            await asyncio.sleep(MIN_GAP_S)


async def _news(job_id: str, seq: int, bell: news.Bell) -> bytes:
    """What there is now. The bell rings again if that was not all, or could not be read."""
    try:
        text, is_whole = await _read(job_id, seq)
    except DatabaseError as exc:
        logger.warning("the stream of job %s waits for the database: %s", job_id, exc)
        await asyncio.sleep(news.TRY_AGAIN_S)
        text, is_whole = b"", False
    if not is_whole:
        bell.ring()
    return text


@database_sync_to_async
def _read(job_id: str, seq: int) -> tuple[bytes, bool]:
    """What follows, as it is sent, and whether that is all."""
    job = Job.objects.only("state", "last_seq").get(pk=job_id)
    found = events.after(job, seq, BATCH)
    return sse.text(job, found, seq), len(found) < BATCH
