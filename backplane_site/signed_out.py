"""Who is found signed out when they press a button comes back to the page that it is on.

Django would lead them, once they have signed in, to what the button calls; that answers no GET.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

LOOKS = {"GET", "HEAD", "OPTIONS"}
NOTHING_DONE = "You had been signed out, so nothing was done. Sign in, and do it again."


class SignedOutMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if request.method in LOOKS or not _leads_to_sign_in(answer):
            return answer
        messages.warning(request, NOTHING_DONE)
        return redirect_to_login(_page_of(request))


def _leads_to_sign_in(answer: HttpResponse) -> bool:
    """And back from there: who signs out is led there too, and to nothing."""
    if answer.status_code != HTTPStatus.FOUND:
        return False
    to = urlsplit(answer.get("Location", ""))
    return to.path == resolve_url(settings.LOGIN_URL) and "next" in QueryDict(to.query)


def _page_of(request: HttpRequest) -> str:
    """Where the button was pressed, if that is a page of ours."""
    page = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure()):
        return resolve_url("home")
    at = urlsplit(page)
    return at._replace(scheme="", netloc="", fragment="").geturl() or resolve_url("home")
