"""Who tries too many passwords, or posts too often, is asked to wait: 429 with Retry-After.

Sign-ins are counted where Django checks a password, so every door has the same limit: the page,
the admin, and a program's Basic authentication.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from jobs import limits
from jobs.api import problems

from .address import client_address

COUNTED_BY_REST = "api"


class SignInLimit:
    """Asked first, knows nobody: it only refuses who has failed too often."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, **credentials: Any
    ) -> None:
        """:raises limits.TooMany: too many failures by this address, or for this name.
        :raises PermissionDenied: nobody has such a name, and PostgreSQL would not look.
        """
        if "\0" in (username or ""):
            raise PermissionDenied
        for limit, who in _counters(request, username):
            limit.refuse_if_reached(who)


@receiver(user_login_failed)
def count_failure(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    for limit, who in _counters(request, credentials.get("username")):
        limit.add(who)


class RateLimitMiddleware:
    """Counts the forms that people post, and puts every refusal into words."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        limit = limits.parse("writes", settings.RATE_WRITES)
        match = request.resolver_match
        if limit is None or request.method != "POST" or not request.user.is_authenticated:
            return None
        if match is not None and match.app_name == COUNTED_BY_REST:
            return None
        try:
            limit.hit(str(request.user.pk))
        except limits.TooMany as exc:
            return problems.too_many(request, exc)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, limits.TooMany):
            return problems.too_many(request, exception)
        return None


def _counters(
    request: HttpRequest | None, username: str | None
) -> Iterator[tuple[limits.Limit, str]]:
    by_address = limits.parse("sign-in-address", settings.RATE_FAILED_SIGN_INS_BY_ADDRESS)
    by_name = limits.parse("sign-in-name", settings.RATE_FAILED_SIGN_INS_BY_NAME)
    if by_address and request is not None:
        yield by_address, client_address(request)
    if by_name and username:
        yield by_name, username.casefold()
