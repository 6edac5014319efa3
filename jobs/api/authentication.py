"""Who is asking, when nobody signed in on their own machine."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from .keyring import REALM, bearer


class LoopbackAuthentication(BaseAuthentication):
    """Takes the user `local` that the site's middleware gave an anonymous loopback request.

    There is no password to prove who asks, so what a foreign web page makes the browser send is
    refused by its origin.
    """

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        if not getattr(request._request, "acts_as_local", False):
            return None
        if "Authorization" in request.headers:
            return None  # who names themselves is taken at their word, or refused
        if _is_foreign(request):
            raise PermissionDenied("A page of another site may not act for you here.")
        return request._request.user, None

    def authenticate_header(self, request: Request) -> str:
        """Asks programs for a password; a browser would put up a dialog of its own."""
        if (text := bearer(request.headers.get("Authorization", ""))) is not None:
            return f'{REALM}, error="invalid_token"' if text else REALM
        return "Session" if "Sec-Fetch-Mode" in request.headers else 'Basic realm="backplane"'


def _is_foreign(request: Request) -> bool:
    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        return True
    origin = request.headers.get("Origin")
    try:
        return origin is not None and urlsplit(origin).netloc != request.get_host()
    except ValueError:
        return True


class LoopbackScheme(OpenApiAuthenticationExtension):
    """In the OpenAPI document: on its own machine the site asks for no password."""

    target_class = LoopbackAuthentication
    name: list[str] = []

    def get_security_requirement(self, auto_schema: Any) -> dict[str, Any] | list[dict[str, Any]]:
        return {} if settings.LOCAL_MODE else []

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        return []
