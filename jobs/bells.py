"""The doorbell: says to whom may be waiting, in whatever process, that there is news in a group."""

from __future__ import annotations

import asyncio
import logging

from asgiref.sync import SyncToAsync, async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


def ring(group: str) -> None:
    """It says no more than that, so losing it loses nothing.

    Where an event loop has sent us to work in a thread, it is left to that loop: whoever asked for
    what there is news of does not wait for all to hear of it.
    """
    loop = getattr(SyncToAsync.threadlocal, "main_event_loop", None)
    if loop is not None and loop.is_running():
        asyncio.run_coroutine_threadsafe(_tell(group), loop)
    else:
        async_to_sync(_tell)(group)


async def _tell(group: str) -> None:
    try:
        await get_channel_layer().group_send(group, {"type": "job.news", "group": group})
    except (RedisError, OSError) as exc:
        # Readers also look by themselves every few seconds.
        logger.warning("nobody could be told of %s: %s", group, exc)


def of_key(key_id: object) -> str:
    """The group of those who act by a key: it rings when the key opens less than before."""
    return f"key.{key_id}"
