"""Where a request comes from, when there are proxies of ours in front."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The address that the outermost of our own proxies saw.

    What stands further to the left in X-Forwarded-For, the client has written itself.
    """
    direct = request.META.get("REMOTE_ADDR", "")
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    if not settings.PROXIES or not hops[-1]:
        return direct
    return hops[-min(settings.PROXIES, len(hops))][:100]
