"""The web process steps back without losing a request: another one has the same socket by then.

Told so by SIGUSR1, it takes no new connection; what waits to be accepted the next process takes,
for the listening socket is one and the same. Whoever has a connection open is told with the next
answer to open another, sockets are closed as for a restart, and what was asked is answered. Then it
ends.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import daphne.server
from daphne import http_protocol, ws_protocol
from twisted.internet import endpoints, tcp
from twisted.internet import reactor as _reactor
from twisted.plugins import fd_endpoint
from twisted.web import http

from .leaving import READY_FILE, SIGNAL, WITHIN_S

logger = logging.getLogger(__name__)

LINGER_S = 5
"""So long a connection that asks nothing is left open, for what may be on its way."""
LOOK_EVERY_S = 0.2
SERVICE_RESTART = 1012
RUN = daphne.server.Server.run
PERSISTS = http.HTTPChannel.checkPersistence

reactor: Any = _reactor
is_leaving = False


class Leaving:
    """From the signal to the end of the process."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._began = self._asked = time.monotonic()

    def begin(self) -> None:
        global is_leaving
        if is_leaving:
            return
        is_leaving = True
        self._began = self._asked = time.monotonic()
        logger.info("no new connections; another process has the socket")
        for port in [each for each in reactor.getReaders() if isinstance(each, tcp.Port)]:
            port.stopListening()
        for protocol in list(self._server.connections):
            if isinstance(protocol, ws_protocol.WebSocketProtocol):
                protocol.sendCloseFrame(code=SERVICE_RESTART)
        self._look()

    def _look(self) -> None:
        now = time.monotonic()
        is_asked = any(isinstance(each, http_protocol.WebRequest) for each in self._open())
        if is_asked:
            self._asked = now
        # A connection that is not read from just now, for it is answered, is no reader.
        is_quiet = not is_asked and (not self._clients() or now - self._asked > LINGER_S)
        if is_quiet or now - self._began > WITHIN_S:
            reactor.stop()
        else:
            reactor.callLater(LOOK_EVERY_S, self._look)

    def _open(self) -> list[Any]:
        known = self._server.connections.items()
        return [protocol for protocol, told in known if "disconnected" not in told]

    def _clients(self) -> list[Any]:
        return [each for each in reactor.getReaders() if isinstance(each, tcp.Server)]


def run(self: Any) -> None:
    leaving = Leaving(self)
    signal.signal(SIGNAL, lambda *_: reactor.callFromThread(leaving.begin))
    reactor.callWhenRunning(_tell_ready)
    RUN(self)


def _tell_ready() -> None:
    file = Path(os.environ.get(READY_FILE, ""))
    if file.is_file():
        file.write_text("listening")


def parse_descriptor(self: Any, reactor: Any, fileno: str, domain: str = "2") -> Any:
    """Daphne's own takes a family for a text, and so IPv4 alone."""
    family = socket.AddressFamily(int(domain))
    return endpoints.AdoptedStreamServerEndpoint(reactor, int(fileno), family)


def check_persistence(self: Any, request: Any, version: bytes) -> bool:
    persists = bool(PERSISTS(self, request, version))
    if is_leaving and persists:
        request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
        return False
    return persists


def install() -> None:
    daphne.server.Server.run = run
    fd_endpoint._FDParser._parseServer = parse_descriptor  # type: ignore[method-assign]
    http.HTTPChannel.checkPersistence = check_persistence  # type: ignore[method-assign]
