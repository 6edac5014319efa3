"""Where a webhook may go to: the public Internet, and what the site has opened."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from jobs.webhooks import addresses
from jobs.webhooks.addresses import Refused

NOT_PUBLIC = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fec0::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[2002:7f00:1::]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::1]",
    "[::127.0.0.1]",
]
PUBLIC = ["93.184.216.34", "[2606:2800:220:1:248:1893:25c8:1946]", "example.org", "bücher.example"]


def resolves_to(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """A name service that answers so, one round after the other; returns what it was asked."""
    asked: list[str] = []

    def answer(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if ":" in host or host.replace(".", "").isdecimal():
            found = [host]
        else:
            asked.append(host)
            found = rounds[min(len(asked), len(rounds)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


@pytest.mark.parametrize("host", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(Refused, match="not a public address"):
        addresses.checked(f"https://{host}/hook")


@pytest.mark.parametrize("host", NOT_PUBLIC)
def test_a_name_that_leads_to_such_an_address_is_refused(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolves_to(monkeypatch, ["93.184.216.34", host.strip("[]")])

    with pytest.raises(Refused, match="leads to an address that is not public"):
        addresses.resolved("innocent.example", 443)


@pytest.mark.parametrize("host", PUBLIC)
def test_what_is_public_is_let_through(host: str) -> None:
    assert addresses.checked(f"https://{host}/hook").path == "/hook"


@pytest.mark.parametrize(
    "url",
    [
        "", "hook", "ftp://example.org/", "https://", "https:///hook", "file:///etc/passwd",
        "gopher://example.org", "https://user:word@example.org/", "https://localhost/",
        "https://a.localhost/", "https://db.internal/", "https://[::1", "https://\ud800.example/",
        "https://example.org:99999999/", f"https://example.org/{'a' * 2000}",
        f"https://example.org/{'ü' * 400}", "http://\x00/",
    ],
)  # fmt: skip
def test_what_is_no_address_for_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        addresses.checked(url)


@pytest.mark.parametrize("number", ["2130706433", "0x7f.1", "0177.0.0.1"])
def test_a_number_that_the_system_takes_for_loopback_is_refused(number: str) -> None:
    with pytest.raises((Refused, OSError)):
        addresses.resolved(number, 80)


@pytest.mark.parametrize("opened", ["10.0.0.0/8", "10.1.2.3", "fd00::/8,10.1.2.3/32"])
def test_a_network_may_be_opened(settings: Any, opened: str) -> None:
    settings.WEBHOOK_ALLOW = opened.split(",")

    assert addresses.checked("http://10.1.2.3:8080/hook").port == 8080
    assert addresses.resolved("10.1.2.3", 8080) == ["10.1.2.3"]
    with pytest.raises(Refused):
        addresses.checked("http://127.0.0.1/")


def test_a_name_may_be_opened_whatever_it_leads_to(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_ALLOW = ["Hooks.internal"]
    resolves_to(monkeypatch, ["10.1.2.3"])

    assert addresses.checked("http://hooks.internal/a").path == "/a"
    assert addresses.resolved("hooks.internal", 80) == ["10.1.2.3"]


def test_outside_local_mode_it_has_to_be_https_but_for_what_was_opened(settings: Any) -> None:
    settings.LOCAL_MODE = False
    settings.WEBHOOK_ALLOW = ["10.0.0.0/8"]

    assert addresses.checked("http://10.1.2.3/").scheme == "http"
    with pytest.raises(Refused, match="expected https"):
        addresses.checked("http://example.org/")
