"""A proxy before the S3 server that refuses, or breaks off, what a test tells it to."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

KEPT_BACK = {"transfer-encoding", "connection", "content-length", "server", "date"}

Applies = Callable[[str, str], bool]
"""Of a method and a path with its query."""


@dataclass(kw_only=True)
class Fault:
    """:param status: and code, with which it is refused; 0: half of the answer is sent, and then
        the connection is cut.
    :param left: so often.
    :param until: when it is answered at all.
    """

    applies: Applies
    status: int = 0
    code: str = ""
    left: float = float("inf")
    until: threading.Event | None = None


@dataclass(kw_only=True)
class Faulty:
    url: str
    faults: list[Fault] = field(default_factory=list)

    def refuse(self, applies: Applies, status: int, code: str, times: float = float("inf")) -> None:
        self.faults.append(Fault(applies=applies, status=status, code=code, left=times))

    def cut(self, applies: Applies, times: float = float("inf")) -> None:
        self.faults.append(Fault(applies=applies, left=times))

    @contextmanager
    def hanging(self, applies: Applies) -> Iterator[None]:
        over = threading.Event()
        self.faults.append(Fault(applies=applies, status=503, code="SlowDown", until=over))
        try:
            yield
        finally:
            over.set()
            self.faults.pop()

    def fault_of(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.left > 0 and fault.applies(method, path):
                fault.left -= 1
                return fault
        return None


class Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, server_url: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behind = urlsplit(server_url).netloc
        self.told = Faulty(url=f"http://127.0.0.1:{self.server_port}")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.told.fault_of(self.command, self.path)
        if fault and fault.until:
            fault.until.wait()
        if fault and fault.status:
            self._refuse(fault)
            return
        behind = http.client.HTTPConnection(self.server.behind, timeout=30)
        behind.request(self.command, self.path, body, dict(self.headers.items()))
        self._pass_on(behind.getresponse(), is_cut=fault is not None)
        behind.close()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

    def _refuse(self, fault: Fault) -> None:
        text = f"<Error><Code>{fault.code}</Code><Message>Told by a test.</Message></Error>"
        body = b"" if self.command == "HEAD" else text.encode()
        self.send_response(fault.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _pass_on(self, answer: http.client.HTTPResponse, *, is_cut: bool) -> None:
        body = answer.read()
        length = answer.headers["Content-Length"] if self.command == "HEAD" else len(body)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in KEPT_BACK:
                self.send_header(name, value)
        self.send_header("Content-Length", str(length or 0))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if is_cut else body)
        self.close_connection = is_cut

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def before(server_url: str) -> Iterator[Faulty]:
    server = Proxy(server_url)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.told
    finally:
        server.shutdown()
        server.server_close()
