"""Daphne takes in a whole body, or message, before anybody is asked: here is an end to it."""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from typing import Any

import daphne.server
from daphne import http_protocol, ws_protocol
from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from twisted.web.http import RESPONSES

from jobs.api import problems

from . import at_once

MAX_MESSAGE_BYTES = 4096
"""Nobody has anything to say to us over a websocket."""
REFUSAL = """HTTP/1.1 413 Content Too Large\r
Connection: close\r
Content-Type: {}\r
Content-Length: {}\r
\r
"""


class BoundedRequest(http_protocol.WebRequest):
    """Ends the connection at the first byte too many, declared or sent."""

    received = 0
    is_refused = False

    def __init__(self, *args: Any) -> None:
        # Nobody asks Twisted for the fields of a form: to read them would take its loop a copy of
        # each upload, and a library for e-mail to tell that a body is JSON.
        super().__init__(*args, parsePOSTFormSubmission=False)

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
        if self.is_refused:
            return
        self.is_refused = True
        path = self.channel._path.partition(b"?")[0].decode("latin-1")
        accepted = self.requestHeaders.getRawHeaders(b"accept", [b""])[0]
        is_page = b"text/html" in accepted and not path.startswith(problems.MACHINE_PATHS)
        self.transport.write(_page() if is_page else _problem(path))
        self.transport.loseConnection()


@cache
def _page() -> bytes:
    told = {"detail": problems.too_large(settings.MAX_REQUEST_BYTES)}
    return _written("text/html; charset=utf-8", render_to_string("413.html", told))


def _problem(path: str) -> bytes:
    asked = HttpRequest()
    asked.path = path
    told = problems.too_large(settings.MAX_REQUEST_BYTES)
    body = problems.problem(413, "body_too_large", told, asked)
    return _written(problems.CONTENT_TYPE, json.dumps(body))


def _written(kind: str, text: str) -> bytes:
    body = text.encode()
    return REFUSAL.format(kind, len(body)).encode() + body


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
