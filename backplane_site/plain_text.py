"""No text has a null character in it, and PostgreSQL takes none: refused at the door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse


class PlainTextMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        _refuse_nulls(request.path_info, *request.COOKIES.values())
        for name, texts in request.GET.lists():
            _refuse_nulls(name, *texts)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """A form has been read by now, to look for its token; JSON is its parser's to judge."""
        if request.content_type == "application/x-www-form-urlencoded":
            for name, texts in request.POST.lists():
                _refuse_nulls(name, *texts)


def _refuse_nulls(*texts: str) -> None:
    """:raises BadRequest: for Django to answer with 400."""
    if any("\0" in text for text in texts):
        raise BadRequest("There is a null character in it.")
