"""Headers that every answer carries, unless its view knows better."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class PrivateMiddleware:
    """What one user sees is kept by no cache between, and embedded by no other site."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # A file may be kept, for its reader alone, as long as its checksum is asked for again.
        default = "private, no-cache" if response.has_header("ETag") else "private, no-store"
        response.headers.setdefault("Cache-Control", default)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response
