"""Our nginx.conf in front of a real site: pages, static files, sockets, events as they happen."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stack import ROOT, Stack, free_port, until

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed"),
]
NAME = "backplane.example.org"
MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/backplane.conf;
}}
"""
MAKE_ALICE = """
from django.contrib.auth import get_user_model
get_user_model().objects.create_user("alice", password="a long one indeed")
"""


class Proxy:
    def __init__(self, folder: Path, site: Stack) -> None:
        self._folder, self._site, self.port = folder, site, free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.static = folder / "static"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._certify()
        (self._folder / "backplane.conf").write_text(self._conf())
        (self._folder / "nginx.conf").write_text(MAIN.format(folder=self._folder))
        argv = ["nginx", "-e", f"{self._folder}/error.log", "-c", f"{self._folder}/nginx.conf"]
        checked = subprocess.run([*argv, "-t"], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        assert "warn" not in checked.stderr
        self._process = subprocess.Popen(argv)
        until(self._answers, "nginx answers")

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(60)

    def client(self, **more: Any) -> httpx.Client:
        headers = {"Host": NAME}
        return httpx.Client(base_url=self.url, verify=False, headers=headers, timeout=60, **more)

    def line(self) -> ssl.SSLSocket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=60))

    def _conf(self) -> str:
        """Ours, with what a site has of its own put in."""
        text = (ROOT / "deploy" / "nginx.conf").read_text()
        own = {
            "127.0.0.1:8000;": f"127.0.0.1:{self._site.port};",
            "listen 80;": f"listen 127.0.0.1:{free_port()};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "/etc/ssl/certs/backplane.pem": f"{self._folder}/cert.pem",
            "/etc/ssl/private/backplane.key": f"{self._folder}/key.pem",
            "/srv/backplane/static-root/": f"{self.static}/",
        }
        for before, after in own.items():
            assert text.count(before) == 1, before
            text = text.replace(before, after)
        return text

    def _certify(self) -> None:
        argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        argv += ["-subj", f"/CN={NAME}", "-keyout", "key.pem", "-out", "cert.pem"]
        subprocess.run(argv, cwd=self._folder, check=True, capture_output=True)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return client.get("/healthz").is_success
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def site() -> Iterator[Stack]:
    settings = {"BACKPLANE_MODE": "server", "SECRET_KEY": os.urandom(25).hex()}
    with Stack(workers=1, ALLOWED_HOSTS=NAME, **settings) as running:
        done = running.manage("shell", "-c", MAKE_ALICE)
        assert done.returncode == 0, done.stderr
        yield running


@pytest.fixture(scope="module")
def proxy(site: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("nginx")
    # nginx serves as nobody, who has to get there.
    for each in (folder, *folder.parents):
        if Path(tempfile.gettempdir()) in each.parents:
            each.chmod(0o755)
    proxy = Proxy(folder, site)
    proxy.static.mkdir()
    env = {**site.env, "BACKPLANE_STATIC_ROOT": str(proxy.static)}
    argv = [str(ROOT / ".venv/bin/python"), "manage.py", "collectstatic", "--no-input"]
    subprocess.run([*argv, "-v", "0"], cwd=ROOT, env=env, check=True)
    try:
        proxy.start()
        yield proxy
    finally:
        proxy.stop()


@pytest.fixture
def alice(proxy: Proxy) -> Iterator[httpx.Client]:
    with proxy.client(auth=("alice", "a long one indeed")) as client:
        yield client


def submitted(alice: httpx.Client) -> str:
    body = {"simulation": "md_simulation", "params": {"structure": "CCO", "length_ps": 4000}}
    answer = alice.post("/api/v1/jobs", json=body | {"reuse": False})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_a_page_and_its_static_files_come_through(proxy: Proxy) -> None:
    with proxy.client() as client:
        page = client.get("/", follow_redirects=True)
        style = client.get("/static/css/tokens.css")

    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"]
    assert page.headers["Strict-Transport-Security"]
    assert "text/html" in page.headers["Content-Type"]
    assert style.content == (ROOT / "static/css/tokens.css").read_bytes()
    assert style.headers["Server"].startswith("nginx")
    assert "max-age=3600" in style.headers["Cache-Control"]


def test_events_come_when_they_happen_and_not_at_the_end(proxy: Proxy, alice: httpx.Client) -> None:
    job_id = submitted(alice)
    heard = b""

    with proxy.client(auth=("alice", "a long one indeed")) as listener:
        path = f"/api/v1/jobs/{job_id}/events/stream"
        with listener.stream("GET", path) as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            pieces = answer.iter_raw()
            heard += next(pieces)
            asked_at = time.monotonic()
            assert alice.post(f"/api/v1/jobs/{job_id}/cancel").is_success
            while b"cancel_requested" not in heard:
                heard += next(pieces)

    # A proxy that keeps it back until it has 4 KiB would have said nothing before the next word.
    assert time.monotonic() - asked_at < 10


def test_a_socket_is_opened_through_it_and_hears(proxy: Proxy, alice: httpx.Client) -> None:
    job_id = submitted(alice)
    scopes = {"name": "listener", "scopes": ["read"]}
    made = alice.post("/api/v1/keys", json=scopes)
    assert made.status_code == 201, made.text
    heard = b""

    with proxy.line() as line:
        line.sendall(
            f"GET /ws/v1/jobs/{job_id}/ HTTP/1.1\r\nHost: {NAME}\r\nUpgrade: websocket\r\n"
            f"Authorization: Bearer {made.json()['token']}\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "\r\n".encode()
        )
        while b'"state"' not in heard:
            heard += line.recv(65536)
        assert heard.startswith(b"HTTP/1.1 101 ")
        assert alice.post(f"/api/v1/jobs/{job_id}/cancel").is_success
        while b"cancel_requested" not in heard:
            more = line.recv(65536)
            assert more, heard
            heard += more


def test_whoever_comes_without_encryption_is_sent_to_where_it_is(site: Stack) -> None:
    answer = httpx.get(f"{site.url}/jobs/", headers={"Host": NAME})

    assert answer.status_code in {301, 302}
    assert answer.headers["Location"].startswith(f"https://{NAME}")
