"""A body sent in chunks has no declared length, and Django would take it for empty."""

from __future__ import annotations

import io
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class ChunkedBodyMiddleware:
    """Daphne has received the whole body by now, so its length is known: say it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
            stream = request._stream
            request.META["CONTENT_LENGTH"] = str(stream.seek(0, io.SEEK_END))
            stream.seek(0)
        return self.get_response(request)
