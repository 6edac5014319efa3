"""The web process itself, as a server among strangers: over its socket, not past it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from tests.stack import ROOT, Stack, free_port, until

from .test_headers import server

pytestmark = pytest.mark.slow

HTTPS = {"X-Forwarded-Proto": "https", "Host": "lab.example"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Daphne in server mode, without Redis and without workers."""
    var = tmp_path_factory.mktemp("server")
    env = server(BACKPLANE_VAR=str(var))
    manage = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(manage, cwd=ROOT, env=env, check=True, timeout=120)
    port = free_port()
    argv = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "--no-server-name"]
    with (var / "log").open("wb") as log:
        process = subprocess.Popen(
            [*argv, "backplane_site.asgi:application"], cwd=ROOT, env=env, stdout=log, stderr=log
        )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=HTTPS, timeout=30) as client:
        until(lambda: _answers(client), "the server", 60)
        yield client
    process.terminate()
    process.wait(20)


def test_who_comes_without_https_is_sent_there(site: httpx.Client) -> None:
    answer = site.get("/jobs/", headers={"X-Forwarded-Proto": "http"})

    assert answer.status_code == 301
    assert answer.headers["Location"] == "https://lab.example/jobs/"


def test_what_asks_from_within_needs_no_https(site: httpx.Client) -> None:
    assert site.get("/healthz", headers={"X-Forwarded-Proto": "http"}).status_code == 200


def test_the_browser_is_told_to_stay_with_https(site: httpx.Client) -> None:
    answer = site.get("/login/")

    assert answer.headers["Strict-Transport-Security"] == (
        "max-age=31536000; includeSubDomains; preload"
    )
    cookie = answer.headers["Set-Cookie"]
    assert "csrftoken=" in cookie
    assert "Secure" in cookie
    assert "SameSite=Lax" in cookie


def test_nobody_is_local_on_a_server(site: httpx.Client) -> None:
    assert site.get("/api/v1/jobs").status_code == 401
    assert site.get("/jobs/").headers["Location"] == "/login/?next=/jobs/"


def test_another_host_is_refused(site: httpx.Client) -> None:
    assert site.get("/healthz", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        ("lab.example", 0),
        (".lab.example,other.example", 0),
        ("evil.example", 22),
    ],
)
def test_the_health_check_of_compose_is_told_how_the_site_is(
    site: httpx.Client, hosts: str, status: int
) -> None:
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    kind, line = compose["services"]["web"]["healthcheck"]["test"]
    assert (kind, line.count("http://127.0.0.1:8000/")) == ("CMD-SHELL", 1)
    line = line.replace("$$", "$").replace("http://127.0.0.1:8000", str(site.base_url).rstrip("/"))

    env = {"PATH": os.environ["PATH"], "ALLOWED_HOSTS": hosts}
    asked = subprocess.run(["sh", "-c", line], env=env, timeout=30, check=False)

    assert asked.returncode == status


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_without_end_is_cut_off(declared: bool, site: httpx.Client) -> None:
    """Before anybody asked who sends it, and before it fills the disk."""
    chunk = b"a" * 1_000_000
    length = "Content-Length: 900000000" if declared else "Transfer-Encoding: chunked"
    head = f"POST /api/v1/jobs HTTP/1.1\r\nHost: lab.example\r\n{length}\r\n\r\n".encode()
    frame = chunk if declared else b"%x\r\n%s\r\n" % (len(chunk), chunk)

    with socket.create_connection((site.base_url.host, site.base_url.port), 20) as line:
        line.sendall(head)
        sent = _send_until_cut(line, frame, most=200)

    assert sent < 100
    assert site.get("/healthz").status_code == 200


def test_a_form_that_cannot_be_read_is_answered_as_a_form(site: httpx.Client) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Accept": "text/html"}

    answer = site.post("/login/", content=b"no part of a form", headers=headers)

    assert answer.status_code == 403
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<h1" in answer.text


@pytest.mark.stack
def test_a_socket_takes_no_long_message(stack: Stack) -> None:
    job_id = stack.submit("demo.sum_squares", n=3)
    here = f"127.0.0.1:{stack.port}"
    with socket.create_connection(("127.0.0.1", stack.port), 20) as line:
        line.sendall(
            f"GET /ws/v1/jobs/{job_id}/ HTTP/1.1\r\nHost: {here}\r\nOrigin: http://{here}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        assert b"101" in line.recv(4096)
        # A frame that declares 1 GB.
        line.sendall(b"\x82\xff" + (1 << 30).to_bytes(8, "big") + b"\0\0\0\0")
        assert _send_until_cut(line, b"a" * 100_000, most=200) < 200


def _send_until_cut(line: socket.socket, frame: bytes, *, most: int) -> int:
    for n in range(most):
        try:
            line.sendall(frame)
        except OSError:
            return n
    return most


def _answers(client: httpx.Client) -> Any:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False
