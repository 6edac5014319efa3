"""One request: to the address that was checked, no further, and within its time."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jobs.webhooks import posting

from .receiver import Receiver
from .test_addresses import resolves_to

HEADERS = {"webhook-id": "msg_1"}


def post(url: str) -> posting.Outcome:
    return posting.post(url, b"{}", HEADERS)


def test_what_is_sent_arrives(receiver: Receiver) -> None:
    outcome = post(receiver.url)

    (received,) = receiver.received
    assert (outcome.status, outcome.error) == (200, "")
    assert (received.path, received.body, received.id) == ("/hook", b"{}", "msg_1")
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
def test_only_a_2xx_is_a_success(receiver: Receiver, status: int) -> None:
    receiver.answers.append(status)

    outcome = post(receiver.url)

    assert outcome.status == status
    assert not outcome.is_success


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers.append((302, receiver.url))

    outcome = post(receiver.url)

    assert not outcome.is_success
    assert "redirects" in outcome.error
    assert len(receiver.received) == 1


def test_a_slow_receiver_is_not_waited_for(receiver: Receiver, settings: Any) -> None:
    settings.WEBHOOK_TIMEOUT_S = 0.2
    receiver.may_answer.clear()

    outcome = post(receiver.url)

    assert (outcome.status, outcome.error) == (None, "No answer within 0.2 s.")


@pytest.fixture
def dripping() -> Iterator[int]:
    """A server that sends a byte of its answer now and then, and never gets to the end."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                    while not stop.wait(0.05):
                        connection.sendall(b"a")
                except OSError:
                    return  # nobody listens any more

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        stop.set()
        thread.join()


def test_who_sends_a_byte_now_and_then_is_not_waited_for(dripping: int, settings: Any) -> None:
    settings.WEBHOOK_ALLOW = ["127.0.0.1"]
    settings.WEBHOOK_TIMEOUT_S = 0.5
    began = time.monotonic()

    outcome = post(f"http://127.0.0.1:{dripping}/")

    assert "No answer within 0.5 s" in outcome.error
    assert time.monotonic() - began < 5


def test_nobody_there_is_told(settings: Any) -> None:
    settings.WEBHOOK_ALLOW = ["127.0.0.1"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    outcome = post(f"http://127.0.0.1:{port}/")

    assert outcome.status is None
    assert "refused" in outcome.error


def test_an_answer_that_is_no_http_is_told(settings: Any) -> None:
    settings.WEBHOOK_ALLOW = ["127.0.0.1"]
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        outcome = post(f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()

    assert outcome.status is None
    assert outcome.error


def test_loopback_gets_nothing_unless_it_is_opened(receiver: Receiver, settings: Any) -> None:
    settings.WEBHOOK_ALLOW = []

    outcome = post(receiver.url)

    assert "not a public address" in outcome.error
    assert receiver.received == []


def test_a_name_that_is_answered_otherwise_the_second_time_is_asked_once(
    receiver: Receiver, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: public when it is checked, loopback when it is connected to."""
    settings.WEBHOOK_ALLOW = ["127.0.0.2"]
    settings.WEBHOOK_TIMEOUT_S = 5
    with Receiver("127.0.0.2", receiver.port) as checked:
        asked = resolves_to(monkeypatch, ["127.0.0.2"], ["127.0.0.1"])

        first = post(f"http://rebinding.example:{receiver.port}/")
        second = post(f"http://rebinding.example:{receiver.port}/")

    # Each connection goes to the very address that was looked at for it.
    assert asked == ["rebinding.example"] * 2
    assert first.status == 200
    assert [each.headers["host"] for each in checked.received] == [
        f"rebinding.example:{receiver.port}"
    ]
    assert "leads to an address that is not public" in second.error
    assert receiver.received == []


def certificate(folder: Path, name: str) -> Path:
    """A certificate of its own authority for that name, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.mark.parametrize(("name", "arrives"), [("hooks.example", True), ("other.example", False)])
def test_https_asks_for_the_name_that_was_given_at_the_address_that_was_checked(
    name: str, arrives: bool, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_ALLOW = ["127.0.0.1"]
    path = certificate(tmp_path, "hooks.example")
    monkeypatch.setattr(posting, "_tls", lambda: ssl.create_default_context(cafile=path))
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(path)
    told: list[str | None] = []
    served.sni_callback = lambda _, asked, __: told.append(asked)
    with Receiver() as receiver:
        receiver.server.socket = served.wrap_socket(receiver.server.socket, server_side=True)
        resolves_to(monkeypatch, ["127.0.0.1"])
        outcome = post(f"https://{name}:{receiver.port}/hook")

    assert told == [name]
    assert outcome.is_success == arrives, outcome
    assert len(receiver.received) == arrives
    assert ipaddress.ip_address(receiver.host).is_loopback
