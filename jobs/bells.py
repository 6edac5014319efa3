"""The doorbell: says to whom may be waiting, in whatever process, that there is news in a group."""

from __future__ import annotations

import asyncio
import logging
from functools import cache
from typing import Any

from asgiref.sync import SyncToAsync, async_to_sync
from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)

IN_REDIS = "asgi__group__"
"""What that channel layer puts before the name of a group."""


def ring(group: str) -> None:
    """It says no more than that, so losing it loses nothing.

    Where an event loop has sent us to work in a thread, it is left to that loop: whoever asked for
    what there is news of does not wait for all to hear of it.
    """
    loop = getattr(SyncToAsync.threadlocal, "main_event_loop", None)
    if loop is not None and loop.is_running():
        asyncio.run_coroutine_threadsafe(_tell(group), loop)
    elif isinstance(layer := get_channel_layer(), RedisPubSubChannelLayer):
        _publish(layer, group)
    else:
        async_to_sync(_tell)(group)


async def _tell(group: str) -> None:
    try:
        await get_channel_layer().group_send(group, _news_of(group))
    except (RedisError, OSError) as exc:
        _nobody_heard(group, exc)


def _publish(layer: RedisPubSubChannelLayer, group: str) -> None:
    """What the layer would do in a loop, a thread and a connection made for this one word."""
    try:
        _redis(settings.REDIS_URL).publish(IN_REDIS + group, layer.serialize(_news_of(group)))
    except (RedisError, OSError) as exc:
        _nobody_heard(group, exc)


@cache
def _redis(url: str) -> Redis:
    # A connection that was cut since the last word is opened again; no second wait for an answer.
    once_more = Retry(NoBackoff(), 1, (Disconnected,))
    return Redis.from_url(url, **settings.IMPATIENCE | {"retry": once_more})


def _news_of(group: str) -> dict[str, Any]:
    return {"type": "job.news", "group": group}


def _nobody_heard(group: str, exc: Exception) -> None:
    # Readers also look by themselves every few seconds.
    logger.warning("nobody could be told of %s: %s", group, exc)


def of_key(key_id: object) -> str:
    """The group of those who act by a key: it rings when the key opens less than before."""
    return f"key.{key_id}"


def of_person(user_id: object) -> str:
    """The group of what somebody has open who is signed in: it rings when they may do less."""
    return f"person.{user_id}"
