"""The doorbell as the site rings it: in Redis, by whoever has no event loop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channels.layers import channel_layers
from channels_redis.pubsub import RedisPubSubChannelLayer

from jobs import bells


@pytest.fixture
def layer(redis: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> RedisPubSubChannelLayer:
    layer = RedisPubSubChannelLayer(hosts=[settings.REDIS_URL])
    monkeypatch.setattr(channel_layers, "backends", {"default": layer})
    return layer


def test_who_listens_by_the_channel_layer_hears_what_was_told_past_it(
    layer: RedisPubSubChannelLayer,
) -> None:
    async def heard() -> Any:
        mine = await layer.new_channel()
        await layer.group_add("job.1", mine)
        await asyncio.get_running_loop().run_in_executor(None, bells.ring, "job.1")
        return await asyncio.wait_for(layer.receive(mine), 10)

    assert asyncio.run(heard()) == {"type": "job.news", "group": "job.1"}


def test_a_redis_that_is_away_is_no_hindrance(
    layer: RedisPubSubChannelLayer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = "unix:///nowhere"

    bells.ring("job.1")

    assert "nobody could be told of job.1" in caplog.text


def test_a_connection_that_was_cut_is_opened_again(
    layer: RedisPubSubChannelLayer, redis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bells.ring("job.1")

    assert redis.client_kill_filter(_type="normal", skipme=True)
    bells.ring("job.1")

    assert not caplog.text
