"""The live view of one job: what was missed, then what happens, each event once and in order.

The channel layer only rings the doorbell; what is sent is always read from the event log. So a
ring that is lost, doubled or early costs nothing, and without a Redis the view is seconds late.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer, AsyncWebsocketConsumer
from django.db import DatabaseError

from . import events, log_context, news
from .models import Job

logger = logging.getLogger(__name__)

MIN_GAP_S = 0.1
"""At most ten messages a second; what happens between two goes into one."""
HEARTBEAT_S = 5
"""Tells a client that we are here."""
BATCH = 200

UNKNOWN_JOB = 4404
SIGN_IN = 4401
BAD_REQUEST = 4400
TRY_AGAIN = 1013


class NowhereConsumer(AsyncWebsocketConsumer):
    """A socket to a path that there is not."""

    channel_layer_alias = ""

    async def connect(self) -> None:
        await self.accept()
        await self.close(code=UNKNOWN_JOB)


class JobConsumer(AsyncJsonWebsocketConsumer):
    seq: int
    job: Job
    # None of its own: it would be no socket without a Redis.
    channel_layer_alias = ""
    _reader: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        await self.accept()
        if refusal := await self._refuse():
            await self.close(code=refusal)
            return
        log_context.bind(job_id=str(self.job.pk))
        self._reader = asyncio.create_task(self._read_on())

    async def disconnect(self, code: int) -> None:
        if self._reader:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader

    async def receive(self, text_data: str | None = None, **kwargs: Any) -> None:
        """Nothing is expected from a client, so whatever it says is not read."""

    async def _refuse(self) -> int | None:
        if not self.scope["user"].is_authenticated:
            return SIGN_IN
        after = parse_qs(self.scope["query_string"].decode(errors="replace")).get("after", ["0"])[0]
        if not events.is_seq(after):
            return BAD_REQUEST
        self.seq = int(after)
        job = await self._find_job()
        if job is None:
            return UNKNOWN_JOB
        self.job = job
        return None

    async def _read_on(self) -> None:
        try:
            # Listen before reading, so that nothing falls between the two.
            async with news.of_job(self.job.pk) as bell:
                bell.ring()
                await self._forward(bell)
        except DatabaseError:
            logger.warning("live view of job %s: the database is away", self.job.pk, exc_info=True)
            await self.close(code=TRY_AGAIN)

    async def _forward(self, bell: news.Bell) -> None:
        """Read on whenever there is news; waiting for each send is the back-pressure."""
        while True:
            rung = await bell.wait(HEARTBEAT_S)
            found = await self._read() if rung else []
            if found:
                self.seq = found[-1]["seq"]
                await self.send_json({"t": "ev", "events": found})
            elif not rung:
                await self.send_json({"t": "hb"})
            if len(found) == BATCH:
                bell.ring()
            elif self.job.is_final and self.seq >= self.job.last_seq:
                await self.send_json({"t": "end", "seq": self.seq})
                await self.close()
                return
            await asyncio.sleep(MIN_GAP_S)

    @database_sync_to_async
    def _find_job(self) -> Job | None:
        jobs = Job.objects.visible_to(self.scope["user"])
        return jobs.filter(pk=self.scope["url_route"]["kwargs"]["job_id"]).first()

    @database_sync_to_async
    def _read(self) -> list[dict[str, Any]]:
        self.job.refresh_from_db(fields=["state", "last_seq"])
        return [events.to_wire(event) for event in events.after(self.job, self.seq, BATCH)]
