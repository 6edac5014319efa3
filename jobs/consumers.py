"""The live view of one job: what was missed, then what happens, each event once and in order.

The channel layer only rings the doorbell; what is sent is always read from the event log. So a
ring that is lost, doubled or early costs nothing, and without a Redis the view is seconds late.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer, AsyncWebsocketConsumer
from django.db import DatabaseError

from . import events, key_watch, log_context, log_epoch, news, tails
from .models import Job

logger = logging.getLogger(__name__)

MIN_GAP_S = 0.1
"""At most ten messages a second; what happens between two goes into one."""
HEARTBEAT_S = 5
"""Tells a client that we are here."""
SLOWEST_S = 5.0
"""A client that nobody looks at may ask for news so seldom, and no more so."""
BATCH = 200
MOST_UNREAD = 2000
"""So many events are on their way to a client that says what it has read, and no more."""
STUCK_S = 20.0
MIN_GAP_OF_LIST_S = 0.5
MOST_WATCHED = 200

UNKNOWN_JOB = 4404
SIGN_IN = 4401
BAD_REQUEST = 4400
TOO_SLOW = 4408
TRY_AGAIN = 1013


class NowhereConsumer(AsyncWebsocketConsumer):
    """A socket to a path that there is not."""

    channel_layer_alias = ""

    async def connect(self) -> None:
        await self.accept()
        await self.close(code=UNKNOWN_JOB)


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """Tells whoever may look what is new, whenever one of some bells rings."""

    # None of its own: it would be no socket without a Redis.
    channel_layer_alias = ""
    _reader: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        await self.accept()
        if refusal := await self._refuse():
            await self.close(code=refusal)
            return
        self._reader = asyncio.create_task(self._read_on())

    async def disconnect(self, code: int) -> None:
        if self._reader:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader

    async def receive(self, text_data: str | None = None, **kwargs: Any) -> None:
        """Nothing is expected from a client, so whatever it says is not read."""

    async def _read_on(self) -> None:
        try:
            # Listen before reading, so that nothing falls between the two.
            async with (
                key_watch.while_it_opens(self.scope.get("key_id"), self.scope["user"].pk),
                news.of_groups(await self._groups()) as bell,
            ):
                bell.ring()
                await self._forward(bell)
        except key_watch.KeyEnded as exc:
            logger.info("live view %s: %s", self.scope["path"], exc)
            await self.close(code=SIGN_IN)
        except DatabaseError:
            logger.warning("live view %s: no database", self.scope["path"], exc_info=True)
            await self.close(code=TRY_AGAIN)

    async def _refuse(self) -> int | None:
        """The code to close with; None: they may look."""
        raise NotImplementedError

    async def _groups(self) -> list[str]:
        raise NotImplementedError

    async def _forward(self, bell: news.Bell) -> None:
        raise NotImplementedError


class TooSlow(Exception):
    """A client reads no more of what it is sent."""


class JobConsumer(LiveConsumer):
    """The events of one job after `?after=`.

    A client may say `{"t": "rate", "hz": 0.2}` while nobody looks, and `{"t": "ack", "seq": n}`
    of what it has taken in: whoever does is not sent more than they can read.
    """

    seq: int
    job: Job
    epoch: str
    acked: int | None = None
    gap_s = MIN_GAP_S

    async def receive(self, text_data: str | None = None, **kwargs: Any) -> None:
        """What is none of these is not read."""
        try:
            said = json.loads(text_data or "")
        except ValueError:
            return
        match said:
            case {"t": "rate", "hz": int() | float() as hz} if 0 < hz < 1000:
                self.gap_s = min(max(1 / hz, MIN_GAP_S), SLOWEST_S)
                self._hurry.set()
            case {"t": "ack", "seq": int() as seq} if seq <= self.seq:
                self.acked = max(seq, self.acked or 0)
                self._read_by_client.set()

    async def _refuse(self) -> int | None:
        if not self.scope["user"].is_authenticated:
            return SIGN_IN
        after = parse_qs(self.scope["query_string"].decode(errors="replace")).get("after", ["0"])[0]
        if not events.is_seq(after):
            return BAD_REQUEST
        self.seq = int(after)
        self._hurry, self._read_by_client = asyncio.Event(), asyncio.Event()
        job = await self._find_job()
        if job is None:
            return UNKNOWN_JOB
        self.job = job
        log_context.bind(job_id=str(job.pk))
        return None

    async def _groups(self) -> list[str]:
        return [events.group_name(self.job.pk)]

    async def _forward(self, bell: news.Bell) -> None:
        """Read on whenever there is news, as far as the client keeps up."""
        await self.send_json(
            {
                "t": "hello",
                "v": 1,
                "epoch": self.epoch,
                "seq": self.job.last_seq,
                "heartbeat_s": HEARTBEAT_S,
            }
        )
        try:
            await self._forward_events(bell)
        except TooSlow:
            logger.info("live view %s: read nothing for %g s", self.scope["path"], STUCK_S)
            await self.close(code=TOO_SLOW)

    async def _forward_events(self, bell: news.Bell) -> None:
        while True:
            rung = await bell.wait(HEARTBEAT_S)
            if not rung:
                await self.send_json({"t": "hb"})
            elif await self._send_new(bell):
                await self.send_json({"t": "end", "seq": self.seq})
                await self.close()
                return
            await self._until_read()
            await self._pause()

    async def _send_new(self, bell: news.Bell) -> bool:
        """Whether that was the last of it."""
        found = await tails.read(tails.Place(self.job.pk, self.seq, BATCH))
        if found.n:
            self.seq = found.seq
            await self.send(text_data=f'{{"t": "ev", "events": {found.text}}}')
        if found.n == BATCH:
            bell.ring()
            return False
        return found.is_whole

    async def _pause(self) -> None:
        """As long as the client wants between two messages; cut short if it changes its mind."""
        self._hurry.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.gap_s):
                await self._hurry.wait()
        await asyncio.sleep(MIN_GAP_S if self._hurry.is_set() else 0)

    async def _until_read(self) -> None:
        """A server that hands on whatever it is given knows no back-pressure; a client's word does.

        :raises TooSlow: nothing was read for a while.
        """
        while self.acked is not None and self.seq - self.acked > MOST_UNREAD:
            self._read_by_client.clear()
            try:
                async with asyncio.timeout(STUCK_S):
                    await self._read_by_client.wait()
            except TimeoutError:
                raise TooSlow from None

    @database_sync_to_async
    def _find_job(self) -> Job | None:
        self.epoch = log_epoch.current()
        jobs = Job.objects.visible_to(self.scope["user"]).only("last_seq")
        return jobs.filter(pk=self.scope["url_route"]["kwargs"]["job_id"]).first()


class ListConsumer(LiveConsumer):
    """Which jobs of a list have moved, and whether there is one more; the reader asks for the rest.

    What it knows is in the address: `?jobs=<id>:<seq>,...&newest=<id>`; `newest` is blank where
    there was no job at all, and left out where it is not known.
    """

    known: dict[UUID, int]
    newest: UUID | None
    knows_newest: bool

    async def _refuse(self) -> int | None:
        if not self.scope["user"].is_authenticated:
            return SIGN_IN
        query = self.scope["query_string"].decode(errors="replace")
        told = parse_qs(query, keep_blank_values=True)
        pairs = [each.partition(":") for each in told.get("jobs", [""])[0].split(",") if each]
        newest = told.get("newest", [""])[0]
        self.knows_newest = "newest" in told
        if len(pairs) > MOST_WATCHED or not all(events.is_seq(seq) for _, _, seq in pairs):
            return BAD_REQUEST
        try:
            self.known = {UUID(job_id): int(seq) for job_id, _, seq in pairs}
            self.newest = UUID(newest) if newest else None
        except ValueError:
            return BAD_REQUEST
        return None

    async def _groups(self) -> list[str]:
        return await self._groups_of_mine()

    async def _forward(self, bell: news.Bell) -> None:
        """Look when it rings, and now and then for a job that is new: for that nothing rings."""
        while True:
            await bell.wait(HEARTBEAT_S)
            moved, is_more = await self._look()
            if moved or is_more:
                await self.send_json({"t": "jobs", "moved": moved, "more": is_more})
            else:
                await self.send_json({"t": "hb"})
            await asyncio.sleep(MIN_GAP_OF_LIST_S)

    @database_sync_to_async
    def _groups_of_mine(self) -> list[str]:
        """Of those that the reader may see; of the others nothing is told."""
        visible = Job.objects.visible_to(self.scope["user"]).filter(pk__in=list(self.known))
        return [events.group_name(job_id) for job_id in visible.values_list("pk", flat=True)]

    @database_sync_to_async
    def _look(self) -> tuple[list[str], bool]:
        visible = Job.objects.visible_to(self.scope["user"])
        seqs = dict(visible.filter(pk__in=list(self.known)).values_list("pk", "last_seq"))
        moved = [str(job_id) for job_id, seq in seqs.items() if seq != self.known[job_id]]
        self.known |= seqs
        newest = visible.newest_first().values_list("pk", flat=True).first()
        is_more = self.knows_newest and newest != self.newest
        self.newest, self.knows_newest = newest, True
        return moved, is_more
