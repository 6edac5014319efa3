"""Several web processes behind one port, and all of them replaced while they are asked."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import psutil
import pytest
from playwright.sync_api import Page, WebSocket, expect

from tests.e2e.conftest import _browser, browser, page, playwright  # noqa: F401
from tests.stack import Stack, until

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture(scope="module")
def site() -> Iterator[Stack]:
    with Stack(workers=1, web=2) as running:
        yield running


LISTEN = """url => {
    new WebSocket(url).onclose = closing => { window.closedWith = closing.code; };
}"""


def pids(site: Stack, word: str) -> set[int]:
    return {process.pid for process in site.processes(word)}


def served_by(site: Stack, port: int) -> int:
    """The process at the other end of a connection of ours."""

    def found() -> int | None:
        for each in psutil.net_connections("tcp"):
            if each.laddr and each.raddr and each.raddr.port == port and each.pid in webs:
                return each.pid
        return None

    webs = pids(site, "daphne")
    return int(until(found, "somebody has the connection"))


class Socket:
    """A websocket, as far as it takes to listen."""

    def __init__(self, site: Stack, job_id: str) -> None:
        self._line = socket.create_connection(("127.0.0.1", site.port), timeout=60)
        self._line.sendall(
            f"GET /ws/v1/jobs/{job_id}/ HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Origin: {site.url}\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        self.heard = b""
        try:
            self.hear(b" 101 ")
        except BaseException:
            self.close()
            raise
        self.pid = served_by(site, self._line.getsockname()[1])

    def hear(self, words: bytes) -> None:
        while words not in self.heard:
            data = self._line.recv(65536)
            assert data, self.heard
            self.heard += data

    def close(self) -> None:
        self._line.close()


def asked_of(site: Stack, pid: int) -> httpx.Client:
    """A client whose connection that process has."""
    for _ in range(200):
        client = httpx.Client(base_url=site.url, timeout=60)
        with client.stream("GET", "/healthz") as answer:
            answer.read()
            port = answer.extensions["network_stream"].get_extra_info("client_addr")[1]
        if served_by(site, port) == pid:
            return client
        client.close()
    raise AssertionError(f"{pid} took none of 200 connections")


def test_a_socket_of_one_process_hears_of_what_came_through_the_other(site: Stack) -> None:
    # Nobody may start it: it waits for its turn until it is cancelled.
    job_id = site.submit("md_simulation", structure="CCO", length_ps=4000)
    listening = Socket(site, job_id)
    (other,) = pids(site, "daphne") - {listening.pid}

    with closing(asked_of(site, other)) as client:
        assert client.post(f"/api/v1/jobs/{job_id}/cancel").is_success

    listening.hear(b"cancel_requested")
    listening.close()
    assert site.wait(job_id)["state"] == "cancelled"


class Hammer(threading.Thread):
    """Asks and asks, and remembers what was no good answer."""

    def __init__(self, site: Stack, *, keeps_line: bool) -> None:
        super().__init__()
        self._site, self._keeps_line = site, keeps_line
        self._is_over = threading.Event()
        self.n, self.faults, self.accepted = 0, [], []  # type: ignore[var-annotated]

    def run(self) -> None:
        lines = httpx.Limits(max_keepalive_connections=int(self._keeps_line))
        with httpx.Client(base_url=self._site.url, timeout=60, limits=lines) as client:
            while not self._is_over.is_set():
                try:
                    self._ask(client)
                except (httpx.HTTPError, AssertionError) as exc:
                    self.faults.append(f"{time.monotonic():.2f} {exc!r}")

    def _ask(self, client: httpx.Client) -> None:
        self.n += 1
        if self.n % 4:
            answer = client.get("/api/v1/jobs", params={"limit": 1})
            assert answer.status_code == 200, answer.text
            return
        body: dict[str, Any] = {"simulation": "demo.sum_squares", "params": {"n": 3}}
        answer = client.post("/api/v1/jobs", json={**body, "reuse": False})
        assert answer.status_code == 202, answer.text
        self.accepted.append(answer.json()["id"])

    def end(self) -> None:
        self._is_over.set()
        self.join(120)


def time_ps(job: dict[str, Any]) -> float:
    return float(job["metrics"].get("time_ps", 0))


def in_front_of_all(site: Stack) -> str:
    """A run that is long, and goes on before what waits."""
    params = {"structure": "CCO", "length_ps": 20_000}
    body = {"simulation": "md_simulation", "params": params, "priority": "high"}
    answer = site.client.post("/api/v1/jobs", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


@pytest.mark.browser
def test_all_is_started_again_and_no_request_fails(
    site: Stack,
    page: Page,  # noqa: F811
) -> None:
    web, workers = pids(site, "daphne"), pids(site, "work")
    job_id = in_front_of_all(site)
    reached = time_ps(site.wait(job_id, lambda job: time_ps(job) > 20))
    sockets = list[WebSocket]()
    page.on("websocket", lambda each: sockets.append(each))
    page.goto(f"{site.url}/jobs/{job_id}/")
    expect(page.locator("#live")).to_contain_text("live")
    page.evaluate(LISTEN, f"/ws/v1/jobs/{job_id}/")
    hammers = [Hammer(site, keeps_line=keeps) for keeps in (True, False)]
    for hammer in hammers:
        hammer.start()
    until(lambda: all(hammer.n > 20 for hammer in hammers), "they are at it")
    assert site.process

    site.process.send_signal(signal.SIGHUP)
    until(lambda: "generation 2 is up" in site.output(), "all is new", within_s=300)
    done = [hammer.n for hammer in hammers]
    until(lambda: all(h.n > n + 20 for h, n in zip(hammers, done, strict=True)), "they go on")
    for hammer in hammers:
        hammer.end()

    page.wait_for_function("() => window.closedWith")
    assert page.evaluate("window.closedWith") == 1012  # service restart
    expect(page.locator("#live")).to_contain_text("live")
    assert len(sockets) >= 3
    # It goes on from its checkpoint under a new worker, and the page is told so.
    job = site.wait(job_id, lambda job: job["attempt"] == 2 and time_ps(job) > reached)
    assert (job["attempts"][0]["outcome"], job["attempts"][0]["failure_kind"]) == ("requeued", "")
    assert site.client.post(f"/api/v1/jobs/{job_id}/cancel").is_success
    expect(page.locator(".status").first).to_contain_text("Cancelled")
    assert [fault for hammer in hammers for fault in hammer.faults] == []
    assert len(pids(site, "daphne")) == 2
    assert not pids(site, "daphne") & web
    assert not pids(site, "work") & workers
    accepted = [job_id for hammer in hammers for job_id in hammer.accepted]
    assert {site.job(job_id)["state"] for job_id in accepted} <= {"queued", "running", "succeeded"}
    assert site.wait(accepted[0])["state"] == "succeeded"
