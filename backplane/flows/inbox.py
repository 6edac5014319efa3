"""What came while nobody looked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backplane.wire import Ask, Call, Emit, Flow

from .jobs import get

EVENTS = "/api/v1/events"


def unread(ask: Ask, kinds: Sequence[str]) -> Flow[None]:
    """Emits what is not acknowledged, and acknowledges a page once all of it was taken.

    Of some kinds only, nothing is acknowledged: that would count for the other kinds too.
    """
    query: dict[str, Any] = {"kinds": ",".join(kinds)} if kinds else {}
    has_more = True
    while has_more:
        page = yield from get(ask, EVENTS, **query)
        for event in page["events"]:
            yield Emit(event)
        if kinds:
            query["cursor"] = page["cursor"]
        elif page["events"]:
            said = {"cursor": page["cursor"]}
            yield from ask(Call(method="POST", path=f"{EVENTS}/ack", json=said))
        has_more = page["has_more"]
