"""A receiver of webhooks: a real HTTP server on loopback that answers as it is told."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from standardwebhooks import Webhook

from tests.stack import until


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    def verified(self, secret: str) -> dict[str, Any]:
        """What the specification's own library makes of it."""
        told: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return told

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class Receiver:
    """:param host: any address of the loopback network."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.received: list[Received] = []
        self.answers: deque[int | tuple[int, str]] = deque()
        """The next statuses, a redirect with its place; 200 after the last of them."""
        self.may_answer = threading.Event()
        self.may_answer.set()
        handler = type("Handler", (_Handler,), {"receiver": self})
        self.server = _Server((host, port), handler)
        self.host, self.port = self.server.server_address[0], self.server.server_port
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.may_answer.set()
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hook"

    def wait_for(self, n: int, within_s: float = 120) -> list[Received]:
        until(lambda: len(self.received) >= n, f"{n} webhooks", within_s)
        return self.received


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.receiver.received.append(Received(path=self.path, headers=headers, body=body))
        self.receiver.may_answer.wait(60)
        answer = self.receiver.answers.popleft() if self.receiver.answers else 200
        status, place = answer if isinstance(answer, tuple) else (answer, "")
        try:
            self.send_response(status)
            if place:
                self.send_header("Location", place)
            self.end_headers()
        except BrokenPipeError:
            pass  # who asked did not wait

    def log_message(self, format: str, *args: Any) -> None:
        pass
