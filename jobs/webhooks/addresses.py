"""Which addresses a webhook may go to: public ones, and those that the site has opened.

A name is resolved once for each connection, and the connection goes to the very address that was
looked at: a name service that answers otherwise the second time is not asked a second time.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    import httpx

Address = IPv4Address | IPv6Address

MOST_CHARS = 2000
LOCAL_NAMES = ("localhost", ".localhost", ".local", ".internal")
# IANA's registries of special addresses: Python's own list differs between its versions.
NOT_PUBLIC = [
    IPv4Network("0.0.0.0/8"),
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("127.0.0.0/8"),
    IPv4Network("168.63.129.16/32"),  # Azure's own services; other clouds' are link-local
    IPv4Network("169.254.0.0/16"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.0.2.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("192.168.0.0/16"),
    IPv4Network("198.18.0.0/15"),
    IPv4Network("198.51.100.0/24"),
    IPv4Network("203.0.113.0/24"),
    IPv4Network("224.0.0.0/3"),
]
UNICAST = IPv6Network("2000::/3")
NOT_PUBLIC_6 = [
    IPv6Network("2001::/23"),  # of protocols, Teredo among them
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),  # 6to4, which wraps any IPv4 address
    IPv6Network("3fff::/20"),
]
NAT64 = IPv6Network("64:ff9b::/96")
HOW_TO_OPEN = "An operator can open it with BACKPLANE_WEBHOOK_ALLOW."


class Refused(Exception):
    """A webhook may not go there; the text says why, and how to mend it."""


def checked(text: str) -> httpx.URL:
    """The URL in ASCII, as far as it can be judged without asking a name service.

    :raises Refused: nothing will ever be sent there.
    """
    # With its command line, it is a twelfth of all that a process of the site imports.
    import httpx

    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as exc:
        raise Refused(f"this is no URL ({exc}); expected https://example.org/hook.") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise Refused("expected a URL like https://example.org/hook.")
    if not 0 < (url.port or 443) < 2**16:
        raise Refused(f"there is no port {url.port}.")
    if len(str(url)) > MOST_CHARS:
        raise Refused(f"expected a URL of {MOST_CHARS} characters at most.")
    if url.userinfo:
        raise Refused("leave out the user and the password; the signature tells who sends.")
    host = host_of(url)
    if not is_opened(host) and (is_local(host) or not is_public_if_literal(host)):
        raise Refused(f"{host} is not a public address. {HOW_TO_OPEN}")
    if url.scheme == "http" and not settings.LOCAL_MODE and not is_opened(host):
        raise Refused("expected https; http is for addresses that the site has opened.")
    return url


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host, each of which may be connected to.

    :raises Refused: one of them may not.
    :raises OSError: the name is not known, or nobody who knows it can be reached.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise Refused(f"{host} is no name of a host.") from None
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    if is_opened(host.lower()) or all(_may_be_reached(ip_address(each)) for each in addresses):
        return addresses
    # The address itself is not told: it may be nobody's business.
    raise Refused(f"{host} leads to an address that is not public. {HOW_TO_OPEN}")


def host_of(url: httpx.URL) -> str:
    """As a name service takes it: in ASCII."""
    return url.raw_host.decode("ascii").lower()


def is_opened(host: str) -> bool:
    """Whether the site has opened it by name, or by the address that it is."""
    literal = _literal(host)
    return host in _opened_names() or (literal is not None and _is_in_opened_network(literal))


def is_local(host: str) -> bool:
    return host == LOCAL_NAMES[0] or host.endswith(LOCAL_NAMES[1:])


def is_public_if_literal(host: str) -> bool:
    literal = _literal(host)
    return literal is None or is_public(literal)


def is_public(address: Address) -> bool:
    """Whether it is one host of the Internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC)
    if address.ipv4_mapped:
        return is_public(address.ipv4_mapped)
    if address in NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in UNICAST and not any(address in network for network in NOT_PUBLIC_6)


def _may_be_reached(address: Address) -> bool:
    return is_public(address) or _is_in_opened_network(address)


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_in_opened_network(address: Address) -> bool:
    for each in settings.WEBHOOK_ALLOW:
        try:
            network = ip_network(each, strict=False)
        except ValueError:
            continue  # a name
        if address in network:
            return True
    return False


def _opened_names() -> set[str]:
    return {each.lower() for each in settings.WEBHOOK_ALLOW}
