"""What many read of a job at the same moment is asked for once, and written once.

Whoever watches a job is woken by the same bell and knows the same events. One query answers them
all, with one text. Whether somebody may look is not asked here: they were let in before.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async

from . import events, rows


class Place(NamedTuple):
    """Which events: so many of the job's after that one."""

    job_id: UUID
    after: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """:param text: the events as a list in JSON.
    :param seq: of the last of them; where there are none, the one they would follow.
    :param is_whole: nothing will ever follow.
    """

    n: int
    seq: int
    text: str = field(repr=False)
    last_seq: int
    is_whole: bool


async def read(place: Place) -> Tail:
    """Read after the call; all who call before the loop has come round share one query.

    :raises Job.DoesNotExist: it is there no longer.
    """
    loop = asyncio.get_running_loop()
    looks = _of_loop.get(loop) or _of_loop.setdefault(loop, {})
    if place not in looks:
        looks[place] = asyncio.ensure_future(_soon(looks, place))
    return await asyncio.shield(looks[place])


async def _soon(looks: dict[Place, asyncio.Future[Tail]], place: Place) -> Tail:
    # Whom one ring has woken all come before it is this one's turn again.
    await asyncio.sleep(0)
    # From here on it would be too early for whoever asks.
    del looks[place]
    return await _read(place)


@database_sync_to_async
def _read(place: Place) -> Tail:
    # The job first: an event that comes between the two is not yet counted, and comes again.
    job = rows.told_of_job(place.job_id)
    found = events.after(job, place.after, place.most)
    seq = found[-1].seq if found else place.after
    return Tail(
        n=len(found),
        seq=seq,
        text=json.dumps([events.to_wire(event, job) for event in found]),
        last_seq=job.last_seq,
        is_whole=job.is_final and seq >= job.last_seq,
    )


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Place, asyncio.Future[Tail]]] = (
    WeakKeyDictionary()
)
