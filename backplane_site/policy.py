"""The content policy of an answer that asks for none of its own, put into words once.

The library writes it anew for each answer, and an answer in JSON has the same as any.
"""

from __future__ import annotations

from functools import cache

from csp.constants import HEADER
from csp.middleware import CheckableLazyObject, CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

OF_ITS_OWN = {"_csp_exempt", "_csp_config", "_csp_update", "_csp_replace"}


class PolicyMiddleware(CSPMiddleware):
    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if settings.DEBUG or not _takes_the_usual(request, response):
            return super().process_response(request, response)
        response[HEADER] = _usual()
        # As the library has it: one that is asked for now would not be let through.
        request.csp_nonce = CheckableLazyObject(  # type: ignore[attr-defined]
            self._csp_nonce_post_response
        )
        return response


def _takes_the_usual(request: HttpRequest, response: HttpResponseBase) -> bool:
    has_nonce = getattr(request, "_csp_nonce", None) is not None
    return not has_nonce and HEADER not in response and OF_ITS_OWN.isdisjoint(vars(response))


@cache
def _usual() -> str:
    return build_policy()
