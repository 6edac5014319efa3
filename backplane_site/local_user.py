"""On a laptop nobody signs in: an anonymous request from this very machine acts as `local`.

Only in local mode, only from a loopback address, and never through a proxy, which would make
the whole world look local.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache, lru_cache
from ipaddress import ip_address
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from jobs.prepared import Example, PreparedModel

USERNAME = "local"
FORWARDED = {
    "cf-connecting-ip",
    "client-ip",
    "fly-client-ip",
    "forwarded",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-real-ip",
}
"""What proxies add, and whatever begins as the next."""
FORWARDED_PREFIXES = ("x-forwarded", "x-original-", "x-envoy-")


class LocalUserMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        headers = {name.lower() for name in request.headers}
        if may_act(request.META.get("REMOTE_ADDR", ""), headers) and request.user.is_anonymous:
            # Lazy: a probe has to get its answer while the database is down.
            request.user = SimpleLazyObject(local_user)  # type: ignore[assignment]
            request.acts_as_local = True  # type: ignore[attr-defined]
        return self.get_response(request)


class LocalUserOnSocket:
    def __init__(self, app: Callable[..., Awaitable[Any]]) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        address = (scope.get("client") or ("",))[0]
        headers = {name.decode("latin-1").lower() for name, _ in scope["headers"]}
        if may_act(address, headers) and scope["user"].is_anonymous:
            scope = {**scope, "user": await database_sync_to_async(local_user)()}
        return await self.app(scope, receive, send)


def local_user() -> Any:
    """The person at this machine: an ordinary user without a password, and no administrator."""
    try:
        return _local().get(name=USERNAME)
    except get_user_model().DoesNotExist:
        return get_user_model().objects.get_or_create(username=USERNAME)[0]


@cache
def _local() -> PreparedModel:
    users = get_user_model().objects.select_related("profile")
    return PreparedModel(lambda name: users.filter(username=name), name=Example.WORD)


def may_act(address: str, headers: set[str]) -> bool:
    return settings.LOCAL_MODE and _is_loopback(address) and not any(map(_is_forwarded, headers))


@lru_cache(maxsize=1024)
def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _is_forwarded(header: str) -> bool:
    return header in FORWARDED or header.startswith(FORWARDED_PREFIXES)
