"""Daphne takes in a whole body, or message, before anybody is asked: here is an end to it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import daphne.server
from daphne import http_protocol, ws_protocol
from django.conf import settings
from twisted.web.http import RESPONSES

from . import at_once

MAX_MESSAGE_BYTES = 4096
"""Nobody has anything to say to us over a websocket."""
REFUSAL = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedRequest(http_protocol.WebRequest):
    """Ends the connection at the first byte too many, declared or sent."""

    received = 0

    def gotLength(self, length: int | None) -> None:
        super().gotLength(length)
        if length is not None and length > settings.MAX_REQUEST_BYTES:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        self.received += len(data)
        if self.received > settings.MAX_REQUEST_BYTES:
            self._refuse()
        else:
            super().handleContentChunk(data)

    def process(self) -> Any:
        if self.received <= settings.MAX_REQUEST_BYTES and not at_once.sent(self):
            super().process()

    def _refuse(self) -> None:
        self.transport.write(REFUSAL)
        self.transport.loseConnection()


class BoundedSockets(ws_protocol.WebSocketFactory):
    def resetProtocolOptions(self) -> None:
        super().resetProtocolOptions()
        self.maxFramePayloadSize = self.maxMessagePayloadSize = MAX_MESSAGE_BYTES


def install() -> None:
    """By these names Daphne looks them up, once it has loaded our application."""
    http_protocol.WebRequest = BoundedRequest
    # Twisted knows the words of the older codes only, and calls 422 "Unknown Status".
    for status in HTTPStatus:
        RESPONSES.setdefault(status.value, status.phrase.encode())
    daphne.server.WebSocketFactory = BoundedSockets
