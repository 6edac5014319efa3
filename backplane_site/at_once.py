"""What is known already, Daphne sends as soon as it has read what is asked: to make an application
for it, with its queue and its task, takes longer than the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.web import http

from jobs.asking import Answer, Scope

_ask: Callable[[Scope], Answer | None] = lambda scope: None  # noqa: E731


def install(ask: Callable[[Scope], Answer | None]) -> None:
    """:param ask: gives what can be sent without waiting for anything."""
    global _ask
    _ask = ask


def sent(request: Any) -> bool:
    """Whether it is answered; if not, it has still to go its usual way."""
    if request.method != b"GET" or (answer := _ask(_scope(request))) is None:
        return False
    request.setResponseCode(answer.status)
    for name, value in answer.headers:
        request.responseHeaders.addRawHeader(name, value)
    # Not Daphne's own, which is for what an application says.
    http.Request.write(request, answer.body)
    request.finish()
    return True


def _scope(request: Any) -> Scope:
    """As Daphne would write it, as far as anybody looks at it before there is an application."""
    path, _, query = request.uri.partition(b"?")
    return {
        "type": "http",
        "method": "GET",
        "path": path.decode("latin-1"),
        "root_path": request.server.root_path,
        "query_string": query,
        "scheme": "https" if request.isSecure() else "http",
        "headers": [
            (name.lower(), value)
            for name, values in request.requestHeaders.getAllRawHeaders()
            for value in values
        ],
        "client": [getattr(request.client, "host", ""), getattr(request.client, "port", 0)],
    }
