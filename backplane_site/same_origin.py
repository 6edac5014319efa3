"""Opens a websocket to our own pages only: a browser sends our cookies with anybody's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class SameOriginOnSocket:
    """The page's origin must be the host and the port that were asked for, or a trusted one.

    Another port on this machine is another program.
    """

    def __init__(self, app: Callable[..., Awaitable[Any]]) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        allowed = is_our_page(headers.get(b"origin", ""), headers.get(b"host", ""))
        app = self.app if allowed else WebsocketDenier()
        return await app(scope, receive, send)


def is_our_page(origin: str, host: str) -> bool:
    """Whether a page of `origin` may talk to us when it asks for us by `host`."""
    name, _ = split_domain_port(host)
    if not name or not validate_host(name, settings.ALLOWED_HOSTS):
        return False
    try:
        page = urlsplit(origin)
        there = urlsplit(f"{page.scheme}://{host}")
        return bool(page.hostname) and (_place(page) == _place(there) or _is_trusted(page))
    except ValueError:
        return False


def _place(url: SplitResult) -> tuple[str | None, int | None]:
    return url.hostname, url.port or PORTS.get(url.scheme)


def _is_trusted(page: SplitResult) -> bool:
    """As Django's protection of forms has it: a leading dot or star stands for every subdomain."""
    for trusted in getattr(settings, "CSRF_TRUSTED_ORIGINS", ()):
        known = urlsplit(trusted.replace("://*.", "://."))
        if known.scheme == page.scheme and validate_host(page.netloc, [known.netloc]):
            return True
    return False
