"""One HTTP request: to the address that was checked, no further, and within its time."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore
import httpx
from django.conf import settings

from . import addresses

GONE = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it.

    :param status: None where there was no answer; `error` then says why.
    """

    status: int | None = None
    error: str = ""
    ms: int = 0

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        return self.status == GONE


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
    """Send it once. Redirects are not followed, and of the answer only the status is read."""
    began = time.monotonic()
    status, error = None, ""
    try:
        status = _status(addresses.checked(url), body, headers, began + settings.WEBHOOK_TIMEOUT_S)
    except addresses.Refused as exc:
        error = f"Not sent: {exc}"
    except httpcore.TimeoutException:
        error = f"No answer within {settings.WEBHOOK_TIMEOUT_S} s."
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as exc:
        error = f"No answer: {exc or type(exc).__name__}."
    if status is not None and 300 <= status < 400:
        error = "It redirects, which is not followed: give the address that it leads to."
    return Outcome(status=status, error=error, ms=round((time.monotonic() - began) * 1000))


def _status(url: httpx.URL, body: bytes, headers: Mapping[str, str], deadline: float) -> int:
    target = httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )
    sent = [(b"Host", url.netloc), *((k.encode(), v.encode()) for k, v in headers.items())]
    sent.append((b"Content-Length", str(len(body)).encode()))
    with (
        httpcore.ConnectionPool(_tls(), network_backend=_Checked(deadline)) as pool,
        pool.stream("POST", target, headers=sent, content=body) as answer,
    ):
        return int(answer.status)


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


class _Checked(httpcore.NetworkBackend):
    """Connects to nothing but an address that was looked at a moment before."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failed: Exception | None = None
        for address in addresses.resolved(host, port):
            left_s = _left_s(self._deadline, httpcore.ConnectTimeout)
            try:
                stream = self._plain.connect_tcp(address, port, left_s, local_address)
            except httpcore.ConnectError as exc:
                failed = exc
            else:
                return _InTime(stream, self._deadline)
        raise failed or httpcore.ConnectError(f"{host} has no address")


class _InTime(httpcore.NetworkStream):
    """One deadline for all of it: who sends a byte now and then is not waited for."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left_s(self._deadline, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left_s(self._deadline, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left_s = _left_s(self._deadline, httpcore.ConnectTimeout)
        secured = self._stream.start_tls(ssl_context, server_hostname, left_s)
        return _InTime(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left_s(deadline: float, too_late: type[httpcore.TimeoutException]) -> float:
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise too_late("the time is up")
    return left_s
