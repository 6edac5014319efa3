"""Where the bucket does not answer, whoever asks for what is in it is told so."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from jobs import storage
from jobs.api import problems

logger = logging.getLogger(__name__)


class StorageAwayMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, storage.Unreachable):
            logger.error("what keeps the files does not answer: %s", exception)
            return problems.storage_away(request)
        return None
