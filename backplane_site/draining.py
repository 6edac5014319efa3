"""Daphne keeps whatever a slow client has not taken: here it waits until the client has.

Without it a file of a gigabyte lies in memory as long as somebody reads it over a slow line. Now a
socket's buffer that is full holds up `send`, and so whoever reads the file from the disk.
"""

from __future__ import annotations

import asyncio
from typing import Any

import daphne.server

OF_DAPHNE = daphne.server.Server.handle_reply
LOST = daphne.server.Server.protocol_disconnected


class Gate:
    """A producer, as Twisted has them: shut by the transport while more than 64 KiB is buffered."""

    def __init__(self, *, is_open: bool) -> None:
        self._open = asyncio.Event()
        if is_open:
            self._open.set()

    def pauseProducing(self) -> None:
        self._open.clear()

    def resumeProducing(self) -> None:
        self._open.set()

    stopProducing = resumeProducing  # nobody waits for a client that is gone

    async def wait(self) -> None:
        await self._open.wait()


async def handle_reply(self: Any, protocol: Any, message: dict[str, Any]) -> None:
    """Hand on what the application says; return once there is room for more."""
    gate = _gate(protocol, message) if message.get("type") == "http.response.body" else None
    await OF_DAPHNE(self, protocol, message)
    if gate:
        await gate.wait()


def _gate(request: Any, message: dict[str, Any]) -> Gate | None:
    """Of an answer that comes in pieces; its last one is nothing to wait after."""
    if request.finished or request.channel is None:
        return None
    gate: Gate | None = request.producer
    if not message.get("more_body", False):
        if gate:
            request.unregisterProducer()
        return None
    if gate is None:
        # Of what the client asked for before on this line it may still not have taken the end.
        gate = Gate(is_open=not request.channel._waitingForTransport)
        request.registerProducer(gate, True)
    return gate


def protocol_disconnected(self: Any, protocol: Any) -> None:
    LOST(self, protocol)
    gate = getattr(protocol, "producer", None)
    if isinstance(gate, Gate):
        gate.stopProducing()


def install() -> None:
    daphne.server.Server.handle_reply = handle_reply
    daphne.server.Server.protocol_disconnected = protocol_disconnected
