"""The doorbell: says to whom may be waiting, in whatever process, that there is news in a group."""

from __future__ import annotations

import logging

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


def ring(group: str) -> None:
    """It says no more than that, so losing it loses nothing."""
    layer = get_channel_layer()
    try:
        async_to_sync(layer.group_send)(group, {"type": "job.news", "group": group})
    except (RedisError, OSError) as exc:
        # Readers also look by themselves every few seconds.
        logger.warning("nobody could be told of %s: %s", group, exc)


def of_key(key_id: object) -> str:
    """The group of those who act by a key: it rings when the key opens less than before."""
    return f"key.{key_id}"
