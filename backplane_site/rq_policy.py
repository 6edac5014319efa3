"""RQ's own dashboard under our content policy: what its templates have inline, and nothing else.

Its pages bring styles and a script in their text. Those that are the same on every page are let
through by their checksums, taken from the templates as they are installed; whatever else stands in
a page, a job's words included, stays without effect. The few handlers in attributes stay blocked:
each only does what the link beside it does.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

import django_rq
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from .rq_name import named

TEMPLATES = Path(django_rq.__file__).parent / "templates" / "django_rq"
INLINE = {
    "style-src": re.compile(r"<style>(.*?)</style>", re.DOTALL),
    "script-src": re.compile(r'<script type="text/javascript">(.*?)</script>', re.DOTALL),
}
FILLED_IN = re.compile(r"{[{%#]")
"""What a page puts there is not known beforehand, and is not let through."""


class DashboardMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(_place()):
            response._csp_update = _let_through()  # type: ignore[attr-defined]
            if not response.streaming:
                response.content = named(response.content)
        return response


@cache
def _place() -> str:
    return reverse("admin:app_list", args=["django_rq"])


@cache
def _let_through() -> dict[str, list[str]]:
    return {directive: sorted({*_checksums(inline)}) for directive, inline in INLINE.items()}


def _checksums(inline: re.Pattern[str]) -> Iterator[str]:
    for template in TEMPLATES.glob("*.html"):
        for text in inline.findall(template.read_text(encoding="utf-8")):
            if not FILLED_IN.search(text):
                yield f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
